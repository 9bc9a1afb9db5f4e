package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/scenario"
)

const (
	// joinTimeout is how long groups may take to share out the partitions.
	joinTimeout = time.Minute
	// drainQuiet is how long after the last record nothing may come until a group
	// is taken not to get more.
	drainQuiet = 5 * time.Second
	pollPause  = 5 * time.Millisecond
)

// consumers are the groups at the tail.
type consumers struct {
	cfg    *Config
	timing atomic.Pointer[timing] // nil until the load begins
	groups []*group
	done   sync.WaitGroup
	stop   context.CancelFunc

	mu      sync.Mutex
	latency *hist.Histogram // of what was due in the window
	fault   error           // the first of a fetch
}

// group is one consumer group.
type group struct {
	name    string
	members []*member
	records atomic.Int64 // that came
}

// member is one consumer of a group.
type member struct {
	client   *kgo.Client
	assigned atomic.Int64 // partitions
}

// shared says whether the members have all partitions, each its share: before
// that some will move, and be read again from where they began.
func (g *group) shared(partitions int64) bool {
	share := (partitions + int64(len(g.members)) - 1) / int64(len(g.members))
	all := int64(0)
	for _, m := range g.members {
		n := m.assigned.Load()
		if n > share {
			return false
		}
		all += n
	}
	return all == partitions
}

// startConsumers starts all groups and returns when they have all partitions.
// They begin where the topics end now.
func startConsumers(ctx context.Context, cfg *Config) (*consumers, error) {
	cs := &consumers{cfg: cfg, latency: hist.New(), stop: func() {}}
	if cfg.Scenario.Groups == 0 {
		return cs, nil
	}
	polling, stop := context.WithCancel(context.WithoutCancel(ctx))
	cs.stop = stop
	for _, name := range Groups(cfg.Group, &cfg.Scenario) {
		g := &group{name: name}
		cs.groups = append(cs.groups, g)
		if err := cs.start(ctx, polling, g); err != nil {
			cs.close()
			return nil, err
		}
	}
	if err := cs.joined(ctx); err != nil {
		cs.close()
		return nil, err
	}
	return cs, nil
}

// start makes a group's clients, which poll until polling ends.
func (cs *consumers) start(ctx, polling context.Context, g *group) error {
	if cs.cfg.Scenario.BackfillBytes > 0 {
		if err := beginAtEnd(ctx, cs.cfg, g.name); err != nil {
			return err
		}
	}
	for range cs.cfg.Scenario.Consumers {
		m := new(member)
		assigned := func(sign int64) func(context.Context, *kgo.Client, map[string][]int32) {
			return func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
				for _, partitions := range topics {
					m.assigned.Add(sign * int64(len(partitions)))
				}
			}
		}
		var err error
		m.client, err = kgo.NewClient(
			kgo.SeedBrokers(cs.cfg.Brokers...), kgo.ConsumerGroup(g.name), kgo.ConsumeTopics(cs.cfg.Topics...),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), isolation(cs.cfg),
			kgo.OnPartitionsAssigned(assigned(1)), kgo.OnPartitionsRevoked(assigned(-1)), kgo.OnPartitionsLost(assigned(-1)),
		)
		if err != nil {
			return err
		}
		g.members = append(g.members, m)
		cs.done.Go(func() { cs.poll(polling, g, m.client) })
	}
	return nil
}

func isolation(cfg *Config) kgo.Opt {
	if cfg.Scenario.Transaction > 0 {
		return kgo.FetchIsolationLevel(kgo.ReadCommitted())
	}
	return kgo.FetchIsolationLevel(kgo.ReadUncommitted())
}

// beginAtEnd commits the ends of the topics for a group that has no members yet.
func beginAtEnd(ctx context.Context, cfg *Config, group string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(ctx, cfg.Topics...)
	if err == nil {
		err = errors.Join(ends.Error(), admin.CommitAllOffsets(ctx, group, ends.Offsets()))
	}
	if err != nil {
		return fmt.Errorf("group %s: beginning at the end: %w", group, err)
	}
	return nil
}

// joined waits until each group has shared out all partitions.
func (cs *consumers) joined(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	slots := int64(cs.cfg.layout().slots)
	for _, g := range cs.groups {
		for !g.shared(slots) {
			if !pause(ctx) {
				return fmt.Errorf("group %s has not shared out its %d partitions: %w", g.name, slots, context.Cause(ctx))
			}
		}
	}
	return nil
}

// pause waits a moment; false if ctx ended.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pollPause):
		return true
	}
}

// poll takes what comes to one member.
func (cs *consumers) poll(ctx context.Context, g *group, client *kgo.Client) {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		now := time.Now()
		cs.take(fetches, now)
		g.records.Add(int64(fetches.NumRecords()))
	}
}

// take counts the latencies of what came at a time.
func (cs *consumers) take(fetches kgo.Fetches, now time.Time) {
	t := cs.timing.Load()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	fetches.EachError(func(topic string, partition int32, err error) {
		if cs.fault == nil {
			cs.fault = fmt.Errorf("consuming %s/%d: %w", topic, partition, err)
		}
	})
	if t == nil || !cs.cfg.paced() {
		return
	}
	fetches.EachRecord(func(r *kgo.Record) {
		producer, seq, ok := identify(r)
		if !ok || int(producer) >= t.producers || seq < t.first {
			return // what made connections, or a fault that Verify finds
		}
		if due := t.due(producer, seq); t.counts(due) {
			cs.latency.Record(now.Sub(due))
		}
	})
}

// records are all that came to all groups.
func (cs *consumers) records() (n int64) {
	for _, g := range cs.groups {
		n += g.records.Load()
	}
	return n
}

// drain waits until each group had as many records as were acknowledged, or
// nothing comes any more, which is an error.
func (cs *consumers) drain(ctx context.Context, acked int64) error {
	last, changed := cs.records(), time.Now()
	for _, g := range cs.groups {
		for g.records.Load() < acked {
			if n := cs.records(); n != last {
				last, changed = n, time.Now()
			}
			if time.Since(changed) > drainQuiet {
				return fmt.Errorf("group %s got %d of %d records that were acknowledged", g.name, g.records.Load(), acked)
			}
			if !pause(ctx) {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// close ends all members.
func (cs *consumers) close() {
	cs.stop()
	cs.done.Wait()
	for _, g := range cs.groups {
		for _, m := range g.members {
			m.client.Close()
		}
	}
}

// Groups are the names of the consumer groups of a scenario, by [Config].Group.
func Groups(prefix string, s *scenario.Scenario) []string {
	var names []string
	for i := range s.Groups {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
	}
	return names
}
