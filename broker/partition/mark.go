package partition

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/s3stream"
)

// A partition's producers stand in the attachments of its objects. So that it
// can be opened elsewhere while the object store is away, they also stand in the
// log, as marks: one when the partition is opened, and one before each commit,
// after which the log forgets what was below.

// encodeState is all producers of a partition where its log ends: the form of
// marks and of what nodes tell each other. It is a summary without a slice.
func encodeState(end int64, state *producers) []byte {
	s := batch.Summary{BaseOffset: end, NextOffset: end, MaxTimestampBase: end, Seeded: true, ProducersComplete: true, Producers: state.snapshot()}
	return s.AppendTo(nil)
}

func parseState(b []byte) (producers, error) {
	s, err := batch.ParseSummary(b)
	if err != nil {
		return producers{}, fmt.Errorf("producers of a partition: %w", err)
	}
	if !s.ProducersComplete {
		return producers{}, errors.New("producers of a partition: not all are there")
	}
	return restoreProducers(s.Follow(nil)), nil
}

// mark appends a mark; done is told when it is durable, if there is no error.
func (p *Partition) mark(done s3stream.Completion) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrNotLeader
	}
	return p.stream.Mark(encodeState(p.end, &p.producers), done)
}

// noWait is for marks whose durability nobody waits for.
type noWait struct{}

// Durable implements s3stream.Completion.
func (noWait) Durable(error) {}

// marking waits for marks.
type marking struct {
	mu   sync.Mutex
	left int // one more than are on their way
	err  error
	done chan struct{}
}

// Durable implements s3stream.Completion.
func (m *marking) Durable(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
	}
	if m.left--; m.left == 0 {
		close(m.done)
	}
}

func (m *marking) add(n int) {
	m.mu.Lock()
	m.left += n
	m.mu.Unlock()
}

// Mark marks every partition and returns when that is durable.
func (s *Set) Mark(ctx context.Context) error {
	m := &marking{left: 1, done: make(chan struct{})}
	var first error
	for _, p := range s.All() {
		m.add(1)
		if err := p.mark(m); err != nil {
			m.add(-1)
			if !errors.Is(err, ErrNotLeader) && !errors.Is(err, s3stream.ErrClosed) {
				first = fmt.Errorf("mark %s: %w", p, err)
				break // the log is full, or has failed
			}
		}
	}
	m.Durable(first)
	s.cfg.Streams.Flush(false)
	select {
	case <-m.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
