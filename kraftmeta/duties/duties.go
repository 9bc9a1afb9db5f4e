package duties

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/kraftmeta/lease"
)

// Controller is the controller of this process.
type Controller interface {
	// Term is the term of this controller while it is the active one and has
	// applied all that was committed before; 0 while it is not. changed is
	// closed when the term or the image changes.
	Term() (term uint64, changed <-chan struct{})
	Image() *image.Image
	Submit(ctx context.Context, req *image.Request) (*image.Answer, error)
}

// Config is what duties need.
type Config struct {
	Controller Controller
	Session    time.Duration // how long a node may be silent
	Clock      clock.Clock
	Random     func([]byte)
	Log        *slog.Logger
	Balance    BalanceConfig
}

// BalanceConfig is how load is evened out.
type BalanceConfig struct {
	Enabled  bool
	Interval time.Duration // between two plans: it bounds the rate of moves
	Options  balance.Options
}

// Duties does the active controller's work while this process has it.
type Duties struct {
	cfg   Config
	began time.Time
	poke  chan struct{} // capacity 1: look again

	mu     sync.Mutex
	term   uint64 // 0 while another controller is active
	leases *lease.Leases
	failed map[balance.Attempt]time.Duration // when
	loads  map[ids.NodeID]balance.Loads
}

// New makes the duties of a controller; Run does them.
func New(cfg Config) *Duties {
	return &Duties{cfg: cfg, began: cfg.Clock.Now(), poke: make(chan struct{}, 1)}
}

// now is a reading of a clock that never goes back.
func (d *Duties) now() time.Duration { return d.cfg.Clock.Now().Sub(d.began) }

// failureForgotten is how long a rescuer that failed is not asked again while
// there is another.
const failureForgotten = 30 * time.Second

// Run does the duties until ctx is done.
func (d *Duties) Run(ctx context.Context) {
	issuer := ids.NewUUID(d.cfg.Random)
	w := worker{Duties: d, issuer: issuer}
	for ctx.Err() == nil {
		term, changed := d.cfg.Controller.Term()
		if d.begin(term) {
			w.asleep = false
		}
		again := d.cfg.Session
		if term != 0 {
			again = w.work(ctx)
		}
		wake := make(chan struct{})
		timer := d.cfg.Clock.AfterFunc(again, func() { close(wake) })
		select {
		case <-changed:
		case <-d.poke:
		case <-wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// begin makes a fresh start when the term is another one, and says so.
func (d *Duties) begin(term uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if term == d.term && d.leases != nil {
		return false
	}
	d.term = term
	d.leases = lease.New(d.cfg.Session)
	d.failed, d.loads = map[balance.Attempt]time.Duration{}, map[ids.NodeID]balance.Loads{}
	return true
}

// Beat notes a heartbeat of a node at an epoch. It returns false if this
// controller is not the active one: the beat does not count.
func (d *Duties) Beat(node ids.NodeID, epoch ids.NodeEpoch) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == 0 {
		return false
	}
	d.leases.Beat(node, epoch, d.now())
	return true
}

// Gone notes that a node at an epoch has shut down: it is fenced without waiting
// for the end of its lease.
func (d *Duties) Gone(node ids.NodeID, epoch ids.NodeEpoch) {
	d.mu.Lock()
	if d.term != 0 {
		d.leases.End(node, epoch, d.now())
	}
	d.mu.Unlock()
	d.lookAgain()
}

// RescueFailed notes that a node could not rescue a WAL: another one is named,
// if there is one that reaches it.
func (d *Duties) RescueFailed(node ids.NodeID, instance ids.WALInstance) {
	d.mu.Lock()
	if d.term != 0 {
		d.failed[balance.Attempt{WAL: instance, Node: node}] = d.now()
	}
	d.mu.Unlock()
	d.lookAgain()
}

// Loads notes what the partitions that a node leads cost it. The map is kept.
func (d *Duties) Loads(node ids.NodeID, loads balance.Loads) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term != 0 {
		d.loads[node] = loads
	}
}

// KnownLoads is what is known of the load of partitions, nil while another
// controller is active.
func (d *Duties) KnownLoads() balance.Loads {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == 0 {
		return nil
	}
	return d.allLoads()
}

// allLoads puts together what nodes reported; mu is held.
func (d *Duties) allLoads() balance.Loads {
	all := balance.Loads{}
	for _, loads := range d.loads {
		maps.Copy(all, loads)
	}
	return all
}

func (d *Duties) lookAgain() {
	select {
	case d.poke <- struct{}{}:
	default:
	}
}

// situation is where things stand now.
func (d *Duties) situation(img *image.Image) situation {
	now := d.now()
	s := situation{img: img, leases: d.leases, failed: map[balance.Attempt]bool{}, now: now}
	for a, at := range d.failed {
		if _, ok := img.WAL(a.WAL); !ok || now-at >= failureForgotten {
			delete(d.failed, a)
			continue
		}
		s.failed[a] = true
	}
	for id := range d.loads {
		if n, ok := img.Node(id); !ok || !n.IsAlive() {
			delete(d.loads, id)
		}
	}
	s.loads = d.allLoads()
	return s
}
