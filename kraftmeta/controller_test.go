package kraftmeta

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func random(p []byte) { _, _ = rand.Read(p) }

func newUUID() ids.UUID { return ids.NewUUID(random) }

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// node is a controller with a client and an observer in the same process.
type node struct {
	*Controller
	observer *Observer
	client   *Client
	issuer   ids.UUID
}

func openNode(t testing.TB, opts Options) *node {
	t.Helper()
	if opts.Random == nil {
		opts.Random = random
	}
	c, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Controller: c, issuer: newUUID()}
	n.observer = NewObserver(c, ObserverOptions{Node: opts.Node, Incarnation: n.issuer, Clock: clock.Wall()})
	n.observer.Start()
	n.client = NewClient(c, n.observer, n.issuer, clock.Wall())
	t.Cleanup(func() { n.close(t) })
	if err := c.WaitReady(testContext(t)); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) close(t testing.TB) {
	n.observer.Close()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func must[R image.Result](t testing.TB, n *node, cmd image.CommandOf[R]) R {
	t.Helper()
	r, err := Do(testContext(t), n.client, cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd.CommandKind(), err)
	}
	return r
}

func (n *node) register(t testing.TB) ids.NodeEpoch {
	t.Helper()
	return must(t, n, &image.RegisterNode{Node: n.opts.Node, Incarnation: n.issuer, Previous: n.Image().EpochOf(n.opts.Node)}).Epoch
}

func TestStateSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, Options{Dir: dir, Node: 1})
	cluster := n.ClusterID()
	if e := n.register(t); e != 1 {
		t.Fatalf("first node epoch %d", e)
	}
	topic := newUUID()
	must(t, n, &image.CreateTopics{Topics: []image.NewTopic{{Name: "a", ID: topic, Leaders: []ids.NodeID{1}}}})
	if got, ok := n.observer.Image().TopicByName("a"); !ok || got.ID != topic {
		t.Fatal("the submitter does not read its own write")
	}
	_, err := Do(testContext(t), n.client, &image.FenceNode{Node: 9})
	if !errors.Is(err, &image.Refusal{Reason: image.UnknownNode}) {
		t.Fatalf("a refused command: %v", err)
	}
	n.close(t)

	n = openNode(t, Options{Dir: dir, Node: 1, ClusterID: cluster})
	if e := n.register(t); e != 2 {
		t.Fatalf("node epoch %d after a restart, want 2", e)
	}
	if _, ok := n.observer.Image().TopicByName("a"); !ok || n.Image().ClusterID() != cluster {
		t.Fatal("the restarted controller has lost its state")
	}
}

func TestForeignDirectoriesAreRefused(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, Options{Dir: dir, Node: 1})
	if _, err := Open(Options{Dir: dir, Node: 1, Random: random}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second process: %v, want ErrLocked", err)
	}
	n.close(t)
	if _, err := Open(Options{Dir: dir, Node: 2, Random: random}); !errors.Is(err, ErrForeignDir) {
		t.Errorf("another node: %v, want ErrForeignDir", err)
	}
	if _, err := Open(Options{Dir: dir, Node: 1, ClusterID: newUUID(), Random: random}); !errors.Is(err, ErrForeignDir) {
		t.Errorf("another cluster: %v, want ErrForeignDir", err)
	}
}
