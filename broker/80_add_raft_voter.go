package broker

import (
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
)

// AddRaftVoter (key 80) and RemoveRaftVoter (key 81)
//
// Behavior:
//   - Change who takes part in the consensus on metadata. A new voter should be
//     running, started with controller.quorum.bootstrap.servers; its first
//     listener is where the others reach it.
//   - A voter is known by its id alone: the directory id is ignored.
//   - Another cluster's id: INCONSISTENT_CLUSTER_ID. Not the active controller:
//     NOT_CONTROLLER. One that is a voter already: DUPLICATE_VOTER. One that is
//     none: VOTER_NOT_FOUND.
//
// Versions:
//   - AddRaftVoter 1: an answer before the change is agreed upon, which is not
//     given: the answer always comes after.

func (c *controllers) addRaftVoter(ctx *Ctx, req *kmsg.AddRaftVoterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AddRaftVoterResponse)
	err := c.addVoter(ctx, req)
	resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
	return resp
}

func (c *controllers) addVoter(ctx *Ctx, req *kmsg.AddRaftVoterRequest) error {
	if err := c.active(); err != nil {
		return err
	}
	if err := c.sameCluster(req.ClusterID); err != nil {
		return err
	}
	if len(req.Listeners) == 0 {
		return refuse(kerr.InvalidRequest, "The new voter has no listener.")
	}
	if c.isVoter(ids.NodeID(req.VoterID)) {
		return refuse(kerr.DuplicateVoter, "Node %d is a voter.", req.VoterID)
	}
	l := req.Listeners[0]
	within, cancel := adminContext(ctx, req.TimeoutMillis)
	defer cancel()
	return controllerError(c.Controller.AddVoter(within, kraftmeta.Voter{
		Node: ids.NodeID(req.VoterID), Address: net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port))),
	}))
}

func (c *controllers) removeRaftVoter(ctx *Ctx, req *kmsg.RemoveRaftVoterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.RemoveRaftVoterResponse)
	err := c.removeVoter(ctx, req)
	resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
	return resp
}

func (c *controllers) removeVoter(ctx *Ctx, req *kmsg.RemoveRaftVoterRequest) error {
	if err := c.active(); err != nil {
		return err
	}
	if err := c.sameCluster(req.ClusterID); err != nil {
		return err
	}
	if !c.isVoter(ids.NodeID(req.VoterID)) {
		return refuse(kerr.VoterNotFound, "Node %d is no voter.", req.VoterID)
	}
	if len(c.Controller.Quorum().Voters) == 1 {
		return refuse(kerr.InvalidRequest, "The last voter cannot be removed.")
	}
	within, cancel := adminContext(ctx, 0)
	defer cancel()
	return controllerError(c.Controller.RemoveVoter(within, ids.NodeID(req.VoterID)))
}

func (c *controllers) isVoter(node ids.NodeID) bool {
	for _, v := range c.Controller.Quorum().Voters {
		if v.Node == node {
			return true
		}
	}
	return false
}
