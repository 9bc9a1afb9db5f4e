package duties

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// controller applies commands at once, as the sole voter of a cluster.
type controller struct {
	mu      sync.Mutex
	term    uint64
	img     *image.Image
	changed chan struct{}
	onFence func() // before one is applied
}

func (c *controller) Term() (uint64, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.term, c.changed
}

func (c *controller) Image() *image.Image {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.img
}

func (c *controller) Submit(_ context.Context, req *image.Request) (*image.Answer, error) {
	if _, ok := req.Command.(*image.FenceNode); ok && c.onFence != nil {
		c.onFence()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.term == 0 {
		return nil, errors.New("not the active controller")
	}
	next, _, answer := image.Apply(c.img, c.img.Index()+1, req)
	c.img = next
	c.wake()
	return answer, nil
}

func (c *controller) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *controller) lead(term uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.term = term
	c.wake()
}

// cluster is a controller with nodes that beat, in a bubble of fake time.
type cluster struct {
	*controller
	t      *testing.T
	duties *Duties
	seq    uint64
	epochs map[ids.NodeID]ids.NodeEpoch
	dead   map[ids.NodeID]bool
	log    *bytes.Buffer // to be read while all else sleeps
}

const (
	session = 1500 * time.Millisecond
	beat    = 250 * time.Millisecond
)

// run runs f beside the duties.
func run(t *testing.T, f func(c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{
			controller: &controller{term: 1, img: image.New(), changed: make(chan struct{})},
			t:          t, epochs: map[ids.NodeID]ids.NodeEpoch{}, dead: map[ids.NodeID]bool{}, log: new(bytes.Buffer),
		}
		c.do(&image.FormatCluster{ClusterID: ids.UUID{1}, Features: image.LatestFeatures()})
		c.duties = New(Config{
			Controller: c.controller, Session: session, Clock: clock.Wall(), Random: func(b []byte) { b[0] = 7 },
			Log: slog.New(slog.NewTextHandler(c.log, nil)),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); c.duties.Run(ctx) }()
		synctest.Wait()
		f(c)
		cancel()
		<-done
	})
}

func (c *cluster) do(cmd image.Command) image.Result {
	c.t.Helper()
	c.seq++
	a, err := c.Submit(context.Background(), &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{8}, Sequence: c.seq}, AckedBelow: c.seq, Command: cmd,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if a.Refusal != nil {
		c.t.Fatal(a.Refusal)
	}
	return a.Result
}

// join registers a node with a WAL that the others reach, and lets it beat.
func (c *cluster) join(id ids.NodeID) ids.WALInstance {
	c.t.Helper()
	r := c.do(&image.RegisterNode{Node: id, Incarnation: ids.UUID{2, byte(id), byte(c.seq)}, Previous: c.controller.Image().EpochOf(id), Reach: []string{"file:///wal/"}})
	c.epochs[id] = r.(*image.Registered).Epoch
	w := ids.WALInstance{3, byte(id), byte(c.seq)}
	c.do(&image.OpenWAL{Node: id, NodeEpoch: c.epochs[id], Instance: w, Kind: "shared", Location: "file:///wal/x"})
	return w
}

// pass lets time pass, with the beats of the living.
func (c *cluster) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for id, epoch := range c.epochs {
			if !c.dead[id] {
				c.duties.Beat(id, epoch)
			}
		}
		time.Sleep(beat)
		synctest.Wait()
	}
}

func (c *cluster) state(id ids.NodeID) image.NodeState {
	n, _ := c.Image().Node(id)
	return n.State
}

func (c *cluster) leaders() []ids.NodeID {
	var out []ids.NodeID
	for p := range c.Image().AllPartitions() {
		out = append(out, p.Leader)
	}
	return out
}

func TestASilentNodeIsFencedAndReplaced(t *testing.T) {
	run(t, func(c *cluster) {
		one := c.join(1)
		c.join(2)
		c.join(3)
		c.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.TopicID{1}, Leaders: []ids.NodeID{1, 1, 2}}}})
		c.pass(10 * session)
		if s := c.state(1); s != image.NodeActive {
			t.Fatalf("a node that beats is %v", s)
		}
		c.dead[1] = true
		c.pass(session)
		if s := c.state(1); s != image.NodeFenced {
			t.Fatalf("after a session of silence node 1 is %v", s)
		}
		w, _ := c.Image().WAL(one)
		if r := c.Image().RescuerOf(w); r != 2 && r != 3 {
			t.Errorf("its WAL is for node %d to rescue", r)
		}
		if got, want := c.leaders(), []ids.NodeID{3, 2, 2}; !slices.Equal(got, want) {
			t.Errorf("leaders %v, want %v", got, want)
		}
	})
}

// A heartbeat that comes when it was just found out that there was none for a
// session is not answered as if it had come in time: the broker would take its
// lease for renewed, long after others have what it had.
func TestABeatDoesNotCountWhileItsNodeIsFenced(t *testing.T) {
	run(t, func(c *cluster) {
		c.join(1)
		c.join(2)
		c.pass(session)
		fenced := 0
		c.onFence = func() {
			fenced++
			if c.duties.Beat(1, c.epochs[1]) {
				t.Error("a beat counts in the middle of a fence")
			}
			if !c.duties.Beat(2, c.epochs[2]) {
				t.Error("a beat of another node does not count")
			}
		}
		c.dead[1] = true
		c.pass(session + beat)
		if fenced != 1 || c.duties.Beat(1, c.epochs[1]) {
			t.Errorf("%d fences; a beat at an epoch that is over counts", fenced)
		}
	})
}

// A fence that came to nothing is tried again, or not: then its node's beats
// count again.
func TestBeatsCountAgainWhenAFenceIsNotNeeded(t *testing.T) {
	run(t, func(c *cluster) {
		c.join(1)
		c.join(2)
		c.pass(session)
		c.onFence = func() { c.lead(0) }
		c.dead[1] = true
		c.pass(session + beat)
		if c.state(1) != image.NodeActive {
			t.Fatal("fenced by a controller that was deposed")
		}
		c.onFence = nil
		c.lead(2)
		synctest.Wait()
		if !c.duties.Beat(1, c.epochs[1]) {
			t.Error("a beat does not count in the next term")
		}
	})
}

func TestARescuerThatFailsIsReplaced(t *testing.T) {
	run(t, func(c *cluster) {
		one := c.join(1)
		c.join(2)
		c.join(3)
		c.dead[1] = true
		c.pass(2 * session)
		rescuer := func() ids.NodeID {
			w, _ := c.Image().WAL(one)
			return c.Image().RescuerOf(w)
		}
		first := rescuer()
		c.duties.RescueFailed(first, one)
		synctest.Wait()
		if r := rescuer(); r == first || r == 1 {
			t.Fatalf("after node %d failed, node %d is named", first, r)
		}
		c.dead[rescuer()] = true
		c.pass(2 * session)
		if r := rescuer(); r != first {
			t.Errorf("with nobody else left, node %d is named", r)
		}
	})
}

// When nobody reaches a WAL, people are told, once, until it is back.
func TestWALsOutOfReachAreTold(t *testing.T) {
	run(t, func(c *cluster) {
		c.join(1)
		r := c.do(&image.RegisterNode{Node: 2, Incarnation: ids.UUID{2, 2}, Reach: []string{"file:///own/"}}).(*image.Registered)
		c.epochs[2] = r.Epoch
		own := ids.WALInstance{3, 2}
		c.do(&image.OpenWAL{Node: 2, NodeEpoch: r.Epoch, Instance: own, Kind: "exclusive", Location: "file:///own/x"})
		c.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.TopicID{1}, Leaders: []ids.NodeID{2}}}})
		for p := range c.Image().AllPartitions() {
			c.do(&image.OpenStreams{Node: 2, NodeEpoch: r.Epoch, WAL: own, Streams: []image.OpenStream{{Stream: p.Stream}}})
		}
		told := func(words string) int { return strings.Count(c.log.String(), words) }
		c.pass(2 * session)
		if told("out of reach") > 0 {
			t.Fatalf("told of a WAL that is held:\n%s", c.log)
		}
		c.dead[2] = true
		c.pass(5 * session)
		if told("WAL out of reach") != 1 || told("wal="+own.Hex()) != 1 || told("reachedBy=2") != 1 {
			t.Errorf("with node 2 gone:\n%s", c.log)
		}
		w, _ := c.Image().WAL(own)
		holder, epoch := w.Holder()
		c.do(&image.AbandonWAL{Instance: own, Holder: holder, HolderEpoch: epoch})
		c.pass(session)
		if told("back in reach, or given up") != 1 {
			t.Errorf("given up:\n%s", c.log)
		}
	})
}

func TestANewTermGivesEverybodyASession(t *testing.T) {
	run(t, func(c *cluster) {
		c.join(1)
		c.join(2)
		c.pass(session)
		c.lead(0)
		synctest.Wait()
		if c.duties.Beat(1, 1) {
			t.Error("a controller that is not the active one took a beat")
		}
		time.Sleep(10 * session)
		synctest.Wait()
		if c.state(1) != image.NodeActive {
			t.Fatal("a controller that is not the active one fenced a node")
		}
		c.lead(3)
		c.dead[2] = true
		c.pass(session - beat)
		if c.state(2) != image.NodeActive {
			t.Error("a node was fenced before its session was over")
		}
		c.pass(2 * beat)
		if c.state(2) != image.NodeFenced || c.state(1) != image.NodeActive {
			t.Errorf("node 1 is %v, node 2 %v", c.state(1), c.state(2))
		}
	})
}

func TestTheLastNodesAreNotFenced(t *testing.T) {
	run(t, func(c *cluster) {
		c.join(1)
		c.join(2)
		c.dead[1], c.dead[2] = true, true
		c.pass(5 * session)
		if c.state(1) != image.NodeActive || c.state(2) != image.NodeActive {
			t.Error("fenced with nobody to take over")
		}
		c.dead[2] = false
		c.pass(2 * beat)
		if c.state(1) != image.NodeFenced || c.state(2) != image.NodeActive {
			t.Errorf("node 1 is %v, node 2 %v", c.state(1), c.state(2))
		}
	})
}

func TestAPausedControllerTakesNobodyForDead(t *testing.T) {
	c := &controller{term: 1, img: image.New(), changed: make(chan struct{})}
	manual := clock.NewManual(time.Unix(0, 0))
	d := New(Config{
		Controller: c, Session: session, Clock: manual, Random: func([]byte) {}, Log: slog.New(slog.DiscardHandler),
	})
	cl := &cluster{controller: c, t: t, epochs: map[ids.NodeID]ids.NodeEpoch{}}
	cl.do(&image.FormatCluster{ClusterID: ids.UUID{1}})
	cl.join(1)
	cl.join(2)
	d.begin(1)
	w := newWorker(d, ids.UUID{7})
	w.work(t.Context())
	manual.Advance(100 * session) // and then node 1 is quicker than node 2
	d.Beat(1, 1)
	w.work(t.Context())
	if s := cl.state(2); s != image.NodeActive {
		t.Errorf("node 2 is %v", s)
	}
}

func TestLoadIsEvenedOutAtItsPace(t *testing.T) {
	c := &controller{term: 1, img: image.New(), changed: make(chan struct{})}
	manual := clock.NewManual(time.Unix(0, 0))
	d := New(Config{
		Controller: c, Session: session, Clock: manual, Random: func([]byte) {}, Log: slog.New(slog.DiscardHandler),
		Balance: BalanceConfig{Enabled: true, Interval: 10 * time.Second, Options: balance.Options{Slack: 0.1, MovesMax: 1}},
	})
	cl := &cluster{controller: c, t: t, epochs: map[ids.NodeID]ids.NodeEpoch{}}
	cl.do(&image.FormatCluster{ClusterID: ids.UUID{1}})
	cl.join(1)
	cl.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.TopicID{1}, Leaders: slices.Repeat([]ids.NodeID{1}, 8)}}})
	cl.join(2)
	d.begin(1)
	w := newWorker(d, ids.UUID{7})
	led := func() (n int) {
		for _, l := range cl.leaders() {
			if l == 2 {
				n++
			}
		}
		return n
	}
	for i, want := range []int{0, 0, 1, 1, 2} {
		d.Beat(1, 1)
		d.Beat(2, 1)
		w.work(t.Context())
		if got := led(); got != want {
			t.Errorf("step %d: node 2 leads %d, want %d", i, got, want)
		}
		for range 5 {
			manual.Advance(time.Second)
			d.Beat(1, 1)
			d.Beat(2, 1)
			w.looked = d.now()
		}
	}
}

// TestHearsayStandsInForReports that are missing: at the begin of a term, when
// they are old, and of an earlier epoch.
func TestHearsayStandsInForReports(t *testing.T) {
	c := &controller{term: 1, img: image.New(), changed: make(chan struct{})}
	manual := clock.NewManual(time.Unix(0, 0))
	d := New(Config{
		Controller: c, Session: session, Clock: manual, Random: func([]byte) {}, Log: slog.New(slog.DiscardHandler),
		HintedLoad: func(n ids.NodeID) (balance.Load, bool) { return balance.Load{BytesIn: 100}, n == 1 },
	})
	cl := &cluster{controller: c, t: t, epochs: map[ids.NodeID]ids.NodeEpoch{}}
	cl.do(&image.FormatCluster{ClusterID: ids.UUID{1}})
	cl.join(1)
	cl.join(2)
	cl.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.TopicID{1}, Leaders: []ids.NodeID{1, 1, 2}}}})
	var streams []ids.StreamID
	for p := range c.img.Partitions(ids.TopicID{1}) {
		streams = append(streams, p.Stream)
	}
	hearsay := balance.Loads{streams[0]: {BytesIn: 50}, streams[1]: {BytesIn: 50}}
	expect := func(what string, want balance.Loads) {
		t.Helper()
		if got := d.KnownLoads(); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	if d.KnownLoads() != nil {
		t.Error("a controller that is not the active one knows loads")
	}
	d.begin(1)
	expect("no report", hearsay)
	said := balance.Loads{streams[0]: {BytesIn: 7}}
	d.Report(1, 1, Report{Loads: said, UntrimmedBytes: 3})
	expect("a report", said)
	manual.Advance(reportStale)
	expect("an old one", hearsay)
	if r, age, ok := d.LastReport(1); !ok || age != reportStale || r.UntrimmedBytes != 3 {
		t.Errorf("%+v, %v, %v", r, age, ok)
	}
	d.Report(1, 9, Report{Loads: said})
	expect("one of another epoch", hearsay)
	d.begin(2)
	if _, _, ok := d.LastReport(1); ok {
		t.Error("a report of an earlier term")
	}
}
