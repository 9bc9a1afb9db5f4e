package broker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/coordinator"
	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// fakeMetadata is metadata without consensus: commands apply at once.
type fakeMetadata struct {
	mu       sync.Mutex
	img      *image.Image
	sequence uint64
	onDelta  func(prev, next *image.Image, d image.Delta)
	fail     error // of the next submits
}

var testIssuer = ids.UUID{1}

func newFakeMetadata(t testing.TB) *fakeMetadata {
	t.Helper()
	m := &fakeMetadata{img: image.New(), onDelta: func(_, _ *image.Image, _ image.Delta) {}}
	m.must(t, &image.FormatCluster{ClusterID: ids.UUID{7}})
	return m
}

func (m *fakeMetadata) Image() *image.Image {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.img
}

func (m *fakeMetadata) Submit(ctx context.Context, cmd image.Command) (image.Result, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if m.fail != nil {
		return nil, 0, m.fail
	}
	m.sequence++
	next, delta, answer := image.Apply(m.img, m.img.Index()+1, &image.Request{
		ID: image.CommandID{Issuer: testIssuer, Sequence: m.sequence}, AckedBelow: m.sequence, Command: cmd,
	})
	prev := m.img
	m.img = next
	m.onDelta(prev, next, delta)
	if answer.Refusal != nil {
		return nil, 0, answer.Refusal
	}
	return answer.Result, next.Index(), nil
}

// must submits a command that is not refused.
func (m *fakeMetadata) must(t testing.TB, cmd image.Command) image.Result {
	t.Helper()
	result, _, err := m.Submit(context.Background(), cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd.CommandKind(), err)
	}
	return result
}

// fakeGroups keeps the requests it is given and answers with reply.
type fakeGroups struct {
	asked []coordinator.Request
	reply func(kmsg.Request) kmsg.Response
}

func (g *fakeGroups) Handle(r coordinator.Request, reply func(kmsg.Response)) {
	g.asked = append(g.asked, r)
	if g.reply != nil {
		go reply(g.reply(r.Req))
		return
	}
	go reply(group.ErrorResponse(r.Req, group.None))
}

func (g *fakeGroups) PartitionFor(id string) int32 { return coordinator.PartitionFor(id, 3) }

// testBroker is node 1, whose handlers are asked over a real connection. It
// leads partitions on a log in memory.
type testBroker struct {
	*Broker
	t      testing.TB
	meta   *fakeMetadata
	store  *storage
	groups *fakeGroups
	server *server.Server
	client *peer.Client
	stop   context.CancelFunc // ends Deps.Stopped
}

// ignoreTags leaves the unknown tags of kmsg's structs out of a comparison.
var ignoreTags = cmpopts.IgnoreTypes(kmsg.Tags{})

// testListener is the listener that tests come by.
const testListener = "PLAINTEXT"

// newTestBroker starts node 1 of a cluster of two, with settings.
func newTestBroker(t testing.TB, settings map[string]string) *testBroker {
	t.Helper()
	b := &testBroker{t: t, meta: newFakeMetadata(t), groups: new(fakeGroups)}
	b.store = newStorage(t, b.meta, b.register(1, "a"))
	b.register(2, "")
	cfg := testConfig(t, settings)
	set := partition.NewSet(partition.SetConfig{
		Node: 1, Base: cfg, Clock: clock.Wall(), Log: slog.New(slog.DiscardHandler), Image: b.meta.Image,
		Streams: b.store, Memory: budget.New(1<<20).Account("producers", 1<<20),
	})
	b.meta.onDelta = set.Changed
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { set.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	stopped, stop := context.WithCancel(context.Background())
	b.stop = stop
	r := NewRegistry()
	random := rand.NewChaCha8([32]byte{})
	var mu sync.Mutex
	b.Broker = New(Deps{
		Node: 1, ClusterID: "sea", Config: cfg, Clock: clock.Wall(), Log: slog.New(slog.DiscardHandler),
		Partitions: set, Metadata: b.meta, Groups: b.groups,
		SessionMemory: budget.New(1<<20).Account("sessions", 1<<20),
		Random: func(p []byte) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = random.Read(p)
		},
		Stopped: stopped,
	}, r)
	b.server = server.New(server.Config{}, r)
	b.client = peer.New(peer.Config{Self: 1, ClientID: "test-client", Clock: clock.Wall(), Loopback: b.connect})
	t.Cleanup(func() { b.client.Close(); b.server.Close(); stop() })
	return b
}

// testConfig is that of `seawall dev`, but for some settings.
func testConfig(t testing.TB, settings map[string]string) *config.Config {
	t.Helper()
	values := []string{
		"node.id=1", "log.dirs=/data", "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
		"s3.data.buckets=0@file:///data/objects", "offsets.topic.num.partitions=3",
	}
	for _, name := range sortedKeys(settings) {
		values = append(values, name+"="+settings[name])
	}
	cfg, _, err := config.Load(config.Sources{Overrides: values, MemoryBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// connect serves a connection by the listener that clients come by.
func (b *testBroker) connect(nc net.Conn) error {
	return b.server.ServeConn(nc, server.Listener{Name: testListener})
}

func (b *testBroker) register(id ids.NodeID, rack string) ids.NodeEpoch {
	b.t.Helper()
	r := b.meta.must(b.t, &image.RegisterNode{
		Node: id, Incarnation: ids.UUID{2, byte(id)}, Previous: b.meta.Image().EpochOf(id), Rack: rack,
		Endpoints: []image.Endpoint{{Listener: testListener, Host: "host" + id.String(), Port: 9000 + uint16(id)}},
	})
	return r.(*image.Registered).Epoch
}

// topic makes a topic whose partitions are led by these nodes, and waits until
// node 1 serves its own.
func (b *testBroker) topic(name string, leaders ...ids.NodeID) ids.TopicID {
	b.t.Helper()
	id := b.newTopicID()
	outcomes, err := b.createTopics(context.Background(), []image.NewTopic{{Name: name, ID: id, Leaders: leaders}})
	if err := outcomeOf(outcomes, 0, err); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// ask sends a request in its own version and returns the answer.
func ask[R kmsg.Response](b *testBroker, req kmsg.Request) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	resp, err := b.client.Do(ctx, 1, req)
	if err != nil {
		b.t.Fatalf("%s v%d: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	r, ok := resp.(R)
	if !ok {
		b.t.Fatalf("%s answered by %T", kmsg.NameForKey(req.Key()), resp)
	}
	return r
}
