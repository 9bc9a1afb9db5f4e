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
	// HintedLoad is about what all that a node leads costs it, by hearsay; ok is
	// false if nothing was heard. It stands in for a report that is missing. nil
	// knows nothing.
	HintedLoad func(node ids.NodeID) (load balance.Load, ok bool)
}

// Report is what a broker tells the active controller beside its heartbeats.
type Report struct {
	Loads balance.Loads // of the partitions that it leads; idle ones may be left out
	// UntrimmedBytes are in its WAL, and would take RescueTime to read.
	UntrimmedBytes uint64
	RescueTime     time.Duration
}

// reported is a report, and when it came.
type reported struct {
	Report
	epoch ids.NodeEpoch
	at    time.Duration
}

// reportStale is how old a report may be: brokers send one a second.
const reportStale = 5 * time.Second

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

	mu      sync.Mutex
	term    uint64 // 0 while another controller is active
	leases  *lease.Leases
	fencing map[ids.NodeID]ids.NodeEpoch      // whose lease was found to be over at the last look
	failed  map[balance.Attempt]time.Duration // when
	reports map[ids.NodeID]reported           // also of the dead, until they are removed
	loads   balance.Average                   // from the reports
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
	w := newWorker(d, issuer)
	for ctx.Err() == nil {
		term, changed := d.cfg.Controller.Term()
		if d.begin(term) {
			w.asleep = false
			clear(w.outOfReach)
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
	d.leases, d.fencing = lease.New(d.cfg.Session), nil
	d.failed, d.reports = map[balance.Attempt]time.Duration{}, map[ids.NodeID]reported{}
	d.loads = balance.Average{}
	return true
}

// Beat notes a heartbeat of a node at an epoch. It returns false if that does not
// count: this controller is not the active one, the node has another epoch by
// now, or it is about to have one. What renewed the lease of a node that is being
// fenced would be answered as if nothing had happened, and the node would serve
// what others have by then.
func (d *Duties) Beat(node ids.NodeID, epoch ids.NodeEpoch) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == 0 || d.fencing[node] == epoch {
		return false
	}
	// The image as it is now: the fence may be done since the caller looked.
	if n, ok := d.cfg.Controller.Image().Node(node); !ok || n.Epoch != epoch || !n.IsAlive() {
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

// Report notes what a node at an epoch tells. The map in it is kept.
func (d *Duties) Report(node ids.NodeID, epoch ids.NodeEpoch, r Report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term != 0 {
		d.reports[node] = reported{r, epoch, d.now()}
		d.loads.Report(node, r.Loads)
	}
}

// LastReport is the last that a node told this controller in its term, and how
// long ago that was: of a dead node, what it left behind.
func (d *Duties) LastReport(node ids.NodeID) (r Report, age time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, ok := d.reports[node]
	if d.term == 0 || !ok {
		return r, 0, false
	}
	return last.Report, d.now() - last.at, true
}

// KnownLoads is what is known of the load of partitions, nil while another
// controller is active.
func (d *Duties) KnownLoads() balance.Loads {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == 0 {
		return nil
	}
	return d.allLoads(d.cfg.Controller.Image())
}

// allLoads puts together the averages of what nodes reported, and by hearsay what
// living nodes carry that did not report lately: a controller that has just become
// the active one has no reports yet. mu is held.
func (d *Duties) allLoads(img *image.Image) balance.Loads {
	all := d.loads.Loads()
	for n := range img.Nodes() {
		r, ok := d.reports[n.ID]
		if !n.IsAlive() || ok && r.epoch == n.Epoch && d.now()-r.at < reportStale || d.cfg.HintedLoad == nil {
			continue
		}
		if load, ok := d.cfg.HintedLoad(n.ID); ok {
			maps.Copy(all, balance.Spread(img, n.ID, load))
		}
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
	for id := range d.reports {
		if n, ok := img.Node(id); !ok || n.State == image.NodeRemoved {
			delete(d.reports, id)
		}
	}
	d.loads.Keep(func(id ids.StreamID) bool { _, ok := img.Stream(id); return ok })
	s.loads = d.allLoads(img)
	return s
}
