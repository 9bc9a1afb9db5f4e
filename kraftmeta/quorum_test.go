package kraftmeta

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// voters are controllers in one process, with TCP between them.
type voters struct {
	t       *testing.T
	cluster ids.UUID
	list    []Voter
	network network
	dirs    map[ids.NodeID]string
	stops   map[ids.NodeID]func()
	wrap    func(net.Conn) net.Conn // the connections that one makes to another
}

// newVoters opens n of them, with ids from 1.
func newVoters(t *testing.T, n int) *voters {
	t.Helper()
	return newVotersWith(t, n, func(nc net.Conn) net.Conn { return nc })
}

func newVotersWith(t *testing.T, n int, wrap func(net.Conn) net.Conn) *voters {
	t.Helper()
	v := &voters{t: t, cluster: newUUID(), dirs: map[ids.NodeID]string{}, stops: map[ids.NodeID]func(){}, wrap: wrap}
	v.network = network{rng: rand.New(rand.NewPCG(1, 2)), controllers: map[ids.NodeID]*Controller{}}
	var listeners []net.Listener
	for id := ids.NodeID(1); id <= ids.NodeID(n); id++ {
		l := listen(t, "127.0.0.1:0")
		listeners = append(listeners, l)
		v.list = append(v.list, Voter{Node: id, Address: l.Addr().String()})
	}
	for i, l := range listeners {
		v.open(v.list[i], l, Options{Voters: v.list})
	}
	return v
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open opens a controller that the others reach by l.
func (v *voters) open(who Voter, l net.Listener, opts Options) *Controller {
	v.t.Helper()
	if v.dirs[who.Node] == "" {
		v.dirs[who.Node] = v.t.TempDir()
	}
	opts.Dir, opts.Node, opts.ClusterID, opts.Random = v.dirs[who.Node], who.Node, v.cluster, random
	opts.Dial = func(ctx context.Context, to Voter) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", to.Address)
		if err != nil {
			return nil, err
		}
		return v.wrap(nc), nil
	}
	c, err := Open(opts)
	if err != nil {
		v.t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c.Take(nc)
		}
	}()
	var once sync.Once
	v.stops[who.Node] = func() {
		once.Do(func() {
			_ = l.Close()
			<-served
			_ = c.Close()
		})
	}
	v.t.Cleanup(v.stops[who.Node])
	v.network.mu.Lock()
	v.network.controllers[who.Node] = c
	v.network.mu.Unlock()
	return c
}

// stop takes a controller away.
func (v *voters) stop(id ids.NodeID) {
	v.network.mu.Lock()
	delete(v.network.controllers, id)
	v.network.mu.Unlock()
	v.stops[id]()
}

// active waits for the active controller.
func (v *voters) active() *Controller {
	v.t.Helper()
	ctx := testContext(v.t)
	for ctx.Err() == nil {
		for _, c := range v.running() {
			if term, _ := c.Term(); term != 0 {
				return c
			}
		}
		time.Sleep(time.Millisecond)
	}
	v.t.Fatal("no active controller")
	return nil
}

func (v *voters) running() (all []*Controller) {
	v.network.mu.Lock()
	defer v.network.mu.Unlock()
	for _, c := range v.network.controllers {
		all = append(all, c)
	}
	return all
}

// caughtUp waits until a controller has what the active one has.
func (v *voters) caughtUp(c *Controller) {
	v.t.Helper()
	ctx := testContext(v.t)
	for want := v.active().Image().Index(); c.Image().Index() < want; {
		if ctx.Err() != nil {
			v.t.Fatalf("index %d, want %d", c.Image().Index(), want)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLossOfTheActiveController goes on with two of three, without a repeated
// or lost command, and takes the third back.
func TestLossOfTheActiveController(t *testing.T) {
	v := newVoters(t, 3)
	for _, c := range v.running() {
		if err := c.WaitReady(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	o, client, incarnation := follower(t, &v.network, 7)
	ctx := testContext(t)
	reg, err := Do(ctx, client, &image.RegisterNode{Node: 7, Incarnation: incarnation})
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(0)
	allocate := func() {
		t.Helper()
		got, err := Do(ctx, client, &image.AllocateProducerIDs{Node: 7, NodeEpoch: reg.Epoch, Count: 10})
		if err != nil || uint64(got.First) != next {
			t.Fatalf("%+v, %v; want ids from %d", got, err, next)
		}
		next += 10
	}
	allocate()
	gone := v.active().opts.Node
	began := time.Now()
	v.stop(gone)
	allocate()
	t.Logf("the next command was answered after %v", time.Since(began))
	if o.Image().ClusterID() != v.cluster {
		t.Errorf("cluster %s", o.Image().ClusterID())
	}

	again := v.list[gone-1]
	c := v.open(again, listen(t, again.Address), Options{Voters: v.list})
	v.caughtUp(c)
	v.stop(v.active().opts.Node) // now the majority needs the one that came back
	allocate()
}

func TestResign(t *testing.T) {
	v := newVoters(t, 3)
	was := v.active()
	for _, c := range v.running() {
		v.caughtUp(c) // who lags is handed nothing
	}
	if err := was.Resign(); err != nil {
		t.Fatal(err)
	}
	if is := v.active(); is == was {
		t.Error("the controller that resigned is active")
	}
	if err := was.Resign(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// TestVotersComeAndGo grows one voter to three and takes the first away.
func TestVotersComeAndGo(t *testing.T) {
	v := newVoters(t, 1)
	ctx := testContext(t)
	first := v.active()
	for id := ids.NodeID(2); id <= 3; id++ {
		l := listen(t, "127.0.0.1:0")
		who := Voter{id, l.Addr().String()}
		joining := v.open(who, l, Options{Join: true})
		if err := first.AddVoter(ctx, who); err != nil {
			t.Fatal(err)
		}
		v.caughtUp(joining)
	}
	q := first.Quorum()
	if q.Leader != 1 || len(q.Voters) != 3 || !slices.ContainsFunc(q.Voters, func(x Voting) bool { return x.Voter == v.list[0] }) || q.Committed == 0 {
		t.Errorf("quorum %+v", q)
	}
	if err := first.RemoveVoter(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for {
		if q := v.active().Quorum(); q.Leader != 1 {
			if len(q.Voters) != 2 {
				t.Errorf("quorum %+v", q)
			}
			if err := first.AddVoter(ctx, v.list[0]); !errors.As(err, new(*NotControllerError)) {
				t.Errorf("asked of one who is no voter: %v", err)
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatal("the first voter still leads")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLogEndsOfOtherVoters: the active controller knows them by what they tell
// with their fetches, and heeds nobody who is no voter.
func TestLogEndsOfOtherVoters(t *testing.T) {
	v := newVoters(t, 3)
	active, ctx := v.active(), testContext(t)
	for _, c := range v.running() {
		v.caughtUp(c)
		if c == active {
			continue
		}
		o := NewObserver(NewRemote(&v.network), ObserverOptions{
			Node: noNode, Clock: clock.Wall(), Voter: c.opts.Node, LogEnd: c.LogEnd,
		})
		o.Start()
		t.Cleanup(o.Close)
	}
	stranger := FetchRequest{Node: noNode, Voter: 9, LogEnd: 1 << 40}
	if _, err := active.Fetch(ctx, stranger); err != nil {
		t.Fatal(err)
	}
	for {
		q, known := active.Quorum(), 0
		for _, x := range q.Voters {
			if x.Known && x.Log.Index == q.LastIndex && !x.Log.Told.IsZero() && !x.Log.CaughtUp.IsZero() {
				known++
			}
		}
		if len(q.Voters) != 3 {
			t.Fatalf("%+v", q)
		}
		if known == 3 {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("log ends are not known: %+v", q)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestVoterOptionsAreChecked(t *testing.T) {
	three := []Voter{{1, "a:1"}, {2, "b:1"}, {3, "c:1"}}
	dial := func(context.Context, Voter) (net.Conn, error) { return nil, errors.New("unused") }
	for name, o := range map[string]Options{
		"no cluster id":        {Node: 1, Voters: three, Dial: dial},
		"no connections":       {Node: 1, Voters: three, ClusterID: newUUID()},
		"not among the voters": {Node: 4, Voters: three, Dial: dial, ClusterID: newUUID()},
		"join without cluster": {Node: 4, Join: true, Dial: dial},
	} {
		o.Dir, o.Random = t.TempDir(), random
		if _, err := Open(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
