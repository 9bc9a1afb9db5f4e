package load

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Reading is what was read back.
type Reading struct {
	Records int64
	// Repeated came more than once, which only idempotence keeps from happening.
	Repeated int64
	Took     time.Duration
}

// Verify reads the topics of a load that has ended from their first offsets to
// their ends, and returns an error unless every acknowledged record is there
// once, in the order in which its producer sent it, and as it was sent. The
// topics must hold this load alone. Without idempotence a record may come again,
// and with acks=0 it may be missing: that was not promised.
func (r *Result) Verify(ctx context.Context) (Reading, error) {
	began := time.Now()
	check := newChecker(&r.Config, r.fates)
	var reading Reading
	e, err := listEnds(ctx, &r.Config)
	if err == nil {
		err = e.read(ctx, &r.Config, func(rec *kgo.Record) error {
			reading.Records++
			return check.record(rec)
		})
	}
	reading.Repeated = check.repeated
	if err != nil {
		return reading, fmt.Errorf("verify, after %d records: %w", reading.Records, err)
	}
	reading.Took = time.Since(began)
	if err := check.complete(); err != nil {
		return reading, fmt.Errorf("verify: at the end of its partition: %w", err)
	}
	return reading, nil
}

// checker compares records, partition by partition in the order of offsets,
// with what the producers were told.
type checker struct {
	fates    []fate
	layout   layout
	topics   []string
	contents *contents
	// again says that records may come again, and lost that they may be missing.
	again, lost bool
	repeated    int64
	// next sequence number, by producer and slot.
	next [][]uint64
}

func newChecker(cfg *Config, fates []fate) *checker {
	s := &cfg.Scenario
	c := &checker{
		fates: fates, layout: cfg.layout(), topics: cfg.Topics, contents: newContents(s.RecordBytes, s.DistinctKeys),
		again: !s.Idempotent, lost: s.Acks == "0",
	}
	for range fates {
		next := make([]uint64, c.layout.slots)
		for slot := range next {
			next[slot], _ = c.layout.first(slot)
		}
		c.next = append(c.next, next)
	}
	return c
}

// record takes the next record of a partition.
func (c *checker) record(r *kgo.Record) error {
	producer, seq, ok := identify(r)
	topic := slices.Index(c.topics, r.Topic)
	if !ok || int(producer) >= len(c.fates) || topic < 0 || int(r.Partition) >= c.layout.partitions {
		return fmt.Errorf("a record with key %x that this load did not send", r.Key)
	}
	slot := topic*c.layout.partitions + int(r.Partition)
	switch {
	case c.layout.slot(seq) != slot || seq >= c.fates[producer].sent:
		return fmt.Errorf("record %d of producer %d does not belong here", seq, producer)
	case string(r.Value) != string(c.contents.of(producer, seq)):
		return fmt.Errorf("record %d of producer %d is damaged", seq, producer)
	}
	next := &c.next[producer][slot]
	if seq < *next {
		if c.again {
			c.repeated++
			return nil
		}
		return fmt.Errorf("record %d of producer %d comes again, or late: %d was due", seq, producer, *next)
	}
	if err := c.skip(producer, *next, seq); err != nil {
		return err
	}
	*next = c.layout.next(seq)
	return nil
}

// skip accepts that [from, to) of a slot are missing if none was acknowledged.
func (c *checker) skip(producer uint32, from, to uint64) error {
	for seq := from; seq < to && !c.lost; seq = c.layout.next(seq) {
		if !c.fates[producer].failed.has(seq) {
			return fmt.Errorf("record %d of producer %d was acknowledged and is missing", seq, producer)
		}
	}
	return nil
}

// complete says whether everything acknowledged was there.
func (c *checker) complete() error {
	for producer, next := range c.next {
		for slot, seq := range next {
			if _, ok := c.layout.first(slot); !ok {
				continue
			}
			if err := c.skip(uint32(producer), seq, c.fates[producer].sent); err != nil {
				return err
			}
		}
	}
	return nil
}
