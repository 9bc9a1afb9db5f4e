package main

import (
	"testing"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// at is a moment so many ms after some beginning.
func at(ms int) time.Time { return time.UnixMilli(1_000_000 + int64(ms)) }

// acked notes an ack at a moment of a record that was sent took ms before.
func acked(w *watch, partition int32, ms, took int) {
	w.note(load.Ack{Partition: partition, Sent: at(ms - took), At: at(ms)})
}

func TestWatchCountsWhatIsSentAfterTheMark(t *testing.T) {
	w := newWatch(2)
	acked(w, 0, 10, 5)
	w.mark(at(20))
	acked(w, 0, 25, 5)  // sent at the mark
	acked(w, 1, 30, 15) // before
	if fewest, all := w.counts(); fewest != 0 || all != 0 {
		t.Errorf("%d and %d, of records sent before the mark", fewest, all)
	}
	acked(w, 0, 30, 9)
	acked(w, 0, 31, 9)
	if fewest, all := w.counts(); fewest != 0 || all != 2 {
		t.Errorf("%d and %d, want 0 and 2", fewest, all)
	}
	acked(w, 1, 40, 9)
	if w.fewest() != 1 || w.all() != 3 {
		t.Errorf("%d and %d, want 1 and 3", w.fewest(), w.all())
	}
}

func TestWatchFindsTheLongestPauseOfAnyPartition(t *testing.T) {
	w := newWatch(2)
	for ms := 0; ms <= 300; ms += 10 { // one partition goes on all the time
		acked(w, 0, ms, 1)
	}
	acked(w, 1, 0, 1)
	acked(w, 1, 200, 1)
	if got := w.longest(at(210)); got != 200*time.Millisecond {
		t.Errorf("longest %v, want 200ms", got)
	}
	w.measure()
	if got := w.longest(at(350)); got != 150*time.Millisecond {
		t.Errorf("longest %v, want 150ms that have not ended", got)
	}
}

func TestWatchTellsTheModesApart(t *testing.T) {
	w := newWatch(2)
	w.mark(at(0))
	for i := range recentMax {
		acked(w, 0, 1000+i, 100)
		if _, _, ok := w.medians(); ok {
			t.Fatal("medians with a partition that has no ack")
		}
	}
	for i := range recentMin {
		acked(w, 1, 1000+i, 100)
	}
	const gather = 100 * time.Millisecond
	if !serves(w, true, gather) || serves(w, false, gather) {
		t.Error("acks that take as long as records gather were taken for a WAL's")
	}
	for i := range recentMax { // one partition has come over, the other not yet
		acked(w, 0, 2000+i, 2)
	}
	if serves(w, true, gather) || serves(w, false, gather) {
		t.Error("half a switch was taken for a whole one")
	}
	for i := range recentMax {
		acked(w, 1, 2000+i, 2)
	}
	if serves(w, true, gather) || !serves(w, false, gather) {
		t.Error("acks of 2 ms were taken for the store's")
	}
}
