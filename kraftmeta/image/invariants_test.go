package image

import "pgregory.net/rapid"

// checkInvariants fails when what the package's description promises does not
// hold.
func checkInvariants(t rapid.TB, img *Image) {
	t.Helper()
	for s := range img.Streams() {
		checkStream(t, img, s)
	}
	live := map[uint64]int32{}
	for r := range img.ranges.values() {
		if !r.IsLost() {
			live[uint64(r.Object)]++
		}
		if _, ok := img.Stream(r.Stream); !ok {
			t.Errorf("range %+v of a stream that is gone", r)
		}
	}
	for o := range img.Objects() {
		if o.LiveRanges != live[uint64(o.ID)] || (o.State == ObjectCommitted) != (o.LiveRanges > 0) {
			t.Errorf("object %+v has %d ranges", o, live[uint64(o.ID)])
		}
		if _, listed := img.unsettled.get(o.ID); listed == (o.State == ObjectCommitted) {
			t.Errorf("object %+v: listed as unsettled: %v", o, listed)
		}
		delete(live, uint64(o.ID))
	}
	if len(live) > 0 {
		t.Errorf("ranges of objects that are not there: %v", live)
	}
	for id, r := range img.answers.all() {
		if i, ok := img.issuers.get(id.Issuer); !ok || id.Sequence < i.floor || r.Index > i.lastIndex {
			t.Errorf("answer %+v is remembered for issuer %+v", id, i)
		}
	}
	for p := range img.AllPartitions() {
		if back, ok := img.PartitionOf(p.Stream); !ok || back != p {
			t.Errorf("partition %+v has no stream", p)
		}
	}
	for topic := range img.Topics() {
		if back, ok := img.TopicByName(topic.Name); !ok || back != topic {
			t.Errorf("topic %+v is not found by name", topic)
		}
	}
}

func checkStream(t rapid.TB, img *Image, s *Stream) {
	t.Helper()
	at := int64(-1)
	for r := range img.Ranges(s.ID, 0) {
		if r.Start >= r.End || r.End <= s.StartOffset || at >= 0 && r.Start != at && r.Start > s.StartOffset {
			t.Errorf("stream %+v has range %+v after offset %d", s, r, at)
		}
		if _, ok := img.Object(r.Object); !ok && !r.IsLost() {
			t.Errorf("range %+v of an object that is not there", r)
		}
		at = r.End
	}
	if at >= 0 && at != s.CommittedEnd {
		t.Errorf("stream %+v has ranges to %d", s, at)
	}
	for i, tail := range s.Tails {
		wal, ok := img.WAL(tail.WAL)
		switch {
		case ok && wal.IsDirect() && (!tail.IsOpen() || !wal.HeldBy(wal.Node, img.EpochOf(wal.Node))):
			t.Errorf("stream %+v has a tail in a direct log, which is closed or whose holder is gone", s)
		case !ok || wal.State == WALRetired:
			t.Errorf("stream %+v has a tail in no WAL", s)
		case wal.State == WALAbandoned && (i == 0 || tail.IsOpen()):
			t.Errorf("stream %+v has not passed a lost tail", s)
		case tail.IsOpen() && (i != len(s.Tails)-1 || tail.Epoch != s.Epoch):
			t.Errorf("stream %+v has an open tail that is not its last", s)
		case !tail.IsOpen() && tail.End < tail.Start:
			t.Errorf("stream %+v has a tail that ends before it starts", s)
		case i == 0 && (tail.Start > s.CommittedEnd || !tail.IsOpen() && tail.End <= s.CommittedEnd):
			t.Errorf("stream %+v: its first tail does not hold its committed end", s)
		case i > 0 && (tail.Start != s.Tails[i-1].End || tail.Epoch <= s.Tails[i-1].Epoch):
			t.Errorf("stream %+v: its tails are not contiguous", s)
		}
	}
}
