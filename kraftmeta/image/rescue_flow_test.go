package image

import (
	"slices"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

// join registers another node, which can read the WALs in /wal.
func (c *cluster) join(node ids.NodeID) ids.NodeEpoch {
	c.t.Helper()
	return do(c, &RegisterNode{
		Node: node, Incarnation: uuid(byte(100 + 10*node)), Previous: c.img.EpochOf(node), Reach: []string{"file:///wal"},
	}).Epoch
}

func (c *cluster) rescuer(instance byte) ids.NodeID {
	c.t.Helper()
	w, ok := c.img.WAL(uuid(instance))
	if !ok {
		c.t.Fatalf("WAL %d is gone", instance)
	}
	return c.img.RescuerOf(w)
}

// A dead node's WAL is rescued by the node that fencing it named; should that
// one die in turn, by the next one named, and the ends stay as they were.
func TestARescuerThatDiesIsRescued(t *testing.T) {
	c := boot(t, 1)
	c.open(1, 1, OpenStream{1, 0})
	two, three := c.join(2), c.join(3)
	if r := c.rescuer(1); r != NoLeader {
		t.Fatalf("a WAL that is held has rescuer %d", r)
	}
	c.refused(WALNotFenced, &RescueWAL{Node: 2, NodeEpoch: two, Instance: uuid(1)})

	do(c, &FenceNode{Node: 1, Epoch: 1, Rescuers: []WALRescuer{{uuid(1), 2}}})
	c.refused(NotRescuer, &RescueWAL{Node: 3, NodeEpoch: three, Instance: uuid(1)})
	// Dead before it read anything: another one is named with its fencing.
	do(c, &FenceNode{Node: 2, Epoch: two, Rescuers: []WALRescuer{{uuid(1), 3}}})
	c.refused(StaleNodeEpoch, &RescueWAL{Node: 2, NodeEpoch: two, Instance: uuid(1)})
	rescued := do(c, &RescueWAL{Node: 3, NodeEpoch: three, Instance: uuid(1), Ends: []StreamEnd{{1, 1, 40}}})
	if want := []StreamEnd{{1, 1, 40}}; !slices.Equal(rescued.Closed, want) {
		t.Fatalf("closed %v, want %v", rescued.Closed, want)
	}

	// Dead again, after the rescue and before the upload.
	two = c.join(4)
	do(c, &FenceNode{Node: 3, Epoch: three, Rescuers: []WALRescuer{{uuid(1), 4}}})
	again := do(c, &RescueWAL{Node: 4, NodeEpoch: two, Instance: uuid(1), Ends: []StreamEnd{{1, 1, 70}}})
	if len(again.Closed) > 0 || c.stream(1).KnownEnd() != 40 {
		t.Errorf("a second rescue closed %v and moved the end to %d", again.Closed, c.stream(1).KnownEnd())
	}
	checkInvariants(t, c.img)
}

func TestRescuersAreNamedOnlyWhereOneIsNeeded(t *testing.T) {
	c := boot(t, 1)
	two := c.join(2)
	assign := func(r WALRescuer) Reason {
		t.Helper()
		return do(c, &AssignRescuers{[]WALRescuer{r}}).Refused[0]
	}
	if r := assign(WALRescuer{uuid(1), 2}); r != WALNotFenced {
		t.Errorf("for a WAL that is held: %v", r)
	}
	do(c, &FenceNode{Node: 1, Epoch: 1})
	if r := c.rescuer(1); r != 1 {
		t.Errorf("a WAL for which none was named waits for %d", r)
	}
	for _, ask := range []struct {
		r    WALRescuer
		want Reason
	}{
		{WALRescuer{uuid(5), 2}, UnknownWAL},
		{WALRescuer{uuid(1), 9}, UnknownNode},
		{WALRescuer{uuid(1), 1}, NodeIsFenced},
		{WALRescuer{uuid(1), 2}, NotRefused},
	} {
		if r := assign(ask.r); r != ask.want {
			t.Errorf("%+v: %v, want %v", ask.r, r, ask.want)
		}
	}
	c.register(2) // its holder returns: too late
	c.refused(NotRescuer, &RescueWAL{Node: 1, NodeEpoch: 3, Instance: uuid(1)})
	do(c, &RescueWAL{Node: 2, NodeEpoch: two, Instance: uuid(1)})
}

func TestANodeLeavesAndIsRemoved(t *testing.T) {
	c := boot(t, 1)
	do(c, &LeaveCluster{Node: 1, Epoch: 1})
	if n, _ := c.img.Node(1); n.State != NodeLeaving || !n.IsAlive() {
		t.Errorf("a leaving node: %+v", n)
	}
	c.refused(NodeInUse, &RemoveNode{Node: 1})
	do(c, &FenceNode{Node: 1, Epoch: 1})
	c.refused(NodeInUse, &RemoveNode{Node: 1}) // its WAL
	two := c.join(2)
	do(c, &AssignRescuers{[]WALRescuer{{uuid(1), 2}}})
	do(c, &RescueWAL{Node: 2, NodeEpoch: two, Instance: uuid(1)})
	do(c, &RemoveNode{Node: 1})
	c.refused(UnknownNode, &RemoveNode{Node: 1})
	if e := c.register(7); e != 3 {
		t.Errorf("removed at epoch 2, it returns at epoch %d", e)
	}
}
