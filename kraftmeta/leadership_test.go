package kraftmeta

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// fakeConsensus is a library whose leadership changes as a test has it, also
// while somebody waits for a barrier.
type fakeConsensus struct {
	state     raft.RaftState
	now       uint64 // the term
	atBarrier func() error
}

func (f *fakeConsensus) State() raft.RaftState { return f.state }
func (f *fakeConsensus) CurrentTerm() uint64   { return f.now }
func (f *fakeConsensus) Barrier(time.Duration) raft.Future {
	return answered{f.atBarrier()}
}

// become makes the controller something in a term.
func (f *fakeConsensus) become(s raft.RaftState, term uint64) { f.state, f.now = s, term }

// answered is a raft.Future that has its answer.
type answered struct{ err error }

func (a answered) Error() error { return a.err }

func TestTermIsOfALeadershipWithAllApplied(t *testing.T) {
	prepared := func() error { return nil }
	for _, c := range []struct {
		name      string
		atBarrier func(*fakeConsensus) error
		prepare   func() error
		want      bool
	}{
		{"led throughout", func(*fakeConsensus) error { return nil }, prepared, true},
		{"lost before the barrier", func(f *fakeConsensus) error { f.become(raft.Follower, 6); return raft.ErrLeadershipLost }, prepared, false},
		{"not formatted", func(*fakeConsensus) error { return nil }, func() error { return errors.New("no") }, false},
		{"a follower after it", func(f *fakeConsensus) error { f.become(raft.Follower, 5); return nil }, prepared, false},
		{"a candidate after it", func(f *fakeConsensus) error { f.become(raft.Candidate, 7); return nil }, prepared, false},
		{"lost and regained after it", func(f *fakeConsensus) error { f.become(raft.Leader, 7); return nil }, prepared, false},
	} {
		f := &fakeConsensus{state: raft.Leader, now: 5}
		f.atBarrier = func() error { return c.atBarrier(f) }
		l := leadership{consensus: f}
		if term := l.term(); term != 0 {
			t.Errorf("%s: in term %d before anything is applied", c.name, term)
		}
		got := l.establish(c.prepare)
		want := uint64(0)
		if c.want {
			want = 5
		}
		if term := l.term(); got != c.want || term != want {
			t.Errorf("%s: established %v, in term %d; want %v, %d", c.name, got, term, c.want, want)
		}
		// Whatever it stood for, and won: nothing of that is applied yet.
		for _, term := range []uint64{6, 7} {
			f.become(raft.Leader, term)
			if got := l.term(); got != 0 {
				t.Errorf("%s: in term %d, which it has just won", c.name, got)
			}
		}
	}
}

// The library's channel has room for one word: of a loss and a gain close
// together only the gain is told.
func TestALossThatIsNotToldEndsTheTerm(t *testing.T) {
	f := &fakeConsensus{state: raft.Leader, now: 5, atBarrier: func() error { return nil }}
	l := leadership{consensus: f}
	prepared := func() error { return nil }
	l.establish(prepared)
	f.become(raft.Leader, 7)
	f.atBarrier = func() error {
		if term := l.term(); term != 0 {
			t.Errorf("in term %d while what others committed since is being applied", term)
		}
		return nil
	}
	if l.establish(prepared); l.term() != 7 {
		t.Errorf("in term %d, want 7", l.term())
	}
}
