package partition

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// history is a metadata that a Set follows.
type history struct {
	t   *testing.T
	img *image.Image
	set *Set
}

// do applies a command and tells the Set.
func do[R image.Result](h *history, cmd image.CommandOf[R]) R {
	h.t.Helper()
	index := h.img.Index() + 1
	next, delta, answer := image.Apply(h.img, index, &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{1}, Sequence: index}, AckedBelow: index, Command: cmd,
	})
	if answer.Refusal != nil {
		h.t.Fatalf("%s: %v", cmd.CommandKind(), answer.Refusal)
	}
	prev := h.img
	h.img = next
	if h.set != nil {
		h.set.Changed(prev, next, delta)
	}
	return answer.Result.(R)
}

// walOf is the one WAL of a node.
func walOf(node ids.NodeID) ids.WALInstance { return ids.WALInstance{byte(node)} }

// handedOver is a history of four nodes in which node 2 has handed a partition
// of one record over to node 1, whose Set it is: the partition is open and not
// restored.
func handedOver(t *testing.T, states TailStates) (*history, *opening) {
	t.Helper()
	h := &history{t: t, img: image.New()}
	do(h, &image.FormatCluster{ClusterID: ids.UUID{9}, Features: image.LatestFeatures()})
	for node := ids.NodeID(1); node <= 4; node++ {
		do(h, &image.RegisterNode{Node: node, Incarnation: ids.UUID{byte(node)}})
		do(h, &image.OpenWAL{Node: node, NodeEpoch: 1, Instance: walOf(node), Kind: "shared", Location: "file:///" + string(rune('0'+node))})
	}
	topic := ids.TopicID{7}
	do(h, &image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: topic, Leaders: []ids.NodeID{2}}}})
	p, _ := h.img.Partition(topic, 0)
	h.set = NewSet(SetConfig{
		Node: 1, Base: &config.Config{}, Log: slog.New(slog.DiscardHandler), Clock: clock.NewManual(time.Unix(1e9, 0)),
		Image: func() *image.Image { return h.img }, States: states, Memory: &quota{1 << 20}, Streams: noStreams{},
	})
	opened := do(h, &image.OpenStreams{Node: 2, NodeEpoch: 1, WAL: walOf(2), Streams: []image.OpenStream{{Stream: p.Stream}}})
	do(h, &image.SetLeaders{Partitions: []image.NewLeader{{Topic: topic, Expected: opened.Streams[0].LeaderEpoch, Leader: 1}}})
	do(h, &image.CloseStreams{Node: 2, NodeEpoch: 1, Streams: []image.StreamEnd{{Stream: p.Stream, Epoch: opened.Streams[0].Epoch, End: 1}}})
	closedIn, ok := h.set.closedIn(h.img, p.Stream)
	if !ok || closedIn != walOf(2) {
		t.Fatalf("closed in %v, %v", closedIn, ok)
	}
	do(h, &image.OpenStreams{Node: 1, NodeEpoch: 1, WAL: walOf(1), Streams: []image.OpenStream{{Stream: p.Stream, Expected: opened.Streams[0].Epoch}}})

	s := &storedStream{}
	s.ends, s.batches, s.durable, s.committed = []int64{1}, [][]byte{rawBatch(0, 4, 0, 0)}, 1, 1
	part := toRestore(s, &quota{1 << 20})
	part.TopicID, part.Topic = topic, "t"
	part.where = func() whereabouts { return h.set.whereabouts(p.Stream, closedIn) }
	part.asks = func(ctx context.Context, node ids.NodeID) (producers, error) {
		return h.set.ask(ctx, node, p.Stream, 1)
	}
	part.settings.Store(&config.Topic{})
	return h, &opening{key: key{topic, 0}, p: part}
}

// follow has the Set look at what changed.
func (h *history) follow() {
	h.t.Helper()
	select {
	case <-h.set.changed:
		h.set.follow(h.t.Context())
	default:
		h.t.Fatal("nothing changed")
	}
}

// attempt is the outcome of one attempt at a restore, which the Set took.
func (h *history) attempt() error {
	h.t.Helper()
	select {
	case o := <-h.set.openings.done:
		err := o.err
		h.set.restored(h.t.Context(), o)
		return err
	case <-time.After(20 * time.Second):
		h.t.Fatal("no restore is tried")
		return nil
	}
}

// beginInVain begins to restore a partition, of which the first who is asked does
// not answer.
func (h *history) beginInVain(o *opening) {
	h.t.Helper()
	h.set.openings.begin(h.t.Context(), o.key, o.p)
	if err := h.attempt(); !errors.Is(err, errElsewhere) {
		h.t.Fatalf("the dead node's answer is %v", err)
	}
}

// rescue has node 2 die, and node 3 read its WAL.
func (h *history) rescue() {
	h.t.Helper()
	do(h, &image.FenceNode{Node: 2, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: walOf(2), Rescuer: 3}}})
	do(h, &image.RescueWAL{Node: 3, NodeEpoch: 1, Instance: walOf(2)})
}

// oneAnswers is what one node knows; the others do not answer any more.
type oneAnswers struct {
	node  ids.NodeID
	asked []ids.NodeID
}

func (r *oneAnswers) TailState(_ context.Context, node ids.NodeID, _ ids.StreamID, end int64) ([]byte, error) {
	r.asked = append(r.asked, node)
	if node != r.node {
		return nil, errors.New("no route to host")
	}
	state := newProducers()
	state.byID[4] = &producer{epoch: 0, timestampMs: 5}
	return encodeState(end, &state), nil
}

// The old leader dies before the new one has asked for the state. What is left is
// tried again when the dead node's WAL is rescued, and not by the clock: it is
// manual, and stands.
func TestRescueWakesARestoreThatFailed(t *testing.T) {
	states := &oneAnswers{node: 3}
	h, o := handedOver(t, states)
	o.p.stream.(*storedStream).err = errDisk
	h.follow()
	h.beginInVain(o)
	if err := h.attempt(); !errors.Is(err, errDisk) || len(h.set.openings.resting) != 1 {
		t.Fatalf("the store's answer is %v", err)
	}
	h.rescue()
	h.follow()
	if err := h.attempt(); err != nil {
		t.Fatal(err)
	}
	if p, err := h.set.ByName([]byte("t"), 0); err != nil || len(p.Producers()) != 1 {
		t.Errorf("served: %v", err)
	}
	if len(states.asked) != 2 || states.asked[1] != 3 {
		t.Errorf("nodes %v were asked", states.asked)
	}
}

// A rescuer that dies may take with it what it knew. Whoever rescues its WALs
// knows that again.
func TestAnotherRescuerIsAskedWhenTheFirstIsLost(t *testing.T) {
	states := &oneAnswers{node: 4}
	h, o := handedOver(t, states)
	o.p.stream.(*storedStream).err = errDisk
	h.rescue()
	h.follow()
	h.beginInVain(o)
	if err := h.attempt(); !errors.Is(err, errDisk) {
		t.Fatalf("the store's answer is %v", err)
	}
	do(h, &image.FenceNode{Node: 3, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: walOf(2), Rescuer: 4}}})
	do(h, &image.RescueWAL{Node: 4, NodeEpoch: 1, Instance: walOf(2)})
	h.follow()
	if err := h.attempt(); err != nil || !slices.Equal(states.asked, []ids.NodeID{3, 4}) {
		t.Errorf("restored: %v, nodes %v were asked", err, states.asked)
	}
}

// When it is this node that rescues the WAL, what it reads there is at hand.
func TestStateOfAWALThatThisNodeRescues(t *testing.T) {
	h, o := handedOver(t, &oneAnswers{})
	tails := NewTails(&quota{1 << 20})
	h.set.cfg.Tails = tails
	o.p.stream.(*storedStream).hang = true
	h.follow()
	h.beginInVain(o)
	before := newProducers()
	before.byID[4] = &producer{timestampMs: 5}
	tails.Mark(o.p.stream.ID(), 1, 1, encodeState(1, &before))
	do(h, &image.FenceNode{Node: 2, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: walOf(2), Rescuer: 1}}})
	do(h, &image.RescueWAL{Node: 1, NodeEpoch: 1, Instance: walOf(2)})
	h.follow()
	for _, want := range []error{context.Canceled, nil} {
		if err := h.attempt(); !errors.Is(err, want) {
			t.Fatalf("restored: %v, want %v", err, want)
		}
	}
	if got := o.p.Producers(); len(got) != 1 || got[0].ID != 4 {
		t.Errorf("producers %+v", got)
	}
}

// An attempt that hangs at the object store is given up for who knows the state
// without it.
func TestRescueEndsAWaitForTheStore(t *testing.T) {
	h, o := handedOver(t, &oneAnswers{node: 3})
	o.p.stream.(*storedStream).hang = true
	h.follow()
	h.beginInVain(o)
	h.rescue()
	h.follow()
	if err := h.attempt(); !errors.Is(err, context.Canceled) {
		t.Fatalf("the wait for the store ended with %v", err)
	}
	if err := h.attempt(); err != nil || !h.set.serves(o.key, o.p.leaderEpoch) {
		t.Errorf("not served: %v", err)
	}
}

// A rescuer that has retired the WAL, of which it had nothing to upload, knows
// how its streams ended all the same.
func TestStateOfARetiredWAL(t *testing.T) {
	h, o := handedOver(t, &oneAnswers{node: 3})
	if got := o.p.where().closer; got != 2 {
		t.Errorf("node %d is to be asked", got)
	}
	h.rescue()
	object := do(h, &image.PrepareObjects{Node: 3, NodeEpoch: 1, Count: 1}).First
	part, _ := h.img.Partition(o.p.TopicID, 0)
	tail := o.p.where().tails[0]
	do(h, &image.CommitUpload{
		Node: 3, NodeEpoch: 1, WAL: walOf(2),
		Objects: []image.UploadedObject{{ID: object, Key: "k", Kind: image.StreamObject, Size: 1}},
		Slices:  []image.Slice{{Object: object, Stream: part.Stream, Epoch: tail.Epoch, Start: tail.Start, End: tail.End, Bytes: 1}},
	})
	do(h, &image.RetireWAL{Node: 3, NodeEpoch: 1, Instance: walOf(2)})
	if got := o.p.where().closer; got != 3 {
		t.Errorf("node %d is to be asked of a retired WAL", got)
	}
	do(h, &image.FenceNode{Node: 3, Epoch: 1})
	if got := o.p.where().closer; got != image.NoLeader {
		t.Errorf("node %d is to be asked, and is dead", got)
	}
}
