package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// BrokerHeartbeat (key 63)
//
// Behavior:
//   - Renews the lease of a broker at its epoch with the active controller;
//     elsewhere NOT_CONTROLLER, also from one that was the active one until a
//     moment ago: a majority of the voters agrees first. Else a process that was
//     paused could renew its broker's lease with its own deposed controller.
//   - A broker that is not known: BROKER_ID_NOT_REGISTERED. One with another
//     epoch than it has now, fenced ones among them: STALE_BROKER_EPOCH; it
//     must stop and register anew.
//   - WantShutdown has the broker's partitions led elsewhere; ShouldShutdown
//     tells that it leads none any more.
//   - WantFence says that the broker is gone now: it is fenced at once.
//
// Versions:
//   - 1: offline log directories, ignored.

func (c *controllers) brokerHeartbeat(ctx *Ctx, req *kmsg.BrokerHeartbeatRequest, t Ticket) {
	go func() { Reply(t, c.answerHeartbeat(ctx.Context(), req)) }() // it waits for the voters
}

func (c *controllers) answerHeartbeat(ctx context.Context, req *kmsg.BrokerHeartbeatRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.BrokerHeartbeatResponse)
	resp.IsFenced = true
	n, err := c.heartbeatOf(ctx, req)
	if err != nil {
		resp.ErrorCode = CodeOf(err)
		return resp
	}
	resp.IsFenced = false
	img := c.Controller.Image()
	resp.IsCaughtUp = req.CurrentMetadataOffset >= int64(img.Index())
	switch {
	case req.WantFence:
		c.Duties.Gone(n.ID, n.Epoch)
	case req.WantShutdown && n.State == image.NodeActive:
		go func() { // the next heartbeat tries again if it comes to nothing
			ctx, cancel := context.WithTimeout(context.Background(), forwardMax)
			defer cancel()
			_, _, _ = c.Submit(ctx, &image.LeaveCluster{Node: n.ID, Epoch: n.Epoch})
		}()
	case req.WantShutdown:
		resp.ShouldShutdown = !leadsAny(img, n.ID)
	}
	return resp
}

// heartbeatOf notes a heartbeat and returns whose it is.
func (c *controllers) heartbeatOf(ctx context.Context, req *kmsg.BrokerHeartbeatRequest) (*image.Node, error) {
	if err := c.Controller.Leads(ctx); err != nil {
		return nil, kerr.NotController
	}
	n, ok := c.Controller.Image().Node(ids.NodeID(req.BrokerID))
	switch {
	case !ok || n.State == image.NodeRemoved:
		return nil, kerr.BrokerIDNotRegistered
	case int64(n.Epoch) != req.BrokerEpoch || !n.IsAlive():
		return nil, kerr.StaleBrokerEpoch
	case !c.Duties.Beat(n.ID, n.Epoch):
		return nil, kerr.NotController
	}
	return n, nil
}

func leadsAny(img *image.Image, node ids.NodeID) bool {
	for p := range img.AllPartitions() {
		if p.Leader == node {
			return true
		}
	}
	return false
}
