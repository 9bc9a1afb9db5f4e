package directack

import (
	"slices"
	"sync"
	"time"
)

const (
	// hedgeRecent is how many PUTs tell what is usual.
	hedgeRecent = 64
	// hedgeLeast is how many of them have to be known to judge one as slow.
	hedgeLeast = 8
	// hedgeMin is as soon as a PUT may be called slow: a second one costs money.
	hedgeMin = 50 * time.Millisecond
	// hedgeUnknown is when it may be while too few are known.
	hedgeUnknown = 2 * time.Second
	// hedgeEvery is how many PUTs one hedge stands against at most: a store that is
	// slow as a whole is not to be given twice the work.
	hedgeEvery = 10
	// hedgesSaved is how many may follow each other, when none was needed before.
	hedgesSaved = 3
)

// hedging learns how long PUTs take, and decides when one is hedged.
type hedging struct {
	mu     sync.Mutex
	recent []time.Duration // the last ones, in no order
	next   int             // which of them is replaced
	credit int             // in PUTs; hedgeEvery of them pay for a hedge
}

// after is how long a PUT may take before it is hedged: twice the median, or as
// long as nineteen in twenty take, whichever is more.
func (h *hedging) after() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) < hedgeLeast {
		return hedgeUnknown
	}
	sorted := slices.Clone(h.recent)
	slices.Sort(sorted)
	return max(2*sorted[len(sorted)/2], sorted[len(sorted)*19/20], hedgeMin)
}

// took notes a PUT that succeeded.
func (h *hedging) took(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credit = min(h.credit+1, hedgesSaved*hedgeEvery)
	if len(h.recent) < hedgeRecent {
		h.recent = append(h.recent, d)
		return
	}
	h.recent[h.next] = d
	h.next = (h.next + 1) % hedgeRecent
}

// pay says whether a hedge may be made now.
func (h *hedging) pay() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.credit < hedgeEvery {
		return false
	}
	h.credit -= hedgeEvery
	return true
}
