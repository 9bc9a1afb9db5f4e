package load

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Reading is what was read back.
type Reading struct {
	Records int64
	Took    time.Duration
}

// Verify reads the topic of a load that has ended from its first offset to its
// end, and returns an error unless every acknowledged record is there once, in
// the order in which its producer sent it, and as it was sent. The topic must
// hold this load alone.
func (r *Result) Verify(ctx context.Context) (Reading, error) {
	began := time.Now()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.Config.Brokers...), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return Reading{}, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, r.Config.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return Reading{}, fmt.Errorf("verify: end of topic %s: %w", r.Config.Topic, err)
	}
	left := make(map[int32]int64) // partitions not read to their end, and it
	start := make(map[int32]kgo.Offset)
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
			start[end.Partition] = kgo.NewOffset().AtStart()
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.Config.Topic: start})

	check := newChecker(r.fates, r.Config.Partitions, valueOf(r.Config.RecordBytes))
	var reading Reading
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return reading, fmt.Errorf("verify: reading %s after %d records: %w", r.Config.Topic, reading.Records, err)
		}
		var bad error
		fetches.EachError(func(_ string, partition int32, err error) {
			bad = fmt.Errorf("verify: reading partition %d: %w", partition, err)
		})
		fetches.EachRecord(func(rec *kgo.Record) {
			reading.Records++
			if err := check.record(rec.Partition, rec.Key, rec.Value); err != nil && bad == nil {
				bad = fmt.Errorf("verify: partition %d offset %d: %w", rec.Partition, rec.Offset, err)
			}
			if rec.Offset+1 >= left[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
		if bad != nil {
			return reading, bad
		}
	}
	reading.Took = time.Since(began)
	return reading, check.complete()
}

// checker compares records, partition by partition in the order of offsets,
// with what the producers were told.
type checker struct {
	fates      []fate
	partitions int
	value      []byte
	// next sequence number, by producer and partition.
	next [][]uint64
}

func newChecker(fates []fate, partitions int, value []byte) *checker {
	c := &checker{fates: fates, partitions: partitions, value: value}
	for range fates {
		next := make([]uint64, partitions)
		for p := range next {
			next[p] = uint64(p)
		}
		c.next = append(c.next, next)
	}
	return c
}

// record takes the next record of a partition.
func (c *checker) record(partition int32, key, value []byte) error {
	producer, seq, ok := parseKey(key)
	switch {
	case !ok || int(producer) >= len(c.fates) || int(partition) >= c.partitions:
		return fmt.Errorf("a record with key %x that this load did not send", key)
	case partitionOf(seq, c.partitions) != partition || seq >= c.fates[producer].sent:
		return fmt.Errorf("record %d of producer %d does not belong here", seq, producer)
	case !bytes.Equal(value, c.value):
		return fmt.Errorf("record %d of producer %d is damaged", seq, producer)
	}
	next := &c.next[producer][partition]
	if seq < *next {
		return fmt.Errorf("record %d of producer %d comes again, or after record %d", seq, producer, *next-uint64(c.partitions))
	}
	if err := c.skip(producer, *next, seq); err != nil {
		return err
	}
	*next = seq + uint64(c.partitions)
	return nil
}

// skip accepts that [from, to) of a partition are missing if none was acked.
func (c *checker) skip(producer uint32, from, to uint64) error {
	for seq := from; seq < to; seq += uint64(c.partitions) {
		if _, failed := c.fates[producer].failed[seq]; !failed {
			return fmt.Errorf("record %d of producer %d was acknowledged and is missing", seq, producer)
		}
	}
	return nil
}

// complete says whether everything acknowledged was there.
func (c *checker) complete() error {
	for producer, next := range c.next {
		for _, seq := range next {
			if err := c.skip(uint32(producer), seq, c.fates[producer].sent); err != nil {
				return fmt.Errorf("verify: at the end of its partition: %w", err)
			}
		}
	}
	return nil
}
