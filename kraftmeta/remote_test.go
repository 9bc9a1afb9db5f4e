package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// network carries messages to controllers in the same process, and can lose
// requests and responses.
type network struct {
	mu          sync.Mutex
	rng         *rand.Rand
	controllers map[ids.NodeID]*Controller
	lossPercent int
}

var errLost = errors.New("lost")

func (n *network) lose() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rng.IntN(100) < n.lossPercent
}

func (n *network) RoundTrip(ctx context.Context, to ids.NodeID, kind Message, request []byte) ([]byte, error) {
	if n.lose() {
		return nil, errLost
	}
	n.mu.Lock()
	c, ok := n.controllers[to]
	if !ok {
		for _, c = range n.controllers { // any of them
			break
		}
	}
	n.mu.Unlock()
	if c == nil {
		return nil, errors.New("no controller")
	}
	response := c.Handle(ctx, kind, request)
	if n.lose() {
		return nil, errLost
	}
	return response, nil
}

// follower is a broker apart from the controllers.
func follower(t testing.TB, over RoundTripper, id ids.NodeID) (*Observer, *Client, ids.UUID) {
	t.Helper()
	r, incarnation := NewRemote(over), newUUID()
	o := NewObserver(r, ObserverOptions{Node: id, Incarnation: incarnation, Clock: clock.Wall()})
	o.Start()
	t.Cleanup(o.Close)
	return o, NewClient(r, o, incarnation, clock.Wall()), incarnation
}

// TestCommandsApplyOnceOverALossyNetwork draws producer ids, whose counter
// tells how often the command was applied.
func TestCommandsApplyOnceOverALossyNetwork(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	net := &network{rng: rand.New(rand.NewPCG(1, 2)), controllers: map[ids.NodeID]*Controller{1: n.Controller}}
	net.lossPercent = 30
	_, client, incarnation := follower(t, net, 2)
	ctx := testContext(t)
	reg, err := Do(ctx, client, &image.RegisterNode{Node: 2, Incarnation: incarnation})
	if err != nil {
		t.Fatal(err)
	}
	const each, workers = 15, 4
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				ids, err := Do(ctx, client, &image.AllocateProducerIDs{Node: 2, NodeEpoch: reg.Epoch, Count: 10})
				if err != nil {
					t.Error(err)
					return
				}
				if next := client.Image().NextID(image.ProducerIDCounter); next < uint64(ids.First)+10 {
					t.Errorf("got ids from %d and reads %d as the next", ids.First, next)
				}
			}
		})
	}
	wg.Wait()
	if got := client.Image().NextID(image.ProducerIDCounter); got != 10*each*workers {
		t.Errorf("%d ids were given out to %d commands for 10", got, each*workers)
	}
	if a := client.Image().Sizes().RememberedAnswers; a > image.AnswerWindow+2 {
		t.Errorf("%d answers are remembered", a)
	}
}

// TestLaggingObserverGetsASnapshotInPieces has the feed keep next to nothing,
// and the observer fetch little at a time.
func TestLaggingObserverGetsASnapshotInPieces(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1, FeedBytes: 1})
	for i := range 200 {
		must(t, n, &image.CreateTopics{Topics: []image.NewTopic{{
			Name: fmt.Sprintf("topic-%d", i), ID: newUUID(), Leaders: []ids.NodeID{1},
		}}})
	}
	net := &network{rng: rand.New(rand.NewPCG(1, 2)), controllers: map[ids.NodeID]*Controller{1: n.Controller}}
	r, pieces := NewRemote(net), 0
	counted := roundTripFunc(func(ctx context.Context, to ids.NodeID, kind Message, request []byte) ([]byte, error) {
		pieces++
		return net.RoundTrip(ctx, to, kind, request)
	})
	r.over = counted
	resp, err := r.Fetch(testContext(t), FetchRequest{Node: -1, MaxBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Snapshot == nil || pieces < 3 {
		t.Fatalf("snapshot %v after %d pieces", resp.Snapshot, pieces)
	}
	if d := image.Diff(resp.Snapshot, n.Image()); len(d.Records) != 0 {
		t.Errorf("the snapshot differs by %d records", len(d.Records))
	}

	// From there on deltas do.
	must(t, n, &image.DeleteTopics{Topics: []ids.TopicID{newUUID()}})
	resp, err = r.Fetch(testContext(t), FetchRequest{Node: -1, After: resp.Index, MaxBytes: 4096, MaxWait: time.Minute})
	if err != nil || resp.Snapshot != nil || len(resp.Deltas) != 1 {
		t.Errorf("after the snapshot: %+v, %v", resp, err)
	}
}

type roundTripFunc func(context.Context, ids.NodeID, Message, []byte) ([]byte, error)

func (f roundTripFunc) RoundTrip(ctx context.Context, to ids.NodeID, kind Message, request []byte) ([]byte, error) {
	return f(ctx, to, kind, request)
}

// TestFloorWaitsForEveryLivingNode: an object may be deleted only when the
// feed of every living node has passed its removal.
func TestFloorWaitsForEveryLivingNode(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	n.register(t)
	other := newUUID()
	must(t, n, &image.RegisterNode{Node: 2, Incarnation: other})
	fetch := func(incarnation ids.UUID, after uint64) uint64 {
		t.Helper()
		resp, err := n.Fetch(testContext(t), FetchRequest{Node: 2, Incarnation: incarnation, After: after})
		if err != nil {
			t.Fatal(err)
		}
		return resp.LivingFloor
	}
	if got := fetch(newUUID(), n.Image().Index()); got != 0 {
		t.Errorf("floor %d with another incarnation's fetch", got)
	}
	if got := fetch(other, 3); got != 3 {
		t.Errorf("floor %d, want 3", got)
	}
	must(t, n, &image.FenceNode{Node: 2, Epoch: 1})
	index := n.Image().Index()
	if err := n.observer.WaitFor(testContext(t), index); err != nil {
		t.Fatal(err)
	}
	// Node 1's next fetch says that it has passed that index too.
	for n.observer.LivingFloor() < index {
		if _, err := Do(testContext(t), n.client, &image.DeleteTopics{}); err != nil {
			t.Fatal(err)
		}
	}
}
