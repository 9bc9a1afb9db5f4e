package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// groupPartitions is how many offsets each commit has; groupsWatched is how
// many groups commit, so that several coordinators have some.
const (
	groupPartitions = 3
	groupsWatched   = 6
)

// groups commit rising offsets all the time and know what may be found: no
// committed offset may go back.
type groups struct {
	topic  string
	client *kgo.Client
	admin  *kadm.Client
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	acked [groupsWatched]int64 // the highest offset whose commit was acknowledged
	tried [groupsWatched]int64 // the highest offset that was sent
	count int64
}

// watchGroups starts the groups; their offsets are of a topic that exists.
func watchGroups(brokers []string, topic string) (*groups, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.AlwaysRetryEOF(), kgo.DialTimeout(2*time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.RetryTimeout(20*time.Second), kgo.RequestRetries(1<<30))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &groups{topic: topic, client: client, admin: kadm.NewClient(client), cancel: cancel}
	for i := range groupsWatched {
		g.done.Go(func() { g.commitAll(ctx, i) })
	}
	return g, nil
}

func (g *groups) name(i int) string { return fmt.Sprintf("%s-group-%d", g.topic, i) }

// commitAll commits for one group until ctx ends.
func (g *groups) commitAll(ctx context.Context, i int) {
	for next := int64(1); pause(ctx, 20*time.Millisecond) == nil; next++ {
		g.mu.Lock()
		g.tried[i] = next
		g.mu.Unlock()
		offsets := kadm.Offsets{}
		for p := range int32(groupPartitions) {
			offsets.AddOffset(g.topic, p, next, -1)
		}
		answer, err := g.admin.CommitOffsets(ctx, g.name(i), offsets)
		if errors.Join(err, answer.Error()) != nil {
			continue // not committed, or not known: the next one is higher
		}
		g.mu.Lock()
		g.acked[i] = next
		g.count++
		g.mu.Unlock()
	}
}

// check reads what is committed and holds it to what was acknowledged.
func (g *groups) check(ctx context.Context) error {
	for i := range groupsWatched {
		g.mu.Lock()
		least := g.acked[i]
		g.mu.Unlock()
		offsets, err := g.fetch(ctx, g.name(i))
		if err != nil {
			return fmt.Errorf("offsets of group %s: %w", g.name(i), err)
		}
		g.mu.Lock()
		most := g.tried[i]
		g.mu.Unlock()
		if least == 0 {
			continue
		}
		for p := range int32(groupPartitions) {
			at, _ := offsets.Lookup(g.topic, p)
			if at.At < least || at.At > most {
				return fmt.Errorf("group %s, partition %d: offset %d is committed; %d was acknowledged, %d the last one sent",
					g.name(i), p, at.At, least, most)
			}
		}
	}
	return nil
}

// fetch asks until a coordinator answers.
func (g *groups) fetch(ctx context.Context, name string) (kadm.OffsetResponses, error) {
	for {
		offsets, err := g.admin.FetchOffsets(ctx, name)
		if err = errors.Join(err, offsets.Error()); err == nil {
			return offsets, nil
		}
		if paused := pause(ctx, 50*time.Millisecond); paused != nil {
			return nil, errors.Join(err, paused)
		}
	}
}

// committed is how many commits were acknowledged.
func (g *groups) committed() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// Close ends the groups.
func (g *groups) Close() {
	g.cancel()
	g.done.Wait()
	g.client.Close()
}
