package image

import (
	"bytes"
	"slices"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

// second registers node 2 with WAL 2, beside node 1 with WAL 1 of boot.
func (c *cluster) second() ids.NodeEpoch {
	c.t.Helper()
	epoch := c.join(2)
	do(c, &OpenWAL{Node: 2, NodeEpoch: epoch, Instance: uuid(2), Kind: "exclusive", Location: "file:///elsewhere"})
	return epoch
}

// lead makes a node the leader of stream 1, opens it and, if end is given,
// closes it there.
func (c *cluster) lead(node ids.NodeID, epoch ids.NodeEpoch, wal byte, end ...int64) OpenedStream {
	c.t.Helper()
	p, _ := c.img.PartitionOf(1)
	do(c, &SetLeaders{[]NewLeader{{p.Topic, p.Index, p.LeaderEpoch, node}}})
	o := do(c, &OpenStreams{Node: node, NodeEpoch: epoch, WAL: uuid(wal), Streams: []OpenStream{{1, c.stream(1).Epoch}}}).Streams[0]
	if o.Refused != NotRefused {
		c.t.Fatalf("open by node %d: %v", node, o.Refused)
	}
	for _, end := range end {
		if r := do(c, &CloseStreams{node, epoch, []StreamEnd{{1, o.Epoch, end}}}).Refused[0]; r != NotRefused {
			c.t.Fatalf("close at %d: %v", end, r)
		}
	}
	return o
}

// uploadBy is upload by any node, of stream 1.
func (c *cluster) uploadBy(node ids.NodeID, epoch ids.NodeEpoch, wal byte, slices ...Slice) *CommittedUpload {
	c.t.Helper()
	o := do(c, &PrepareObjects{Node: node, NodeEpoch: epoch, Count: 1}).First
	for i := range slices {
		slices[i].Object, slices[i].Stream, slices[i].Bytes = o, 1, 64
	}
	return do(c, &CommitUpload{Node: node, NodeEpoch: epoch, WAL: uuid(wal), Slices: slices,
		Objects: []UploadedObject{{ID: o, Key: "k/" + o.String(), Kind: StreamObject, Size: 10}}})
}

// abandon fences the holder of a WAL and gives the WAL up.
func (c *cluster) abandon(wal byte) []Lost {
	c.t.Helper()
	w, _ := c.img.WAL(uuid(wal))
	holder, epoch := w.Holder()
	if n, _ := c.img.Node(holder); n.Epoch == epoch {
		do(c, &FenceNode{Node: holder, Epoch: epoch})
	}
	told := c.img.LostWith(uuid(wal))
	lost := do(c, &AbandonWAL{uuid(wal), holder, epoch}).Lost
	if !slices.Equal(lost, told) {
		c.t.Errorf("lost %v, told before %v", lost, told)
	}
	if r := c.img.RescuerOf(w); r == NoLeader {
		c.t.Error("the image before has changed")
	}
	checkInvariants(c.t, c.img)
	return lost
}

func (c *cluster) wantLost(got []Lost, want ...Lost) {
	c.t.Helper()
	if !slices.Equal(got, want) {
		c.t.Errorf("lost %v, want %v", got, want)
	}
}

// wantGap wants a read at each offset of [from, end) to go on at end, and those
// beside it to be read.
func (c *cluster) wantGap(from, end int64) {
	c.t.Helper()
	for at := from; at < end; at++ {
		if to, lost := c.img.LostUpTo(1, at); !lost || to != end {
			c.t.Errorf("offset %d: lost %v up to %d, want up to %d", at, lost, to, end)
		}
	}
	for _, at := range []int64{from - 1, end} {
		if to, lost := c.img.LostUpTo(1, at); lost {
			c.t.Errorf("offset %d is lost up to %d", at, to)
		}
	}
}

// An open stream ends where objects do, and goes on there under a higher epoch.
func TestAbandonedOpenTail(t *testing.T) {
	c := boot(t, 2)
	c.open(1, 1, OpenStream{1, 0}, OpenStream{2, 0})
	c.upload(1, 1, 0, StreamObject, Slice{0, 1, 1, 0, 10, 64})
	two := c.second()
	c.wantLost(c.abandon(1), Lost{1, 10, OpenEnd}, Lost{2, 0, OpenEnd})
	if s := c.stream(1); s.KnownEnd() != 10 || s.Tails != nil {
		t.Errorf("stream 1 is %+v", s)
	}
	o := c.lead(2, two, 2)
	if o.Start != 10 || o.Epoch <= 1 || o.LeaderEpoch != int32(o.Epoch) {
		t.Errorf("opened again: %+v", o)
	}
	if got := c.uploadBy(2, two, 2, Slice{Epoch: o.Epoch, Start: 10, End: 20}); got.Refused != nil {
		t.Errorf("upload after it: %v", got.Refused)
	}
	checkInvariants(t, c.img)
	if !bytes.Equal(snapshotBytes(t, c.img), snapshotBytes(t, c.follower)) {
		t.Error("the observer's image is another")
	}
}

// An open tail behind others: those are kept, in whichever WALs they are.
func TestAbandonedLastOfTails(t *testing.T) {
	c := boot(t, 1)
	two := c.second()
	c.lead(1, 1, 1, 30)
	second := c.lead(2, two, 2)
	c.wantLost(c.abandon(2), Lost{1, 30, OpenEnd})
	if end := c.stream(1).KnownEnd(); end != 30 {
		t.Fatalf("the stream ends at %d", end)
	}
	o := c.lead(1, 1, 1)
	if o.Start != 30 || o.Epoch <= second.Epoch {
		t.Fatalf("opened again: %+v after epoch %d", o, second.Epoch)
	}
	if got := c.uploadBy(1, 1, 1, Slice{Epoch: 1, Start: 0, End: 30}, Slice{Epoch: o.Epoch, Start: 30, End: 50}); got.Refused != nil {
		t.Errorf("upload of what is there: %v", got.Refused)
	}
	if s := c.stream(1); s.CommittedEnd != 50 || len(s.Tails) != 1 {
		t.Errorf("the stream is %+v", s)
	}
	checkInvariants(t, c.img)
}

// The first of several tails: the gap is passed at once.
func TestAbandonedFirstOfTails(t *testing.T) {
	c := boot(t, 1)
	two := c.second()
	c.lead(1, 1, 1, 30)
	c.uploadBy(1, 1, 1, Slice{Epoch: 1, Start: 0, End: 10})
	o := c.lead(2, two, 2)
	early := c.uploadBy(2, two, 2, Slice{Epoch: o.Epoch, Start: 30, End: 40})
	if want := []RefusedSlice{{0, NotFirstTail}}; !slices.Equal(early.Refused, want) {
		t.Fatalf("before: %v", early.Refused)
	}
	c.wantLost(c.abandon(1), Lost{1, 10, 30})
	c.wantGap(10, 30)
	if got := c.uploadBy(2, two, 2, Slice{Epoch: o.Epoch, Start: 30, End: 40}); got.Refused != nil {
		t.Errorf("after: %v", got.Refused)
	}
	c.wantGap(10, 30)
	checkInvariants(t, c.img)

	// Deleting records over the gap leaves nothing of it.
	do(c, &TrimStreams{2, two, []StreamStart{{1, o.Epoch, 20}}})
	c.wantGap(10, 30) // a part of it is needed still
	do(c, &TrimStreams{2, two, []StreamStart{{1, o.Epoch, 35}}})
	if _, lost := c.img.LostUpTo(1, 20); lost {
		t.Error("a gap below the start is kept")
	}
	checkInvariants(t, c.img)
}

// One in the middle: it is passed when what is before it is committed.
func TestAbandonedMiddleTail(t *testing.T) {
	c := boot(t, 1)
	two := c.second()
	c.lead(1, 1, 1, 10)
	c.lead(2, two, 2, 20)
	o := c.lead(1, 1, 1)
	c.wantLost(c.abandon(2), Lost{1, 10, 20})
	c.wantGap(10, 20)
	if s := c.stream(1); s.CommittedEnd != 0 || len(s.Tails) != 3 {
		t.Fatalf("the stream is %+v", s)
	}
	c.refused(UnknownWAL, &AbandonWAL{uuid(2), 2, two})
	late := c.uploadBy(1, 1, 1, Slice{Epoch: o.Epoch, Start: 20, End: 25})
	if want := []RefusedSlice{{0, NotFirstTail}}; !slices.Equal(late.Refused, want) {
		t.Errorf("past what is not committed: %v", late.Refused)
	}
	c.uploadBy(1, 1, 1, Slice{Epoch: 1, Start: 0, End: 5})
	c.wantGap(10, 20)
	got := c.uploadBy(1, 1, 1, Slice{Epoch: 1, Start: 5, End: 10}, Slice{Epoch: o.Epoch, Start: 20, End: 25})
	if got.Refused != nil || c.stream(1).CommittedEnd != 25 {
		t.Errorf("upload over the gap: %v, committed up to %d", got.Refused, c.stream(1).CommittedEnd)
	}
	c.wantGap(10, 20)
	checkInvariants(t, c.img)
}

// Several WALs at once: what is lost in a row is one gap.
func TestAbandonedInARow(t *testing.T) {
	c := boot(t, 1)
	two := c.second()
	three := c.join(3)
	do(c, &OpenWAL{Node: 3, NodeEpoch: three, Instance: uuid(3), Kind: "exclusive", Location: "file:///third"})
	c.lead(1, 1, 1, 10)
	c.lead(2, two, 2, 20)
	c.lead(1, 1, 1, 30)
	c.lead(3, three, 3)
	c.wantLost(c.abandon(2), Lost{1, 10, 20})
	c.wantLost(c.abandon(1), Lost{1, 0, 10}, Lost{1, 20, 30})
	if s := c.stream(1); s.CommittedEnd != 30 || len(s.Tails) != 1 {
		t.Errorf("the stream is %+v", s)
	}
	c.wantGap(0, 30)
	checkInvariants(t, c.img)
}

// What was deleted is not lost, and is not given again.
func TestAbandonedPastDeletedRecords(t *testing.T) {
	for _, closed := range []bool{false, true} {
		c := boot(t, 1)
		two := c.second()
		end := int64(OpenEnd)
		if closed {
			c.lead(1, 1, 1, 60)
			end = 60
		} else {
			c.lead(1, 1, 1)
		}
		do(c, &TrimStreams{1, 1, []StreamStart{{1, 1, 50}}})
		c.wantLost(c.abandon(1), Lost{1, 50, end})
		want := int64(50)
		if closed {
			want = 60
			c.wantGap(50, 60)
		}
		if o := c.lead(2, two, 2); o.Start != want {
			t.Errorf("closed %v: opened again at %d", closed, o.Start)
		}
		checkInvariants(t, c.img)
	}
}

func TestWhatIsHeldIsNotAbandoned(t *testing.T) {
	c := boot(t, 1)
	c.open(1, 1, OpenStream{1, 0})
	c.refused(WALNotFenced, &AbandonWAL{uuid(1), 1, 1})
	c.refused(UnknownWAL, &AbandonWAL{uuid(9), 1, 1})
	two := c.join(2)
	do(c, &FenceNode{Node: 1, Epoch: 1, Rescuers: []WALRescuer{{uuid(1), 2}}})
	w, _ := c.img.WAL(uuid(1))
	if c.img.OutOfReach(w) {
		t.Error("a WAL that node 2 is to rescue is out of reach")
	}
	if p, _ := c.img.PartitionOf(1); true {
		if waits, ok := c.img.WaitsFor(p); !ok || waits.Instance != w.Instance {
			t.Errorf("the partition waits for %v, %v", waits, ok)
		}
	}
	do(c, &RescueWAL{Node: 2, NodeEpoch: two, Instance: uuid(1), Ends: []StreamEnd{{1, 1, 9}}})
	c.refused(WALNotFenced, &AbandonWAL{uuid(1), 1, 1})
	do(c, &FenceNode{Node: 2, Epoch: two})
	w, _ = c.img.WAL(uuid(1))
	if !c.img.OutOfReach(w) {
		t.Error("a WAL that waits for a dead node is in reach")
	}
	c.refused(NotWALHolder, &AbandonWAL{uuid(1), 1, 1}) // more was known since
	c.wantLost(c.abandon(1), Lost{1, 0, 9})
}

// An abandoned WAL is over: nobody rescues, retires or appends to it. Its node's
// next one takes its place once nothing names it.
func TestAbandonedWALIsOver(t *testing.T) {
	c := boot(t, 1)
	two := c.second()
	c.lead(2, two, 2, 10)
	c.lead(1, 1, 1, 20)
	o := c.lead(2, two, 2)
	c.abandon(1)
	again := c.register(2)
	if r := c.rescuer(1); r != NoLeader {
		t.Errorf("node %d is to rescue it", r)
	}
	c.refused(UnknownWAL, &RescueWAL{Node: 1, NodeEpoch: again, Instance: uuid(1)})
	c.refused(NotWALHolder, &RetireWAL{Node: 1, NodeEpoch: again, Instance: uuid(1)})
	c.refused(DuplicateWAL, &OpenWAL{Node: 1, NodeEpoch: again, Instance: uuid(1), Kind: "exclusive", Location: "file:///wal"})
	open := func(instance byte) {
		do(c, &OpenWAL{Node: 1, NodeEpoch: again, Instance: uuid(instance), Kind: "exclusive", Location: "file:///wal"})
	}
	open(4)
	if _, ok := c.img.WAL(uuid(1)); !ok {
		t.Fatal("a WAL is forgotten while a stream has lost a part with it")
	}
	c.uploadBy(2, two, 2, Slice{Epoch: 1, Start: 0, End: 10}, Slice{Epoch: o.Epoch, Start: 20, End: 21})
	c.wantGap(10, 20)
	open(5)
	if _, ok := c.img.WAL(uuid(1)); ok {
		t.Error("it is still listed after another took its place")
	}
	c.wantGap(10, 20)
	checkInvariants(t, c.img)
}

func TestAbandonNeedsItsLevel(t *testing.T) {
	c := boot(t, 1)
	do(c, &UpdateFeatures{Features: []Feature{{MetadataFeature, 1}}, AllowDowngrade: true})
	do(c, &FenceNode{Node: 1, Epoch: 1})
	c.refused(Unsupported, &AbandonWAL{uuid(1), 1, 1})
}
