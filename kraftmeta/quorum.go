package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/ids"
)

// Quorum is what a controller knows of the consensus.
type Quorum struct {
	Leader    ids.NodeID // -1 if none is known
	Term      uint64
	Committed uint64 // the newest index known to be agreed upon
	LastIndex uint64 // the newest index in this controller's log
	Voters    []Voting
	Observers []Observed // as far as this controller serves them
}

// Voting is a voter and how far its log goes. Of others than the active
// controller itself that is as old as what they last told with a fetch of the
// feed: half a second at most, while they live.
type Voting struct {
	Voter
	Log   Reached
	Known bool // Log says something
}

// Observed is how far a node's observer has come.
type Observed struct {
	Node ids.NodeID
	Reached
}

// Quorum says how consensus stands, as this controller knows it.
func (c *Controller) Quorum() Quorum {
	_, leader := c.raft.LeaderWithID()
	q := Quorum{
		Leader: nodeOf(leader), Term: c.raft.CurrentTerm(),
		Committed: c.raft.CommitIndex(), LastIndex: c.raft.LastIndex(),
		Observers: c.fsm.feed.observed(),
	}
	for _, s := range c.raft.GetConfiguration().Configuration().Servers {
		v, err := voterAt(s.Address)
		if err != nil {
			v.Node = nodeOf(s.ID)
		}
		q.Voters = append(q.Voters, c.voting(v, q.LastIndex))
	}
	return q
}

// voting is what is known of a voter's log; lastIndex is the end of this one's.
func (c *Controller) voting(v Voter, lastIndex uint64) Voting {
	if v.Node == c.opts.Node {
		now := c.opts.Clock.Now()
		return Voting{v, Reached{lastIndex, now, now}, true}
	}
	if !c.IsActive() {
		return Voting{Voter: v} // the others tell the active one
	}
	log, known := c.fsm.feed.voter(v.Node)
	return Voting{v, log, known}
}

// isVoter says whether a node takes part in consensus.
func (c *Controller) isVoter(node ids.NodeID) bool {
	return slices.ContainsFunc(c.raft.GetConfiguration().Configuration().Servers, func(s raft.Server) bool {
		return s.ID == serverID(node)
	})
}

// LogEnd is the newest index in this controller's log.
func (c *Controller) LogEnd() uint64 { return c.raft.LastIndex() }

// AddVoter has a controller take part in consensus, or changes its address. It
// should be running, with Options.Join. Errors are as those of
// [Controller.Submit]; it may be repeated.
func (c *Controller) AddVoter(ctx context.Context, v Voter) error {
	return c.change(ctx, func() raft.Future {
		return c.raft.AddVoter(serverID(v.Node), v.serverAddress(), 0, changeTimeout)
	})
}

// RemoveVoter has a controller take part no more. Errors are as those of
// [Controller.Submit]; it may be repeated.
func (c *Controller) RemoveVoter(ctx context.Context, node ids.NodeID) error {
	if servers := c.raft.GetConfiguration().Configuration().Servers; len(servers) == 1 && nodeOf(servers[0].ID) == node {
		return errors.New("metadata: the last voter cannot be removed")
	}
	return c.change(ctx, func() raft.Future {
		return c.raft.RemoveServer(serverID(node), 0, changeTimeout)
	})
}

// changeTimeout bounds how long a change of voters waits for its turn.
const changeTimeout = 10 * electionTimeout

// change makes a change of the voters, unless this controller is not the
// active one.
func (c *Controller) change(ctx context.Context, begin func() raft.Future) error {
	if err := c.Err(); err != nil {
		return err
	}
	if !c.IsActive() {
		return c.notActive()
	}
	done := make(chan error, 1)
	go func() { done <- begin().Error() }()
	select {
	case err := <-done:
		if err != nil {
			return c.submitError(err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// Resign hands the leadership to another voter, if this controller has it and
// there is one: a controller that is about to close spares the others an
// election. It takes an election's time at most.
func (c *Controller) Resign() error {
	if !c.IsActive() || len(c.raft.GetConfiguration().Configuration().Servers) < 2 {
		return nil
	}
	if err := c.raft.LeadershipTransfer().Error(); err != nil && c.IsActive() {
		return fmt.Errorf("hand the metadata's leadership over: %w", err)
	}
	return nil
}

// Take takes a connection over by which another voter speaks consensus. It is
// closed at once by a controller that has no voters beside itself.
func (c *Controller) Take(nc net.Conn) {
	if c.streams == nil {
		_ = nc.Close()
		return
	}
	c.streams.take(nc)
}
