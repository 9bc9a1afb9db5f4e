package members

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/memberlist"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

var (
	clusterA = ids.UUID{1}
	clusterB = ids.UUID{2}
)

func self(id ids.NodeID) Member {
	return Member{Node: id, IsBroker: true, IsController: id == 1, Zone: "z", Address: "h:9092", Controller: "h:9093"}
}

// gossip starts a node's gossip on a free port of loopback.
func gossip(t *testing.T, cfg Config) *Members {
	t.Helper()
	cfg.Listen, cfg.Clock = "127.0.0.1:0", clock.Wall()
	cfg.Log = slog.New(slog.DiscardHandler)
	m, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(10 * time.Millisecond); err != nil {
			t.Error(err)
		}
	})
	return m
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: " + what)
		}
	}
}

func nodes(m *Members) (all []ids.NodeID) {
	for _, x := range m.Living() {
		all = append(all, x.Node)
	}
	return all
}

func TestNodesFindEachOtherByOneSeed(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": bytes.Repeat([]byte{7}, 32)} {
		t.Run(name, func(t *testing.T) {
			heard := make(chan Member, 100)
			one := gossip(t, Config{Cluster: clusterA, Self: self(1), Key: key, Changed: func(m Member) { heard <- m }})
			two := gossip(t, Config{Cluster: clusterA, Self: self(2), Key: key, Seeds: []string{one.Addr()}})
			three := gossip(t, Config{Cluster: clusterA, Self: self(3), Key: key, Seeds: []string{one.Addr()}})
			for who, want := range map[*Members][]ids.NodeID{one: {2, 3}, two: {1, 3}, three: {1, 2}} {
				eventually(t, "everybody knows everybody", func() bool { return cmp.Equal(nodes(who), want) })
			}
			if got, ok := three.Member(1); !ok || !cmp.Equal(got, self(1)) {
				t.Errorf("node 1 is %+v", got)
			}
			if first, second := <-heard, <-heard; first.Node+second.Node != 5 {
				t.Errorf("told of %+v, %+v", first, second)
			}
			news := Hints{Load: 1 << 20, Trouble: "draining"}
			three.Tell(news)
			for _, m := range []*Members{one, two} {
				eventually(t, "news travel", func() bool { x, _ := m.Member(3); return x.Hints == news })
			}
			if err := three.Close(5 * time.Second); err != nil {
				t.Error(err)
			}
			for _, m := range []*Members{one, two} {
				eventually(t, "a good-bye is heard", func() bool { _, ok := m.Member(3); return !ok })
			}
		})
	}
}

// TestStrangersAreNotHeard: neither without the key, nor with another one, nor
// of another cluster, whoever begins.
func TestStrangersAreNotHeard(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 16)
	host := func(key []byte) *Members { return gossip(t, Config{Cluster: clusterA, Self: self(1), Key: key}) }
	secret, open := host(key), host(nil)
	for name, pair := range map[string][2]*Members{
		"without the key":       {secret, gossip(t, Config{Cluster: clusterA, Self: self(2)})},
		"with another key":      {secret, gossip(t, Config{Cluster: clusterA, Self: self(2), Key: bytes.Repeat([]byte{8}, 16)})},
		"a key beside none":     {open, gossip(t, Config{Cluster: clusterA, Self: self(2), Key: key})},
		"of another cluster":    {open, gossip(t, Config{Cluster: clusterB, Self: self(2)})},
		"of another, encrypted": {secret, gossip(t, Config{Cluster: clusterB, Self: self(2), Key: key})},
	} {
		for i, from := range pair {
			if n, err := from.list.Join([]string{pair[1-i].Addr()}); n != 0 || err == nil {
				t.Errorf("%s: joined %d, %v", name, n, err)
			}
		}
		if a, b := nodes(pair[0]), nodes(pair[1]); len(a)+len(b) > 0 {
			t.Errorf("%s: they know of %v and %v", name, a, b)
		}
	}
	friend := gossip(t, Config{Cluster: clusterA, Self: self(3), Key: key})
	if n, err := friend.list.Join([]string{secret.Addr()}); n != 1 || err != nil {
		t.Errorf("with the key: joined %d, %v", n, err)
	}
}

func TestStartRefuses(t *testing.T) {
	long := self(1)
	long.Zone = strings.Repeat("z", 600)
	for name, cfg := range map[string]Config{
		"no cluster":    {Self: self(1), Listen: "127.0.0.1:0"},
		"too long":      {Cluster: clusterA, Self: long, Listen: "127.0.0.1:0"},
		"no address":    {Cluster: clusterA, Self: self(1), Listen: "nowhere"},
		"a broken key":  {Cluster: clusterA, Self: self(1), Listen: "127.0.0.1:0", Key: []byte{1}},
		"a taken place": {Cluster: clusterA, Self: self(1), Listen: gossip(t, Config{Cluster: clusterA, Self: self(9)}).Addr()},
	} {
		cfg.Clock, cfg.Log = clock.Wall(), slog.New(slog.DiscardHandler)
		if _, err := Start(cfg); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}

func TestWhoIsLetIn(t *testing.T) {
	m := hooks{&Members{cfg: Config{Self: self(1), Log: slog.New(slog.DiscardHandler)}, living: map[ids.NodeID]Member{}}}
	node := func(name string, x Member) *memberlist.Node {
		return &memberlist.Node{Name: name, Meta: x.encode(memberlist.MetaMaxSize)}
	}
	if err := m.NotifyAlive(node("2", self(2))); err != nil {
		t.Error(err)
	}
	for what, n := range map[string]*memberlist.Node{
		"a false name": node("3", self(2)), "no node": node("-1", self(-1)), "no hints": {Name: "2"},
	} {
		if m.NotifyAlive(n) == nil {
			t.Error(what + " is let in")
		}
	}
	for id := range ids.NodeID(membersMax) {
		m.NotifyJoin(node((id + 2).String(), self(id+2)))
	}
	if len(m.living) != membersMax || m.NotifyAlive(node("5000", self(5000))) == nil {
		t.Errorf("%d members, and another is let in", len(m.living))
	}
	if err := m.NotifyAlive(node("2", self(2))); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	m.NotifyLeave(node("2", self(2)))
	if err := m.NotifyAlive(node("5000", self(5000))); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

func TestLogIsKeptShort(t *testing.T) {
	var out bytes.Buffer
	manual := clock.NewManual(time.Unix(0, 0))
	w := newLogWriter(slog.New(slog.NewTextHandler(&out, nil)), manual)
	for _, line := range []string{"[DEBUG] memberlist: detail\n", "[ERR] memberlist: bad\n", "[INFO] memberlist: note\n", "plain words\n"} {
		if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, want := range []string{`level=WARN msg="gossip: bad"`, `level=INFO msg="gossip: note"`, `msg="gossip: plain words"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "detail") {
		t.Error("a detail is told")
	}
	for range 1000 {
		if _, err := w.Write([]byte("[ERR] memberlist: bad\n")); err != nil {
			t.Fatal(err)
		}
	}
	manual.Advance(time.Minute)
	_, _ = w.Write([]byte("[ERR] memberlist: again\n"))
	if n := strings.Count(out.String(), "\n"); n != linesAtOnce+1 || !strings.Contains(out.String(), "left_out=998") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}
