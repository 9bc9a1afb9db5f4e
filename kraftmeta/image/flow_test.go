package image

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seawallmq/seawall/internal/ids"
)

// boot formats a cluster with node 1 at epoch 1, WAL 1 open, and topic "t"
// with partitions on streams 1 to n, led by node 1.
func boot(t rapid.TB, n int) *cluster {
	t.Helper()
	c := newCluster(t)
	do(c, &FormatCluster{ClusterID: uuid(9), Features: LatestFeatures()})
	c.register(1)
	do(c, &OpenWAL{Node: 1, NodeEpoch: 1, Instance: uuid(1), Kind: "exclusive", Location: "file:///wal"})
	got := do(c, &CreateTopics{[]NewTopic{{Name: "t", ID: uuid(7), Leaders: slices.Repeat([]ids.NodeID{1}, n)}}})
	if r := got.Topics[0].Refused; r != nil {
		t.Fatal(r)
	}
	return c
}

func (c *cluster) register(incarnation byte) ids.NodeEpoch {
	c.t.Helper()
	return do(c, &RegisterNode{
		Node: 1, Incarnation: uuid(100 + incarnation), Previous: c.img.EpochOf(1), Rack: "a", Endpoints: []Endpoint{{"PLAINTEXT", "h", 9092, 0}},
	}).Epoch
}

func (c *cluster) open(epoch ids.NodeEpoch, wal byte, streams ...OpenStream) []OpenedStream {
	c.t.Helper()
	return do(c, &OpenStreams{Node: 1, NodeEpoch: epoch, WAL: uuid(wal), Streams: streams}).Streams
}

func (c *cluster) prepare(epoch ids.NodeEpoch, n int32) ids.ObjectID {
	c.t.Helper()
	return do(c, &PrepareObjects{Node: 1, NodeEpoch: epoch, Count: n, NowMs: 5}).First
}

// upload commits one new object with one slice.
func (c *cluster) upload(epoch ids.NodeEpoch, wal byte, trim uint64, kind ObjectKind, slices ...Slice) *CommittedUpload {
	c.t.Helper()
	o := c.prepare(epoch, 1)
	for i := range slices {
		slices[i].Object = o
	}
	return do(c, &CommitUpload{
		Node: 1, NodeEpoch: epoch, WAL: uuid(wal), Trim: trim, Slices: slices,
		Objects: []UploadedObject{{ID: o, Key: "k/" + o.String(), Kind: kind, Size: 10, CRC: 3}},
	})
}

func (c *cluster) stream(id ids.StreamID) *Stream {
	c.t.Helper()
	s, ok := c.img.Stream(id)
	if !ok {
		c.t.Fatalf("stream %d is gone", id)
	}
	return s
}

func TestAppendUploadRestart(t *testing.T) {
	c := boot(t, 2)
	opened := c.open(1, 1, OpenStream{1, 0}, OpenStream{2, 0})
	if want := (OpenedStream{Stream: 1, Epoch: 1, LeaderEpoch: 1}); opened[0] != want {
		t.Fatalf("opened %+v, want %+v", opened[0], want)
	}
	if got := c.upload(1, 1, 4096, StreamSetObject, Slice{0, 1, 1, 0, 100, 64}, Slice{0, 2, 1, 0, 50, 64}); got.Trim != 4096 || got.Refused != nil {
		t.Fatalf("upload: %+v", got)
	}

	// The process dies. Its next incarnation finds 30 more records of stream 1
	// and none of stream 2.
	if e := c.register(2); e != 2 {
		t.Fatalf("node epoch %d, want 2", e)
	}
	rescued := do(c, &RescueWAL{Node: 1, NodeEpoch: 2, Instance: uuid(1), Ends: []StreamEnd{{1, 1, 130}}})
	if want := []StreamEnd{{1, 1, 130}, {2, 1, 50}}; !slices.Equal(rescued.Closed, want) {
		t.Fatalf("rescue closed %v, want %v", rescued.Closed, want)
	}
	if tails := c.stream(2).Tails; tails != nil {
		t.Errorf("stream 2 has tails %v with nothing in them", tails)
	}

	// Streams open in the new WAL before the old one is uploaded.
	do(c, &OpenWAL{Node: 1, NodeEpoch: 2, Instance: uuid(2), Kind: "exclusive", Location: "file:///wal"})
	opened = c.open(2, 2, OpenStream{1, 1}, OpenStream{2, 1})
	if opened[0].Start != 130 || opened[0].Epoch != 2 || opened[1].Start != 50 {
		t.Fatalf("opened again: %+v", opened)
	}
	c.refused(WALInUse, &RetireWAL{Node: 1, NodeEpoch: 2, Instance: uuid(1)})

	// The new WAL's upload must wait for the old one's, and says so without
	// giving up what it holds.
	got := c.upload(2, 2, 8192, StreamObject, Slice{0, 1, 2, 130, 140, 64})
	if want := []RefusedSlice{{0, NotFirstTail}}; !slices.Equal(got.Refused, want) || got.Trim != 0 {
		t.Fatalf("early upload: %+v, want %v and trim 0", got, want)
	}
	if got := c.upload(2, 1, 9999, StreamObject, Slice{0, 1, 1, 100, 130, 64}); got.Refused != nil {
		t.Fatalf("upload of the rescued WAL: %+v", got)
	}
	if got := c.upload(2, 2, 8192, StreamObject, Slice{0, 1, 2, 130, 140, 64}); got.Refused != nil || got.Trim != 8192 {
		t.Fatalf("upload of the new WAL: %+v", got)
	}
	do(c, &RetireWAL{Node: 1, NodeEpoch: 2, Instance: uuid(1)})
	do(c, &OpenWAL{Node: 1, NodeEpoch: 2, Instance: uuid(3), Kind: "exclusive", Location: "file:///wal"})
	if _, ok := c.img.WAL(uuid(1)); ok {
		t.Error("the retired WAL is still listed after another took its place")
	}
	checkInvariants(t, c.img)
	if !bytes.Equal(snapshotBytes(t, c.img), snapshotBytes(t, c.follower)) {
		t.Error("the observer's image is another")
	}
}

func TestUploadIsJudgedSliceBySlice(t *testing.T) {
	c := boot(t, 3)
	c.open(1, 1, OpenStream{1, 0}, OpenStream{2, 0}, OpenStream{3, 0})
	c.upload(1, 1, 10, StreamObject, Slice{0, 1, 1, 0, 10, 64})

	dead := c.upload(1, 1, 20, StreamSetObject,
		Slice{0, 1, 1, 5, 10, 64},  // committed before
		Slice{0, 2, 7, 0, 10, 64},  // an opening that is not
		Slice{0, 99, 1, 0, 10, 64}, // no such stream
		Slice{0, 3, 1, 0, 10, 64})
	want := []RefusedSlice{{0, AlreadyCommitted}, {1, StaleStreamEpoch}, {2, UnknownStream}}
	if !slices.Equal(dead.Refused, want) || dead.Trim != 20 {
		t.Errorf("dead slices: %+v, want %v and the trim to advance to 20", dead, want)
	}
	if got := c.stream(3).CommittedEnd; got != 10 {
		t.Errorf("the good slice: committed end %d, want 10", got)
	}

	alive := c.upload(1, 1, 30, StreamSetObject, Slice{0, 1, 1, 11, 20, 64}, Slice{0, 3, 1, 10, 20, 64})
	if want := []RefusedSlice{{0, NotContiguous}}; !slices.Equal(alive.Refused, want) || alive.Trim != 20 {
		t.Errorf("a gap: %+v, want %v and the trim to stay at 20", alive, want)
	}
	if got := c.stream(3).CommittedEnd; got != 20 {
		t.Errorf("the good slice beside a gap: committed end %d, want 20", got)
	}
	checkInvariants(t, c.img)
}

func TestZombiesAreRefused(t *testing.T) {
	c := boot(t, 1)
	c.open(1, 1, OpenStream{1, 0})
	o := c.prepare(1, 1)
	c.refused(WALNotFenced, &RescueWAL{Node: 1, NodeEpoch: 1, Instance: uuid(1)})
	c.register(2)
	c.refused(StaleNodeEpoch, &CommitUpload{Node: 1, NodeEpoch: 1, WAL: uuid(1), Trim: 100,
		Objects: []UploadedObject{{ID: o, Key: "k", Kind: StreamObject}}, Slices: []Slice{{o, 1, 1, 0, 10, 64}}})
	c.refused(StaleNodeEpoch, &OpenWAL{Node: 1, NodeEpoch: 1, Instance: uuid(5)})
	c.refused(StaleNodeEpoch, &OpenStreams{Node: 1, NodeEpoch: 1, WAL: uuid(1)})
	c.refused(NotWALHolder, &CommitUpload{Node: 1, NodeEpoch: 2, WAL: uuid(1)})
	c.refused(UnknownNode, &OpenWAL{Node: 2, NodeEpoch: 1, Instance: uuid(5)})

	// What it prepared can be collected by anyone now.
	if got := do(c, &AbortObjects{Node: 1, NodeEpoch: 2, Objects: []ids.ObjectID{o, 99}}); !slices.Equal(got.Refused, []Reason{NotRefused, UnknownObject}) {
		t.Errorf("abort: %v", got.Refused)
	}
	do(c, &FenceNode{Node: 1, Epoch: 2})
	c.refused(NodeIsFenced, &RegisterNode{Node: 1, Incarnation: uuid(102)})
	checkInvariants(t, c.img)
}

// A registration that comes late, when its process is dead and forgotten and
// another one has its place, fences nobody.
func TestLateRegistrationIsRefused(t *testing.T) {
	c := boot(t, 1)
	late := &RegisterNode{Node: 1, Incarnation: uuid(102), Previous: 1}
	if r := do(c, late); r.Epoch != 2 {
		t.Fatalf("registered at epoch %d", r.Epoch)
	}
	if r := do(c, &RegisterNode{Node: 1, Incarnation: uuid(103), Previous: 2}); r.Epoch != 3 {
		t.Fatalf("its successor is at epoch %d", r.Epoch)
	}
	c.refused(StaleNodeEpoch, late)
	do(c, &FenceNode{Node: 1, Epoch: 3})
	c.refused(StaleNodeEpoch, &RegisterNode{Node: 1, Incarnation: uuid(104), Previous: 3})
	if n, _ := c.img.Node(1); n.Epoch != 4 || n.Incarnation != uuid(103) {
		t.Errorf("the node is %+v", n)
	}
	c.refused(StaleNodeEpoch, &RegisterNode{Node: 8, Incarnation: uuid(105), Previous: 1})
	checkInvariants(t, c.img)
}

func TestObjectsLiveAndDie(t *testing.T) {
	c := boot(t, 2)
	c.open(1, 1, OpenStream{1, 0}, OpenStream{2, 0})
	c.upload(1, 1, 0, StreamSetObject, Slice{0, 1, 1, 0, 10, 64}, Slice{0, 2, 1, 0, 10, 64})
	trim := func(s ids.StreamID, to int64) {
		t.Helper()
		if got := do(c, &TrimStreams{Node: 1, NodeEpoch: 1, Streams: []StreamStart{{s, 1, to}}}); got.Refused[0] != NotRefused {
			t.Fatalf("trim: %v", got.Refused)
		}
	}
	trim(1, 9)
	if o, _ := c.img.Object(1); o.LiveRanges != 2 {
		t.Fatalf("a range that is needed in part is gone: %+v", o)
	}
	trim(1, 10)
	if o, _ := c.img.Object(1); o.State != ObjectCommitted || o.LiveRanges != 1 {
		t.Fatalf("after one of two streams: %+v", o)
	}
	trim(2, 15) // past the committed end: its records are only in the WAL yet
	o, _ := c.img.Object(1)
	if o.State != ObjectRemoved || o.RemovedAt != c.index {
		t.Fatalf("after both streams: %+v", o)
	}
	if got := do(c, &ObjectsDeleted{Node: 1, NodeEpoch: 1, Passed: o.RemovedAt - 1, Objects: []ids.ObjectID{1}}); got.Refused[0] != NotRemovable {
		t.Error("an object was forgotten that some node may still read")
	}
	if got := do(c, &ObjectsDeleted{Node: 1, NodeEpoch: 1, Passed: o.RemovedAt, Objects: []ids.ObjectID{1}}); got.Refused[0] != NotRefused {
		t.Errorf("forget: %v", got.Refused)
	}

	// An upload of records that were deleted meanwhile is accepted, and holds
	// nothing; so is one that leaves them out.
	if got := c.upload(1, 1, 0, StreamObject, Slice{0, 2, 1, 10, 15, 64}); got.Refused != nil {
		t.Errorf("deleted records: %+v", got)
	}
	if o, _ := c.img.Object(2); o.State != ObjectRemoved {
		t.Errorf("an object of deleted records only: %+v", o)
	}
	trim(2, 25)
	if got := c.upload(1, 1, 0, StreamObject, Slice{0, 2, 1, 20, 30, 64}); got.Refused != nil {
		t.Errorf("past deleted records: %+v", got)
	}
	checkInvariants(t, c.img)

	do(c, &DeleteTopics{[]ids.TopicID{uuid(7)}})
	if s := c.img.Sizes(); s.Streams+s.Partitions+s.Topics+s.Ranges != 0 || s.Removed != s.Objects {
		t.Errorf("after the topic: %+v", s)
	}
	if got := c.upload(1, 1, 77, StreamObject, Slice{0, 2, 1, 30, 40, 64}); got.Trim != 77 || len(got.Refused) != 1 {
		t.Errorf("bytes of a deleted topic must not hold the WAL: %+v", got)
	}
	checkInvariants(t, c.img)
}

func TestCloseAndOpenAgain(t *testing.T) {
	c := boot(t, 1)
	c.open(1, 1, OpenStream{1, 0})
	if got := c.open(1, 1, OpenStream{1, 1}, OpenStream{1, 0}, OpenStream{9, 0}); got[0].Refused != StreamIsOpen ||
		got[1].Refused != StaleStreamEpoch || got[2].Refused != UnknownStream {
		t.Fatalf("open what is open, of another epoch, and nothing: %+v", got)
	}
	closeAt := func(epoch ids.StreamEpoch, end int64) Reason {
		t.Helper()
		return do(c, &CloseStreams{Node: 1, NodeEpoch: 1, Streams: []StreamEnd{{1, epoch, end}}}).Refused[0]
	}
	if r := closeAt(1, 40); r != NotRefused {
		t.Fatalf("close: %v", r)
	}
	if r := closeAt(1, 40); r != StaleStreamEpoch {
		t.Errorf("close what is closed: %v", r)
	}
	if got := c.open(1, 1, OpenStream{1, 1}); got[0].Start != 40 || got[0].Epoch != 2 {
		t.Fatalf("open again: %+v", got)
	}
	if r := closeAt(2, 39); r != NotContiguous {
		t.Errorf("close below the start: %v", r)
	}

	// Another node takes over with nothing uploaded yet: three tails then.
	do(c, &RegisterNode{Node: 2, Incarnation: uuid(150)})
	do(c, &OpenWAL{Node: 2, NodeEpoch: 1, Instance: uuid(2), Kind: "exclusive", Location: "file:///other"})
	take := &OpenStreams{Node: 2, NodeEpoch: 1, WAL: uuid(2), Streams: []OpenStream{{1, 2}}}
	if got := do(c, take).Streams[0]; got.Refused != NotLeader {
		t.Errorf("open what another node leads: %+v", got)
	}
	p, _ := c.img.Partition(uuid(7), 0)
	if r := do(c, &SetLeaders{[]NewLeader{{uuid(7), 0, p.LeaderEpoch, 2}}}).Refused[0]; r != NotRefused {
		t.Fatalf("set the leader: %v", r)
	}
	if got := do(c, take).Streams[0]; got.Refused != StreamIsOpen {
		t.Errorf("open before the old leader closed: %+v", got)
	}
	if r := closeAt(2, 60); r != NotRefused {
		t.Fatalf("the old leader closes: %v", r)
	}
	if got := do(c, take).Streams[0]; got.Start != 60 || got.Epoch != 3 || got.LeaderEpoch != 3 {
		t.Errorf("the new leader opens: %+v", got)
	}
	want := []Tail{{1, uuid(1), 0, 40}, {2, uuid(1), 40, 60}, {3, uuid(2), 60, OpenEnd}}
	if got := c.stream(1).Tails; !slices.Equal(got, want) {
		t.Errorf("tails %v, want %v", got, want)
	}
	if got := c.upload(1, 1, 9, StreamObject, Slice{0, 1, 1, 0, 40, 1}, Slice{0, 1, 2, 40, 60, 1}); got.Refused != nil {
		t.Errorf("the old leader uploads both its tails: %+v", got)
	}
	checkInvariants(t, c.img)
}
