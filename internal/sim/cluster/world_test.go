package cluster

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/logcache"
)

const (
	session       = 300 * time.Millisecond // how long a node may be silent
	beatInterval  = 50 * time.Millisecond
	callTimeout   = 80 * time.Millisecond // after which a command is sent again
	clientTimeout = 80 * time.Millisecond

	turbulentSteps = 6000  // with faults
	calmStepsMax   = 40000 // without, within which all must be well again
)

var clusterID = ids.UUID{0xc1}

// mistake is one that is planted, to see that it is caught.
type mistake uint8

const (
	noMistake         mistake = iota
	ackBeforeFence            // acknowledges before the fence is read
	trimBeforeCommit          // reuses WAL space before the metadata has committed the trim
	openBeforeClose           // appends before the earlier tail is closed
	acceptLowerEpochs         // recovers bytes of an earlier, lower epoch
	ownWithoutFence           // rescues its own shared WAL without writing the fence cell
	reuseSharedRing           // begins a new instance where a former process may still write
	uploadAgain               // uploads again, as another command, when a commit's outcome is unknown
	ackPastLease              // acknowledges when the lease is over, of a WAL that was given up
	acceptAbandoned           // commits an upload from a WAL that was given up
	reportTooLittle           // loses more with a WAL than it says
	passTooMuch               // passes over more than was lost
	sameEpoch                 // does not raise the leader epoch of a stream whose end was lost
	heedLateWrites            // acknowledges what turns out durable after its log was given up
	closeAtAppended           // closes streams of a failed log where it had appended to
	repeatLost                // acknowledges the repetition of a record that was lost
	deleteAtOnce              // deletes objects that some living node may yet come to read
	tellNobody                // does not tell consumers that what they have read was lost
)

// world is a cluster, its surroundings and its clients, under one seed. Nothing
// in it happens but by [world.step].
type world struct {
	rng     *rand.Rand
	seed    uint64
	mistake mistake
	now     time.Duration
	steps   int
	calm    bool // no more faults

	traits  traits
	meta    *metadata
	ctl     *controller
	net     network
	store   store
	disks   []*disk
	slots   []*slot
	procs   []*proc // that are not dead, zombies too
	clients []client
	audits  []*consumer // that read everything again at the end
	oracle  oracle
	oper    operator
	cache   *logcache.Cache
	counts  counts

	todo    []action // scratch
	lives   uint32   // processes begun
	story   []string // told only when asked for
	telling bool
	failure error
}

// traits are what a seed decides for a whole run.
type traits struct {
	streams   int
	ring      int64 // bytes of a WAL
	epochs    bool  // consumers tell the leader epoch they know (KIP-320)
	twins     bool  // a node may be started again while its paused process is still there
	jumps     bool  // the controller's clock may jump
	suspends  bool  // the clock of a paused process stands still
	abandons  bool  // volumes come out of reach, and WALs are given up
	force     bool  // also WALs that might be rescued
	collect   int   // the rarer objects are collected, the higher
	sleepy    bool  // producers stop for long before they send a record again
	faults    int   // in ten thousand steps
	stops     int   // a process stops or dies after one step in so many
	exclusive int   // WALs in a hundred
	restart   int   // the slower, the higher
}

// slot is a place where a node's process runs, with its WAL's kind.
type slot struct {
	id     ids.NodeID
	kind   string // of its WAL
	attach bool   // its exclusive volume can be taken away from it by force
	reach  []string
	rings  int   // exclusive volumes made for it
	proc   *proc // the latest
	ring   *disk // its exclusive volume
}

func newWorld(seed uint64, m mistake, telling bool) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0x5ea)), seed: seed, mistake: m, telling: telling}
	w.net.w, w.store.w = w, w
	w.oper = operator{w: w, since: map[ids.WALInstance]time.Duration{}}
	w.store.objects = map[string]*object{}
	w.counts.outcomes = map[outcome]int{}
	w.traits = traits{
		streams:   1 + w.rng.IntN(5),
		ring:      int64(8<<10) << w.rng.IntN(3),
		epochs:    w.rng.IntN(2) == 0,
		faults:    10 + w.rng.IntN(60),
		stops:     800 << w.rng.IntN(4),
		exclusive: 30 + 60*w.rng.IntN(2),
		restart:   1 + 11*w.rng.IntN(2),
	}
	if w.traits.epochs { // without, a client may be led astray: see doc.go
		w.traits.twins, w.traits.jumps = w.rng.IntN(2) == 0, w.rng.IntN(2) == 0
		switch w.rng.IntN(4) {
		case 0:
			w.traits.suspends = true // and then no lease keeps the holder of a lost WAL from anything
		case 1, 2:
			w.traits.abandons, w.traits.force = true, w.rng.IntN(2) == 0
		}
	}
	w.traits.sleepy, w.traits.collect = w.chance(4), 1+9*w.rng.IntN(2)
	w.traits.plant(m)
	b := budget.New(1 << 30)
	cache, err := logcache.New(logcache.Config{Pool: page.NewPool(b.Account("pages", page.Size)), Index: b.Account("index", 1<<20)})
	if err != nil {
		panic(err)
	}
	w.cache = cache
	w.makeSlots(2 + w.rng.IntN(4))
	w.meta = newMetadata(w)
	w.ctl = newController(w)
	w.makeTopic()
	w.oracle = newOracle(w)
	w.makeClients()
	for _, s := range w.slots {
		w.boot(s)
	}
	return w
}

// plant makes the run one in which a mistake can show.
func (t *traits) plant(m mistake) {
	switch m {
	case ackBeforeFence: // is hidden by leases, where those do not err
		t.epochs, t.suspends, t.abandons = true, true, false
	case ownWithoutFence, reuseSharedRing: // of processes side by side
		t.epochs, t.suspends, t.abandons, t.twins, t.exclusive = true, true, false, true, 0
	case deleteAtOnce:
		t.collect = 1
	case repeatLost:
		t.epochs, t.suspends, t.abandons, t.force, t.sleepy = true, false, true, true, true
	case ackPastLease, acceptAbandoned, reportTooLittle, passTooMuch, sameEpoch, tellNobody:
		t.epochs, t.suspends, t.abandons, t.force = true, false, true, true
	}
}

// makeSlots decides about the nodes. Whatever the seed, the kinds are mixed.
func (w *world) makeSlots(n int) {
	for i := range n {
		s := &slot{id: ids.NodeID(i + 1), kind: "shared"}
		if w.rng.IntN(100) < w.traits.exclusive {
			s.kind, s.attach = "exclusive", w.rng.IntN(2) == 0
		}
		if w.rng.IntN(5) > 0 {
			s.reach = []string{"shared/", "exclusive/"}
		}
		w.slots = append(w.slots, s)
	}
}

func (w *world) makeTopic() {
	leaders := make([]ids.NodeID, w.traits.streams)
	for i := range leaders {
		leaders[i] = image.NoLeader
	}
	w.ctl.must(&image.FormatCluster{ClusterID: clusterID, Features: image.LatestFeatures()})
	w.ctl.must(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: topicID, Leaders: leaders}}})
}

var topicID = ids.TopicID{7}

// step lets one thing happen.
func (w *world) step() {
	w.steps++
	w.now += time.Duration(w.rng.IntN(3)) * time.Millisecond
	switch n := w.rng.IntN(100); {
	case n < 36:
		if len(w.procs) > 0 {
			w.procs[w.rng.IntN(len(w.procs))].step()
		}
	case n < 70:
		w.net.step()
	case n < 77:
		w.stepDisk()
	case n < 80:
		w.store.step()
	case n < 83:
		w.ctl.step()
	case n < 98:
		w.clients[w.rng.IntN(len(w.clients))].step()
	default:
		w.supervise()
	}
	if !w.calm && w.rng.IntN(10_000) < w.traits.faults {
		w.fault()
	}
}

// run is a whole run: turbulence, then calm until everything is well again.
func (w *world) run() error {
	for w.failure == nil && w.steps < turbulentSteps {
		w.step()
	}
	if w.failure != nil {
		return w.failure
	}
	w.heal()
	for end := w.steps + calmStepsMax; w.failure == nil; {
		for range 50 {
			w.step()
			if w.failure != nil {
				return w.failure
			}
		}
		why := w.unsettled()
		if why == "" {
			break
		}
		if w.steps > end {
			w.fail(liveness, "not well again after %d calm steps: %s", calmStepsMax, why)
		}
	}
	return w.failure
}

// liveness is what is violated when a cluster does not recover.
const liveness = "liveness"

// fail ends the run with a violation of an invariant.
func (w *world) fail(invariant, format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf("%s violated in step %d: %s", invariant, w.steps, fmt.Sprintf(format, args...))
	}
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

// uuid is a new identity.
func (w *world) uuid(kind byte) ids.UUID {
	w.lives++
	return ids.UUID{kind, byte(w.lives >> 16), byte(w.lives >> 8), byte(w.lives)}
}
