package device

import (
	"fmt"
	"sync"
)

// Memory is a device in memory, durable as long as the process: for tests of
// what stands above a log. For crashes see wal/device/crash.
type Memory struct {
	mu    sync.RWMutex
	bytes []byte
}

// NewMemory makes a zeroed device of n bytes.
func NewMemory(n int64) *Memory { return &Memory{bytes: make([]byte, n)} }

// Geometry implements Device.
func (m *Memory) Geometry() Geometry {
	return Geometry{BlockBytes: blockBytesMin, MemoryAlign: 1, SizeBytes: int64(len(m.bytes)), Durability: "memory"}
}

// Submit implements Device.
func (m *Memory) Submit(op *Op) {
	go func() {
		m.Inline(op)
		op.Done(op)
	}()
}

// Inline implements Device.
func (m *Memory) Inline(op *Op) bool {
	op.Err = nil
	if op.Offset < 0 || op.Offset+int64(op.Bytes()) > int64(len(m.bytes)) {
		op.Err = fmt.Errorf("%s of %d bytes at %d: device has %d", op.Kind, op.Bytes(), op.Offset, len(m.bytes))
		return true
	}
	if op.Kind == Read {
		m.mu.RLock()
		defer m.mu.RUnlock()
	} else {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	at := m.bytes[op.Offset:]
	for _, buf := range op.Bufs {
		if op.Kind == Read {
			copy(buf, at)
		} else {
			copy(at, buf)
		}
		at = at[len(buf):]
	}
	return true
}

// Close implements Device.
func (m *Memory) Close() error { return nil }
