package coordinator

import (
	"context"
	"errors"
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
)

// memLog is a Log in memory. What the partition layer would do by itself,
// tests do by hand: make batches durable, refuse them, or lose track of them.
type memLog struct {
	mu       sync.Mutex
	batches  []memBatch // durable, and not deleted
	start    int64
	end      int64
	held     []heldAppend
	holding  bool
	appended int           // batches handed in
	fail     error         // what appends end with
	reading  chan struct{} // if set, a Read waits for it
	readErr  error
}

type memBatch struct {
	base  int64
	bytes []byte
}

type heldAppend struct {
	bytes []byte
	done  func(int64, error)
}

func (l *memLog) Append(b []byte, done func(int64, error)) {
	l.mu.Lock()
	l.appended++
	if l.holding {
		l.held = append(l.held, heldAppend{b, done})
		l.mu.Unlock()
		return
	}
	base, err := l.write(b)
	l.mu.Unlock()
	done(base, err)
}

// write makes b durable, unless the log fails.
func (l *memLog) write(b []byte) (int64, error) {
	if l.fail != nil {
		return -1, l.fail
	}
	if _, err := batch.Validate(b, batch.Options{}); err != nil {
		return -1, err
	}
	base := l.end
	batch.SetBaseOffset(b, base)
	h, _ := batch.ParseHeader(b)
	l.end = h.NextOffset()
	l.batches = append(l.batches, memBatch{base, b})
	return base, nil
}

// hold keeps appends in the air; release lands them, with what fail says then.
func (l *memLog) hold() {
	l.mu.Lock()
	l.holding = true
	l.mu.Unlock()
}

func (l *memLog) release() {
	l.mu.Lock()
	held := l.held
	l.held, l.holding = nil, false
	l.mu.Unlock()
	for _, h := range held {
		l.mu.Lock()
		base, err := l.write(h.bytes)
		l.mu.Unlock()
		h.done(base, err)
	}
}

func (l *memLog) setFail(err error) {
	l.mu.Lock()
	l.fail = err
	l.mu.Unlock()
}

func (l *memLog) inTheAir() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

func (l *memLog) Read(ctx context.Context, from int64, bytesMax int) ([]byte, error) {
	l.mu.Lock()
	reading, readErr := l.reading, l.readErr
	l.mu.Unlock()
	if reading != nil {
		select {
		case <-reading:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if readErr != nil {
		return nil, readErr
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.start || from >= l.end {
		return nil, errors.New("out of range")
	}
	var out []byte
	for i, b := range l.batches {
		if i+1 < len(l.batches) && l.batches[i+1].base <= from {
			continue
		}
		out = append(out, b.bytes...)
		if len(out) >= bytesMax {
			break
		}
	}
	return out, nil
}

func (l *memLog) Bounds() (start, highWatermark int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start, l.end
}

func (l *memLog) DeleteRecords(_ context.Context, upTo int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start = max(l.start, min(upTo, l.end))
	for len(l.batches) > 0 && (len(l.batches) > 1 && l.batches[1].base <= l.start || l.start == l.end) {
		l.batches = l.batches[1:]
	}
	return nil
}

func (l *memLog) size() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		n += len(b.bytes)
	}
	return n
}
