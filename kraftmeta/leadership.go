package kraftmeta

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// consensus is what a controller asks of the consensus library about its
// leadership; see [raft.Raft].
type consensus interface {
	State() raft.RaftState
	CurrentTerm() uint64
	Barrier(timeout time.Duration) raft.Future
}

// leadership is the term in which this controller is the active one. The
// library tells of gains and losses by a channel that keeps only the last of
// them: a leadership lost and regained between two looks shows in nothing but
// its term.
type leadership struct {
	consensus
	established atomic.Uint64 // the last term that establish began
}

// term is the term in which this controller leads with all applied that was
// committed before, 0 if it does not.
func (l *leadership) term() uint64 {
	// In this order: a term changes only while its controller does not lead. So
	// if it led after it had established this term, and the term is still this
	// one after that, then it led in this one.
	term := l.established.Load()
	if l.State() != raft.Leader || l.CurrentTerm() != term {
		return 0
	}
	return term
}

// establish begins the present term once all that was committed before is
// applied and what else a leader needs is prepared. It returns false if this
// controller did not lead all the while; if it does again, the library tells.
func (l *leadership) establish(prepare func() error) bool {
	// The term before the barrier: the one after it may be a later one, of which
	// nothing is known to be applied, and which this controller may only stand for.
	term := l.CurrentTerm()
	if l.Barrier(0).Error() != nil || prepare() != nil {
		return false
	}
	if l.State() != raft.Leader || l.CurrentTerm() != term {
		return false
	}
	l.established.Store(term)
	return true
}
