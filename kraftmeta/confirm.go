package kraftmeta

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// confirmations know since when a majority of the voters has agreed that this
// controller leads. They count the answers to what was sent after a question
// was put, and no others: the library's own VerifyLeader also counts the answer
// to what was under way by then, which may have lain unread while the whole
// process was paused. They go by order alone, without a clock.
type confirmations struct {
	mu     sync.Mutex
	puts   uint64 // how many questions were put
	term   uint64 // of the answers
	agreed map[raft.ServerID]uint64
	wake   chan struct{} // closed at the next answer; nil if nobody waits
}

// put puts a question, and returns its number.
func (c *confirmations) put() (question uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts++
	return c.puts
}

// sending is the newest question that an answer to what is sent now is one to.
func (c *confirmations) sending() (question uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.puts
}

// answered notes that a voter took this controller for the leader of a term,
// after a question was put.
func (c *confirmations) answered(by raft.ServerID, term, question uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case term < c.term:
		return
	case term > c.term || c.agreed == nil:
		c.term, c.agreed = term, map[raft.ServerID]uint64{}
	}
	c.agreed[by] = max(c.agreed[by], question)
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

// confirmed says whether a majority of the voters, self being one of them, took
// self for the leader of a term after a question was put. If not, wake is closed
// when another one answers.
func (c *confirmations) confirmed(self raft.ServerID, voters []raft.Server, term, question uint64) (yes bool, wake <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, agree := 0, 0
	for _, v := range voters {
		if v.Suffrage != raft.Voter {
			continue
		}
		all++
		if at, ok := c.agreed[v.ID]; v.ID == self || ok && c.term == term && at >= question {
			agree++
		}
	}
	if agree > all/2 {
		return true, nil
	}
	if c.wake == nil {
		c.wake = make(chan struct{})
	}
	return false, c.wake
}

// confirming is a transport that notes who agrees. Heartbeats go by it, and what
// is replicated as long as it is not pipelined.
type confirming struct {
	*raft.NetworkTransport
	noted *confirmations
}

// AppendEntries implements raft.Transport.
func (t confirming) AppendEntries(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	question := t.noted.sending()
	err := t.NetworkTransport.AppendEntries(id, at, req, resp)
	if err == nil && resp.Term == req.Term {
		t.noted.answered(id, req.Term, question)
	}
	return err
}

// Leads returns nil if this controller was the active one at a moment after the
// call, with all applied that others had committed before: a majority of the
// voters said so since. That takes a round trip to them. The error is a
// *[NotControllerError], or ctx's.
//
// Between two voters' time-outs a controller that was cut off, or paused, takes
// itself for the active one while another is. What rests on Leads does not.
func (c *Controller) Leads(ctx context.Context) error {
	question := c.confirmations.put()
	for {
		term, changed := c.Term()
		if term == 0 {
			return c.notActive()
		}
		yes, wake := c.confirmations.confirmed(serverID(c.opts.Node), c.raft.GetConfiguration().Configuration().Servers, term, question)
		if yes {
			return nil
		}
		c.askVoters()
		select {
		case <-wake:
		case <-changed:
		case <-c.closing:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askVoters has the voters asked at once who leads, and not only at consensus's
// next heartbeat. It does not block: consensus may be busy.
func (c *Controller) askVoters() {
	if c.asking.CompareAndSwap(false, true) {
		go func() {
			c.raft.VerifyLeader() // what that finds out is not waited for, see confirmations
			c.asking.Store(false)
		}()
	}
}
