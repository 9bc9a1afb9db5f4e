package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

const (
	// ledgerPause is between two records of a ledger.
	ledgerPause = 5 * time.Millisecond
	// ledgerBytes is the length of a record's value: its number, and blanks.
	ledgerBytes = 300
)

// ledger is a partition, an idempotent producer that numbers what it writes
// there, and the offset at which each number was acknowledged. Its clients are
// as their library sets them up, so that they go on after a loss. (The oracle's
// end there: to it nothing acknowledged may be lost.)
type ledger struct {
	*partition
	producer *kgo.Client
	tail     *follower // from the first offset on
	cancel   context.CancelFunc
	done     sync.WaitGroup

	mu     sync.Mutex
	acked  []entry // in the order of the acks
	failed error   // why a record was not written; none should fail
}

// entry is a number and the offset at which it was acknowledged.
type entry struct{ number, offset int64 }

// span are offsets of a partition. An end of -1 is none.
type span struct{ from, end int64 }

func (s span) has(offset int64) bool { return offset >= s.from && (s.end < 0 || offset < s.end) }

// startLedger makes the topic and waits for the first ack.
func startLedger(ctx context.Context, r *rig, topic string) (_ *ledger, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	l := &ledger{cancel: func() {}}
	if l.partition, err = newPartition(r, topic); err != nil {
		return nil, err
	}
	if _, err := l.admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		l.client.Close()
		return nil, err
	}
	l.producer, err = kgo.NewClient(kgo.SeedBrokers(r.brokers()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		l.client.Close()
		return nil, err
	}
	if l.tail, err = follow(l.partition); err != nil {
		l.producer.Close()
		l.client.Close()
		return nil, err
	}
	writing, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.done.Go(func() { l.write(writing) })
	if _, err := l.gaps.await(ctx, time.Now()); err != nil {
		l.Close()
		return nil, fmt.Errorf("no ack of %s at the start: %w", topic, err)
	}
	return l, nil
}

// Close ends all clients.
func (l *ledger) Close() {
	l.cancel()
	l.done.Wait()
	l.producer.Close()
	l.tail.Close()
	l.client.Close()
}

// write writes one number after the other until ctx ends.
func (l *ledger) write(ctx context.Context) {
	tick := time.NewTicker(ledgerPause)
	defer tick.Stop()
	for number := int64(0); ; number++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		value := append(strconv.AppendInt(make([]byte, 0, ledgerBytes), number, 10), ' ')
		sent := time.Now()
		l.producer.Produce(context.Background(), &kgo.Record{Value: value[:ledgerBytes]}, func(r *kgo.Record, err error) {
			l.answered(entry{number, r.Offset}, sent, err)
		})
	}
}

func (l *ledger) answered(e entry, sent time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if !errors.Is(err, kgo.ErrClientClosed) && l.failed == nil {
			l.failed = fmt.Errorf("writing number %d to %s: %w", e.number, l.topic, err)
		}
		return
	}
	l.acked = append(l.acked, e)
	l.gaps.note(load.Ack{Sent: sent, At: time.Now()})
}

// count is how many numbers were acknowledged so far.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// since is what was acknowledged after the first ones.
func (l *ledger) since(first int) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked[first:])
}

// finish ends the writing and waits until all is answered, and until the reader
// of the tail has all that was acknowledged after the first ones.
func (l *ledger) finish(ctx context.Context, first int) error {
	l.cancel()
	l.done.Wait()
	if err := l.producer.Flush(ctx); err != nil {
		return err
	}
	return errors.Join(l.failed, l.tail.await(ctx, l.since(first)))
}

// judge reads the whole partition and holds it to what was acknowledged. Of the
// first acks, those of lost offsets have to be gone, and their numbers with them;
// all others have to be where they were acknowledged. No offset may be missing
// but those of a lost part whose end is known. It says how many acks are gone.
func (l *ledger) judge(ctx context.Context, first int, lost span) (gone int, err error) {
	log, err := l.read(ctx)
	if err != nil {
		return 0, err
	}
	next, where := int64(0), make(map[int64]int64, len(log))
	at := make(map[int64]int64, len(log))
	for _, e := range log {
		if next == lost.from && lost.end > lost.from {
			next = lost.end
		}
		if e.offset != next {
			return 0, fmt.Errorf("%s: offset %d comes where %d should", l.topic, e.offset, next)
		}
		if twice, ok := where[e.number]; ok {
			return 0, fmt.Errorf("%s: number %d is at offsets %d and %d", l.topic, e.number, twice, e.offset)
		}
		where[e.number], at[e.offset], next = e.offset, e.number, next+1
	}
	for i, e := range l.acked {
		if i < first && lost.has(e.offset) {
			gone++
			if offset, ok := where[e.number]; ok {
				return 0, fmt.Errorf("%s: number %d of lost offset %d is there, at offset %d", l.topic, e.number, e.offset, offset)
			}
			continue
		}
		if number, ok := at[e.offset]; !ok || number != e.number {
			return 0, fmt.Errorf("%s: number %d was acknowledged at offset %d, which is not lost, and there is %d (%v)", l.topic, e.number, e.offset, number, ok)
		}
	}
	return gone, nil
}

// read reads from the first offset to the end of now.
func (l *ledger) read(ctx context.Context) (log []entry, err error) {
	ends, err := l.admin.ListEndOffsets(ctx, l.topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	end, _ := ends.Lookup(l.topic, 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(l.brokers()...), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: {0: kgo.NewOffset().At(0)}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for len(log) == 0 || log[len(log)-1].offset < end.Offset-1 {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(context.Cause(ctx), fetches.Err()); err != nil {
			return nil, fmt.Errorf("reading %s, %d of %d offsets so far: %w", l.topic, len(log), end.Offset, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { log = append(log, entry{numberOf(r), r.Offset}) })
	}
	return log, nil
}

// numberOf is the number that a record carries, -1 for a record of nobody.
func numberOf(r *kgo.Record) int64 {
	digits, _, _ := bytes.Cut(r.Value, []byte(" "))
	number, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return -1
	}
	return number
}

// follower reads a partition from its start on, wherever its end goes.
type follower struct {
	client *kgo.Client
	done   sync.WaitGroup

	mu   sync.Mutex
	seen map[int64]bool // by number
}

func follow(p *partition) (*follower, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(p.brokers()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.topic: {0: kgo.NewOffset().At(0)}}))
	if err != nil {
		return nil, err
	}
	f := &follower{client: client, seen: make(map[int64]bool)}
	f.done.Go(func() {
		for {
			// Errors come again or pass; what counts is whether the records come.
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			f.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) { f.seen[numberOf(r)] = true })
			f.mu.Unlock()
		}
	})
	return f, nil
}

func (f *follower) Close() {
	f.client.Close()
	f.done.Wait()
}

// await waits until the follower has numbers.
func (f *follower) await(ctx context.Context, numbers []entry) error {
	for {
		missing := 0
		f.mu.Lock()
		for _, e := range numbers {
			if !f.seen[e.number] {
				missing++
			}
		}
		f.mu.Unlock()
		if missing == 0 {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("a reader lacks %d of %d records: %w", missing, len(numbers), err)
		}
	}
}
