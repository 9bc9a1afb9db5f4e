package s3stream

import (
	"context"
	"slices"
	"testing"
)

// What a WAL that was given up had of a stream is passed over by reads, from the
// log and from objects, and by uploads.
func TestLostTailIsPassedOver(t *testing.T) {
	d := newDisk(1, 2)
	n := d.boot(t)
	n.open(1, 2)
	round := func() {
		for range 5 {
			n.append(1, 40_000)
			n.append(2, 40_000)
		}
	}
	round() // in objects
	n.drain()
	d.store.away.Store(true)
	for range 2 { // in the first WAL, and in the second
		round()
		n.stop()
		n = d.boot(t)
		n.open(1, 2)
	}
	round() // in the third

	d.meta.Lose(1)
	d.log[1] = slices.Delete(d.log[1], 5, 10)
	from, to := int64(15), int64(30)
	read := func(at, upTo int64) (bytes int, next int64) {
		t.Helper()
		res, err := n.streams[1].Read(context.Background(), at, upTo, ReadOptions{MaxBytes: 1, MinOne: true})
		if err != nil {
			t.Fatalf("read at %d: %v", at, err)
		}
		defer res.Release()
		return res.Bytes(), res.NextOffset
	}
	reads := func() {
		t.Helper()
		n.checkAll()
		for at := from; at < to; at++ {
			if bytes, next := read(at, 100); bytes == 0 || next != to+3 {
				t.Errorf("read at %d: %d bytes up to %d", at, bytes, next)
			}
			if bytes, next := read(at, to); bytes != 0 || next != to {
				t.Errorf("read at %d, of what is lost alone: %d bytes up to %d", at, bytes, next)
			}
		}
	}
	n.removeWindow(n.rooms.rescues[0].Window) // the first WAL is out of reach
	delete(n.streams, 2)                      // and with it a part of this one
	reads()
	n.stop()

	d.store.away.Store(false)
	n = d.boot(t)
	n.open(1)
	n.drain()
	if s := d.meta.Stream(1); s.CommittedEnd != 60 {
		t.Fatalf("uploaded up to %d", s.CommittedEnd)
	}
	reads()
	n.stop()
}
