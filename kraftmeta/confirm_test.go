package kraftmeta

import (
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
)

func TestOnlyAnswersToWhatWasSentSinceConfirm(t *testing.T) {
	three := []raft.Server{{ID: "1"}, {ID: "2"}, {ID: "3"}, {ID: "4", Suffrage: raft.Nonvoter}}
	var c confirmations
	expect := func(what string, voters []raft.Server, term, question uint64, want bool) (wake <-chan struct{}) {
		t.Helper()
		got, wake := c.confirmed("1", voters, term, question)
		if got != want {
			t.Errorf("%s: confirmed %v", what, got)
		}
		return wake
	}
	expect("a sole voter", three[:1], 5, c.put(), true)
	underWay := c.sending()
	q := c.put()
	expect("nobody answered", three, 5, q, false)
	c.answered("2", 5, underWay) // as after a pause of the whole process
	expect("what was under way", three, 5, q, false)
	c.answered("4", 5, c.sending())
	expect("one who has no vote", three, 5, q, false)
	c.answered("2", 4, c.sending())
	expect("an earlier term", three, 5, q, false)
	wake := expect("still waiting", three, 5, q, false)
	c.answered("3", 5, c.sending())
	select {
	case <-wake:
	default:
		t.Error("not told of an answer")
	}
	expect("a majority", three, 5, q, true)
	c.answered("3", 5, underWay) // late, by another connection
	expect("an older answer after it", three, 5, q, true)
	expect("the next question", three, 5, c.put(), false)
	expect("two of four", append(three[:3:3], raft.Server{ID: "5"}), 5, q, false)
	c.answered("2", 6, c.sending())
	expect("a term that is over", three, 5, q, false)
}

// held is a connection whose answers can be held back on their way.
type held struct {
	net.Conn
	gate *sync.RWMutex
}

// Read implements net.Conn.
func (h held) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.gate.RLock()
	defer h.gate.RUnlock()
	return n, err
}

// A controller that hears of no other voter any more takes itself for the active
// one for a while, but not for one that leads.
func TestLeadsIsConfirmedByTheOtherVoters(t *testing.T) {
	var gate sync.RWMutex
	v := newVotersWith(t, 3, func(nc net.Conn) net.Conn { return held{nc, &gate} })
	c := v.active()
	if err := c.Leads(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for _, other := range v.running() {
		if err := other.Leads(testContext(t)); other != c && !errors.As(err, new(*NotControllerError)) {
			t.Errorf("one that follows leads: %v", err)
		}
	}
	gate.Lock()
	err := c.Leads(testContext(t))
	gate.Unlock()
	if !errors.As(err, new(*NotControllerError)) {
		t.Errorf("cut off: %v", err)
	}
	if err := v.active().Leads(testContext(t)); err != nil {
		t.Errorf("whoever is active then: %v", err)
	}
}

func TestASoleVoterLeadsAtOnce(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	if err := n.Leads(testContext(t)); err != nil {
		t.Error(err)
	}
}
