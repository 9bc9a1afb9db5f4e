package load

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ends are where partitions end, by topic and partition; those that hold nothing
// are not there.
type ends map[string]map[int32]int64

// listEnds asks for the ends of all topics.
func listEnds(ctx context.Context, cfg *Config) (ends, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, cfg.Topics...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ends of topics %v: %w", cfg.Topics, err)
	}
	e := make(ends)
	listed.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			if e[end.Topic] == nil {
				e[end.Topic] = make(map[int32]int64)
			}
			e[end.Topic][end.Partition] = end.Offset
		}
	})
	return e, nil
}

// read gives take everything from the first offset to the ends, which it forgets
// as it comes to them: partition by partition in the order of offsets.
func (e ends) read(ctx context.Context, cfg *Config, take func(*kgo.Record) error) error {
	from := make(map[string]map[int32]kgo.Offset)
	left := 0
	for topic, partitions := range e {
		from[topic] = make(map[int32]kgo.Offset)
		for p := range partitions {
			from[topic][p] = kgo.NewOffset().AtStart()
			left++
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.KeepControlRecords(), isolation(cfg), kgo.ConsumePartitions(from))
	if err != nil {
		return err
	}
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		var bad error
		fetches.EachError(func(topic string, partition int32, err error) {
			bad = fmt.Errorf("reading %s/%d: %w", topic, partition, err)
		})
		fetches.EachRecord(func(r *kgo.Record) {
			end, ok := e[r.Topic][r.Partition]
			if bad != nil || !ok {
				return // it came since
			}
			// A transaction's end is a record too, and may be a partition's last.
			if !r.Attrs.IsControl() {
				if err := take(r); err != nil {
					bad = fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
				}
			}
			if r.Offset+1 >= end {
				delete(e[r.Topic], r.Partition)
				left--
			}
		})
		if bad != nil {
			return bad
		}
	}
	return nil
}
