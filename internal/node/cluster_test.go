package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
)

// cluster is nodes in one process, with TCP between them.
type cluster struct {
	t         *testing.T
	dir       string
	mu        sync.Mutex
	listeners map[string]net.Listener // bound already, by address
	sources   []map[string]string     // configuration of each
	nodes     []*Node
}

const testCluster = "c2Vhd2FsbC10ZXN0LS0tMQ"

// newCluster makes the configuration of nodes with these roles, with ids from
// 1, which share an object store.
func newCluster(t *testing.T, roles ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), listeners: map[string]net.Listener{}, nodes: make([]*Node, len(roles))}
	voters := ""
	for i, role := range roles {
		client, controller := c.bind(), c.bind()
		dir := filepath.Join(c.dir, fmt.Sprint(i+1))
		s := config.DevDefaults(dir, client, "127.0.0.1:0", "file://"+filepath.Join(c.dir, "objects"))
		s["node.id"], s["process.roles"], s["cluster.id"] = fmt.Sprint(i+1), role, testCluster
		s["memory.budget.bytes"] = fmt.Sprint(512 << 20)
		s["offsets.topic.num.partitions"] = "3"
		s["broker.session.timeout.ms"], s["broker.heartbeat.interval.ms"] = "3000", "100"
		switch role {
		case "controller":
			s["listeners"] = "CONTROLLER://" + controller
		case "broker,controller":
			s["listeners"] += ",CONTROLLER://" + controller
		}
		if role != "broker" {
			if voters != "" {
				voters += ","
			}
			voters += fmt.Sprintf("%d@%s", i+1, controller)
		}
		c.sources = append(c.sources, s)
	}
	for _, s := range c.sources {
		s["controller.quorum.voters"] = voters
	}
	return c
}

// bind takes a free port for a node to come.
func (c *cluster) bind() string {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = l.Close() })
	c.listeners[l.Addr().String()] = l
	return l.Addr().String()
}

// start starts all nodes that do not run.
func (c *cluster) start() {
	c.t.Helper()
	var wg sync.WaitGroup
	for i := range c.nodes {
		if c.nodes[i] != nil {
			continue
		}
		n := c.make(i)
		c.nodes[i] = n
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := n.Start(ctx); err != nil {
				c.t.Errorf("node %d: %v", i+1, err)
			}
		})
	}
	wg.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
}

func (c *cluster) make(i int) *Node {
	c.t.Helper()
	cfg, _, err := config.Load(config.Sources{Defaults: c.sources[i], MemoryBytes: 2 << 30})
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := New(cfg, slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("node", i+1))
	if err != nil {
		c.t.Fatal(err)
	}
	n.listen = func(ctx context.Context, addr string) (net.Listener, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if l, ok := c.listeners[addr]; ok {
			delete(c.listeners, addr) // a restart binds it anew
			return l, nil
		}
		return new(net.ListenConfig).Listen(ctx, "tcp", addr)
	}
	c.t.Cleanup(func() { _ = n.Close() })
	return n
}

// active waits for the node with the active controller.
func (c *cluster) active() *Node {
	c.t.Helper()
	var found *Node
	c.until("an active controller", func() bool {
		for _, n := range c.nodes {
			if n == nil || n.controller == nil {
				continue
			}
			if term, _ := n.controller.Term(); term != 0 {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

func (c *cluster) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// drop closes a node for good.
func (c *cluster) drop(n *Node) {
	c.t.Helper()
	c.nodes[n.cfg.Node.ID-1] = nil
	if err := n.Close(); err != nil {
		c.t.Errorf("close: %v", err)
	}
}

// TestThreeNodes elect, register, make topics whoever is asked, and go on when
// the active controller is closed.
func TestThreeNodes(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	c.start()
	ctx := deadline(t)
	for i, n := range c.nodes {
		adm := kadm.NewClient(plainClient(t, n))
		topic := fmt.Sprintf("t%d", i)
		made, err := adm.CreateTopics(ctx, 1, 1, nil, topic)
		if err = errors.Join(err, made.Error()); err != nil {
			t.Fatalf("by node %d: %v", i+1, err)
		}
		meta, err := adm.Metadata(ctx)
		if err != nil || len(meta.Brokers) != 3 {
			t.Fatalf("node %d knows %d brokers, %v", i+1, len(meta.Brokers), err)
		}
	}
	gone := c.active()
	c.drop(gone)
	is := c.active()
	if is == gone {
		t.Fatal("the closed controller is active")
	}
	for i, n := range c.nodes {
		if n == nil {
			continue
		}
		adm := kadm.NewClient(plainClient(t, n))
		made, err := adm.CreateTopics(ctx, 1, 1, nil, fmt.Sprintf("after%d", i))
		if err = errors.Join(err, made.Error()); err != nil {
			t.Errorf("by node %d, with one controller less: %v", i+1, err)
		}
	}
	c.until("the closed node to be fenced", func() bool {
		x, ok := is.metadata.Image().Node(gone.cfg.Node.ID)
		return ok && !x.IsAlive()
	})
}

// TestApartRoles: one controller, and brokers that find it by bootstrap servers.
func TestApartRoles(t *testing.T) {
	c := newCluster(t, "controller", "broker", "broker")
	for _, s := range c.sources[1:] {
		voter := s["controller.quorum.voters"]
		delete(s, "controller.quorum.voters")
		delete(s, "cluster.id") // they are told
		s["controller.quorum.bootstrap.servers"] = voter[len("1@"):]
	}
	c.start()
	for _, n := range c.nodes[1:] {
		if n.cluster.String() != testCluster {
			t.Errorf("cluster %s", n.cluster)
		}
	}
	produce(t, c.nodes[1], "t", 0, 10)
	consume(t, c.nodes[2], "t", 10)
	if err := c.nodes[0].ready(); err != nil {
		t.Errorf("the controller: %v", err)
	}
}

func TestDescribeQuorumFromAnyListener(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller", "broker")
	c.start()
	ctx := deadline(t)
	leader := c.active().cfg.Node.ID
	for slices.ContainsFunc(c.active().controller.Quorum().Voters, func(v kraftmeta.Voting) bool { return !v.Known }) {
		if clock.Sleep(ctx, clock.Wall(), time.Millisecond) != nil {
			t.Fatal("voters have told nothing")
		}
	}
	for _, addr := range []string{c.nodes[0].Addr(), c.nodes[1].Addr(), c.active().controllerListeners[0].Addr().String()} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		req := kmsg.NewPtrDescribeQuorumRequest()
		topic := kmsg.NewDescribeQuorumRequestTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
		req.Topics = append(req.Topics, topic)
		kresp, err := cl.SeedBrokers()[0].Request(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		resp := kresp.(*kmsg.DescribeQuorumResponse)
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			t.Fatal(err)
		}
		p := resp.Topics[0].Partitions[0]
		if p.LeaderID != int32(leader) || len(p.CurrentVoters) != 3 || len(resp.Nodes) != 3 {
			t.Errorf("asked at %s: %+v, %+v", addr, p, resp.Nodes)
		}
		if len(p.Observers) != 1 || p.Observers[0].ReplicaID != 4 {
			t.Errorf("asked at %s: observers %+v, want the broker that is no voter", addr, p.Observers)
		}
		for _, r := range slices.Concat(p.CurrentVoters, p.Observers) {
			if r.LogEndOffset < 0 || r.LastFetchTimestamp <= 0 {
				t.Errorf("asked at %s: replica %+v", addr, r)
			}
		}
	}
}

// TestDescribeControllers, on their listener, is how tools find the active one
// that know no broker.
func TestDescribeControllers(t *testing.T) {
	c := newCluster(t, "broker,controller", "controller", "controller")
	c.start()
	at := c.nodes[1].controllerListeners[0].Addr().String()
	req := kmsg.NewPtrDescribeClusterRequest()
	req.EndpointType = 2
	resp := askAt[*kmsg.DescribeClusterResponse](t, at, req)
	if resp.ErrorCode != 0 || len(resp.Brokers) != 3 || resp.ControllerID != int32(c.active().cfg.Node.ID) || resp.ClusterID != testCluster {
		t.Errorf("%+v", resp)
	}
	req.EndpointType = 1
	wantCode(t, "brokers", askAt[*kmsg.DescribeClusterResponse](t, at, req).ErrorCode, kerr.MismatchedEndpointType)
}

// TestForeignVotersAreRefused: a controller of another cluster gets nowhere.
func TestForeignVotersAreRefused(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	c.sources[2]["cluster.id"] = "c2Vhd2FsbC10ZXN0LS0tMg"
	var wg sync.WaitGroup
	stranger := c.make(2)
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() { _ = stranger.Start(ctx) })
	c.nodes = c.nodes[:2]
	c.start()
	c.until("the stranger to be refused", func() bool { return c.nodes[0].strangers.Load()+c.nodes[1].strangers.Load() > 0 })
	if q := c.active().controller.Quorum(); q.Leader == ids.NodeID(3) {
		t.Error("the stranger leads")
	}
	cancel()
	wg.Wait()
}

// TestFencedNodeStops: a broker that was taken for dead notices and says so.
func TestFencedNodeStops(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker")
	c.start()
	n := c.nodes[1]
	n.silence() // as if it were cut off from the controller
	c.until("the lease to end", func() bool { return !n.lease.Valid() })
	select {
	case err := <-n.Done():
		if !errors.Is(err, ErrFenced) {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the node did not notice that it was fenced")
	}
}

// TestLeave: a node that is drained gives up what it leads first.
func TestLeave(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	c.start()
	ctx := deadline(t)
	adm := kadm.NewClient(plainClient(t, c.nodes[0]))
	made, err := adm.CreateTopics(ctx, 9, 1, nil, "t")
	if err = errors.Join(err, made.Error()); err != nil {
		t.Fatal(err)
	}
	gone := c.active()
	if leads(gone.metadata.Image(), gone.cfg.Node.ID) == 0 {
		t.Error("the active controller's broker leads nothing")
	}
	c.nodes[gone.cfg.Node.ID-1] = nil
	if r, err := gone.Drain(ctx); err != nil || !r.Uploaded {
		t.Fatalf("drain: %v, %v", r, err)
	}
	is := c.active()
	c.until("the node to be fenced, all led elsewhere", func() bool {
		img := is.metadata.Image()
		x, _ := img.Node(gone.cfg.Node.ID)
		return !x.IsAlive() && leads(img, x.ID) == 0
	})
}

// TestFencedWhenGone: the controller fences a node that has said farewell, which
// may learn of it before it has closed its log.
func TestFencedWhenGone(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker")
	c.start()
	ctx := deadline(t)
	n := c.nodes[1]
	c.nodes[1] = nil
	n.leave(ctx)
	if err := errors.Join(n.streams.Drain(ctx), n.streams.Retire(ctx)); err != nil {
		t.Fatal(err)
	}
	n.farewell(ctx)
	c.until("the node to learn that it is fenced", func() bool {
		self, _ := n.metadata.Image().Node(n.cfg.Node.ID)
		return self.Epoch != n.epoch
	})
	if err := errors.Join(n.wal.Failed(), n.Close()); err != nil {
		t.Error(err)
	}
}
