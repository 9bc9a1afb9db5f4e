// Package testlog collects what is logged while a test reads it.
//
// Owns: the text written so far. Does not own: what is logged, how it is
// formatted. Goroutines: none. Locks: one, a leaf.
package testlog

import (
	"strings"
	"sync"
)

// Buffer is a log that may be written and read at once. It grows with what is
// written. The zero value is empty and ready; it is not to be copied.
type Buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer; it keeps a copy of b and never fails.
func (l *Buffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is what was written since the last Take.
func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Take is what was written since the last Take; the buffer is empty after it.
func (l *Buffer) Take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}
