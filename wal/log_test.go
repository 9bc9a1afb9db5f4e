package wal

import (
	"bytes"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/walfmt"
)

func TestAppendedRecordsAreDurableWhereTheySayTheyAre(t *testing.T) {
	v, _ := fileVolume(t, 16*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	for i, n := range []int{0, 1, 100, 511, 512, 4096, 100_000, 3 * mib} {
		payload := bytes.Repeat([]byte{byte('a' + i)}, n)
		at := appendWait(t, l, dataRecord(ids.StreamID(i), 10, 5, payload))
		if l.DurableUpTo() < at.PayloadPosition+int64(n) {
			t.Fatalf("acknowledged at %d, durable up to %d", at.PayloadPosition, l.DurableUpTo())
		}
		got := make([]byte, walfmt.RecordHeaderBytes+n)
		if err := l.ReadAt(got, at.Position); err != nil {
			t.Fatal(err)
		}
		r, err := walfmt.DecodeRecord(at.Position, got)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Verify(l.seed) || !bytes.Equal(r.Payload, payload) || r.Stream != ids.StreamID(i) || r.EndOffset != 15 {
			t.Fatalf("record of %d bytes does not read back: %+v", n, r.RecordHeader)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHeldRecordsGoOutTogether(t *testing.T) {
	v, _ := fileVolume(t, 16*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	w := &waiter{done: make(chan error, 4)}
	held := func(stream ids.StreamID) {
		rec := dataRecord(stream, 0, 1, make([]byte, 1000))
		rec.Hold = true
		if _, err := l.Append(rec, w); err != nil {
			t.Fatal(err)
		}
	}
	for s := range ids.StreamID(3) {
		held(s)
	}
	if s := l.Stats(); s.Flushes != 0 || l.DurableUpTo() != 0 {
		t.Fatalf("held records were written: %d flushes", s.Flushes)
	}
	l.Flush(true)
	for range 3 {
		if err := <-w.done; err != nil {
			t.Fatal(err)
		}
	}
	if s := l.Stats(); s.Flushes != 1 || s.Records != 3 {
		t.Fatalf("%d flushes of %d records, want one of three", s.Flushes, s.Records)
	}
	held(9)
	if err := l.Close(); err != nil { // a log is never closed over records it holds
		t.Fatal(err)
	}
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	v, _ := fileVolume(t, 64*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	defer l.Close()
	w := newWaiter()
	rec := dataRecord(1, 0, 1, make([]byte, 1000))
	allocs := testing.AllocsPerRun(500, func() {
		if _, err := l.Append(rec, w); err != nil {
			t.Error(err)
		}
		<-w.done
	})
	if allocs >= 1 {
		t.Fatalf("%v allocations an append", allocs)
	}
}
