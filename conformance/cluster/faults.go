package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/toxic"
)

// fault is something that goes wrong for a while.
type fault struct {
	what  string
	lasts time.Duration
	begin func() error
	end   func() error
}

// How long faults last. The session is the default of broker.session.timeout.ms.
const (
	faultMin     = 200 * time.Millisecond
	faultMax     = 4 * time.Second
	shortPause   = time.Second
	longPauseMin = 2 * time.Second
	longPauseMax = 5 * time.Second
)

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return (least + time.Duration(random.Int64N(int64(most-least)))).Round(time.Millisecond)
}

// newFault chooses a fault of a node.
func (r *rig) newFault(random *rand.Rand, at int) fault {
	n := r.nodes[at]
	lasts := between(random, faultMin, faultMax)
	switch random.IntN(5) {
	case 0:
		return r.kill(n, lasts)
	case 1:
		return r.freeze(n, between(random, faultMin/4, shortPause))
	case 2:
		return r.freeze(n, between(random, longPauseMin, longPauseMax))
	case 3:
		return r.cutOff(at, false, lasts)
	default:
		return r.cutOff(at, true, lasts)
	}
}

// kill is SIGKILL, and a start later on.
func (r *rig) kill(n *node, lasts time.Duration) fault {
	return fault{
		what: fmt.Sprintf("node %d killed for %v", n.ID, lasts), lasts: lasts,
		begin: func() error { n.process.Kill9(); return nil },
		end:   func() error { return r.start(n) },
	}
}

// freeze is SIGSTOP, and SIGCONT later on.
func (r *rig) freeze(n *node, lasts time.Duration) fault {
	return fault{
		what: fmt.Sprintf("node %d paused for %v", n.ID, lasts), lasts: lasts,
		begin: func() error { return n.process.Signal(syscall.SIGSTOP) },
		end:   func() error { return n.process.Signal(syscall.SIGCONT) },
	}
}

// cutOff holds back a node's traffic.
func (r *rig) cutOff(at int, clientsToo bool, lasts time.Duration) fault {
	of := "the controllers"
	if clientsToo {
		of = "everybody"
	}
	return fault{
		what: fmt.Sprintf("node %d cut off from %s for %v", r.nodes[at].ID, of, lasts), lasts: lasts,
		begin: func() error { r.cut(at, clientsToo, toxic.Stall); return nil },
		end:   func() error { r.cut(at, clientsToo, toxic.Pass); return nil },
	}
}

// storeAway takes the object store away.
func (r *rig) storeAway(random *rand.Rand) fault {
	lasts := between(random, faultMin, faultMax)
	mode, how := toxic.Refuse, "refuses"
	if random.IntN(2) == 0 {
		mode, how = toxic.Hang, "hangs"
	}
	return fault{
		what: fmt.Sprintf("store %s for %v", how, lasts), lasts: lasts,
		begin: func() error { r.store.Proxy.Switch(mode); return nil },
		end:   func() error { r.store.Proxy.Switch(toxic.Pass); return nil },
	}
}

// newFaults chooses what goes wrong in a round: one fault, or two at once, of
// different nodes or of a node and the store.
func (r *rig) newFaults(random *rand.Rand) []fault {
	first, second := random.IntN(len(r.nodes)), random.IntN(len(r.nodes)-1)
	if second >= first {
		second++
	}
	switch random.IntN(6) {
	case 0:
		return []fault{r.storeAway(random)}
	case 1:
		return []fault{r.storeAway(random), r.newFault(random, first)}
	case 2:
		return []fault{r.newFault(random, first), r.newFault(random, second)}
	default:
		return []fault{r.newFault(random, first)}
	}
}

// inflict runs faults at once, each from a random moment on, and returns when
// all are over.
func inflict(ctx context.Context, random *rand.Rand, faults []fault) error {
	type event struct {
		at time.Duration
		do func() error
	}
	var events []event
	for _, f := range faults {
		at := between(random, 0, time.Second)
		events = append(events, event{at, f.begin}, event{at + f.lasts, f.end})
	}
	var failed error
	for began := time.Now(); len(events) > 0; {
		next := 0
		for i := range events {
			if events[i].at < events[next].at {
				next = i
			}
		}
		e := events[next]
		events = append(events[:next], events[next+1:]...)
		// What has begun is ended, whatever fails meanwhile.
		if wait := e.at - time.Since(began); failed == nil && wait > 0 {
			failed = pause(ctx, wait)
		}
		if err := e.do(); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}
