package members

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

// Config is what the gossip of a node needs.
type Config struct {
	Cluster ids.UUID // nodes of another one do not mix in
	Listen  string   // host:port, by TCP and UDP; an empty host is every address, port 0 a free one
	Seeds   []string // host:port of other nodes' Listen
	Key     []byte   // 16, 24 or 32 bytes encrypt; none does not
	Self    Member
	// Changed is told of each other member that comes or tells something new.
	// It must not block, nor call Members. It may be nil.
	Changed func(Member)
	Clock   clock.Clock
	Log     *slog.Logger
}

// The pace of the gossip, beside memberlist's own for a local network.
const (
	streamTimeout  = 2 * time.Second
	gossipInterval = 100 * time.Millisecond // of news; a good-bye takes a few
	// reclaimAfter is how soon a node may come back at another address.
	reclaimAfter = time.Second
	// joinFirst and joinMost lie between attempts to reach a seed while there
	// is no other member.
	joinFirst = 500 * time.Millisecond
	joinMost  = 15 * time.Second
	// rejoinEvery is how often one of the seeds is asked when there are members:
	// it heals a cluster that was cut in two for longer than memberlist tries.
	rejoinEvery = 30 * time.Second
	// tellTimeout bounds how long news wait for their turn.
	tellTimeout = time.Second
	// membersMax bounds who is remembered.
	membersMax = 1024
)

// Members are the nodes that gossip has found.
type Members struct {
	cfg    Config
	list   *memberlist.Memberlist
	cancel context.CancelFunc
	work   sync.WaitGroup
	news   chan struct{} // capacity 1: self has changed

	closing sync.Once

	mu     sync.Mutex
	self   Member
	living map[ids.NodeID]Member // the others
}

// Start begins to gossip. It does not wait for anybody.
func Start(cfg Config) (*Members, error) {
	m := &Members{cfg: cfg, self: cfg.Self, news: make(chan struct{}, 1), living: map[ids.NodeID]Member{}}
	if cfg.Cluster.IsZero() {
		return nil, errors.New("gossip: no cluster id")
	}
	if m.self.encode(memberlist.MetaMaxSize) == nil {
		return nil, fmt.Errorf("gossip: zone and addresses are longer than %d bytes", memberlist.MetaMaxSize)
	}
	at, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("gossip: listen on %s: %w", cfg.Listen, err)
	}
	c := memberlist.DefaultLANConfig()
	c.Name, c.Label = cfg.Self.Node.String(), cfg.Cluster.String()
	c.BindAddr, c.BindPort, c.AdvertisePort = "0.0.0.0", at.Port, at.Port
	if at.IP != nil {
		c.BindAddr = at.IP.String()
	}
	c.SecretKey = cfg.Key
	c.TCPTimeout, c.DeadNodeReclaimTime = streamTimeout, reclaimAfter
	c.GossipInterval = gossipInterval
	c.Delegate, c.Events, c.Alive = hooks{m}, hooks{m}, hooks{m}
	c.Logger = log.New(newLogWriter(cfg.Log, cfg.Clock), "", 0)
	if m.list, err = memberlist.Create(c); err != nil {
		return nil, fmt.Errorf("gossip: listen on %s: %w", cfg.Listen, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.work.Go(func() { m.join(ctx) })
	m.work.Go(func() { m.tell(ctx) })
	return m, nil
}

// Addr is the host:port that other nodes reach this one's gossip by.
func (m *Members) Addr() string { return m.list.LocalNode().Address() }

// Living are the other nodes that gossip takes for alive, by id.
func (m *Members) Living() []Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.living), func(a, b Member) int { return cmp.Compare(a.Node, b.Node) })
}

// Member is another node that gossip takes for alive.
func (m *Members) Member(node ids.NodeID) (x Member, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, ok = m.living[node]
	return x, ok
}

// Tell has others hear of this node's hints, soon. It does not block.
func (m *Members) Tell(h Hints) {
	m.mu.Lock()
	changed := m.self.Hints != h
	m.self.Hints = h
	m.mu.Unlock()
	if !changed {
		return
	}
	select {
	case m.news <- struct{}{}:
	default:
	}
}

func (m *Members) tell(ctx context.Context) {
	for {
		select {
		case <-m.news:
			_ = m.list.UpdateNode(tellTimeout) // it goes on being told, and the next is as good
		case <-ctx.Done():
			return
		}
	}
}

// join reaches for the seeds: for all until there is another member, and then
// for one of them from time to time.
func (m *Members) join(ctx context.Context) {
	pause := joinFirst
	for turn := 0; ctx.Err() == nil; turn++ {
		alone := m.isAlone()
		for i, seed := range m.cfg.Seeds {
			if ctx.Err() == nil && (alone || i == turn%len(m.cfg.Seeds)) {
				_, _ = m.list.Join([]string{seed}) // it says so in the log
			}
		}
		if m.isAlone() {
			pause = min(2*pause, joinMost)
		} else {
			pause = rejoinEvery
		}
		if clock.Sleep(ctx, m.cfg.Clock, pause) != nil {
			return
		}
		if pause == rejoinEvery {
			pause = joinFirst // of the next time alone
		}
	}
}

func (m *Members) isAlone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.living) == 0
}

// Close says good-bye, for which it takes at most a time-out, and stops. Others
// that hear no good-bye find out by themselves. A second Close does nothing.
func (m *Members) Close(timeout time.Duration) (err error) {
	m.closing.Do(func() { err = m.close(timeout) })
	return err
}

func (m *Members) close(timeout time.Duration) error {
	m.cancel()
	if err := m.list.Leave(timeout); err != nil {
		m.cfg.Log.Info("gossip: no good-bye", "reason", err)
	}
	err := m.list.Shutdown()
	m.work.Wait()
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}
