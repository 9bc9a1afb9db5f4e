package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// BrokerRegistration (key 62)
//
// Behavior:
//   - Makes a broker known and alive; the broker epoch in the answer is its
//     node epoch. Another incarnation takes the place of the one before, which
//     is fenced by that.
//   - Another cluster's id: INCONSISTENT_CLUSTER_ID. Not the active controller:
//     NOT_CONTROLLER.
//   - Seawall's own brokers register by a metadata command, which also says
//     which write-ahead logs they can read.
//
// Versions:
//   - 1: ZooKeeper migration, ignored. 2: log directories, ignored. 3: previous
//     epoch, ignored: registering is no claim to what that held. 4: features
//     from 0.

func (c *controllers) brokerRegistration(ctx *Ctx, req *kmsg.BrokerRegistrationRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.BrokerRegistrationResponse)
	epoch, err := c.registerBroker(ctx, req)
	resp.BrokerEpoch, resp.ErrorCode = epoch, CodeOf(controllerError(err))
	return resp
}

func (c *controllers) registerBroker(ctx *Ctx, req *kmsg.BrokerRegistrationRequest) (epoch int64, err error) {
	if err := c.active(); err != nil {
		return -1, err
	}
	if err := c.sameCluster(&req.ClusterID); err != nil {
		return -1, err
	}
	cmd := &image.RegisterNode{Node: ids.NodeID(req.BrokerID), Incarnation: ids.UUID(req.IncarnationID)}
	cmd.Previous = c.Controller.Image().EpochOf(cmd.Node)
	if req.Rack != nil {
		cmd.Rack = *req.Rack
	}
	for _, l := range req.Listeners {
		cmd.Endpoints = append(cmd.Endpoints, image.Endpoint{
			Listener: l.Name, Host: l.Host, Port: l.Port, SecurityProtocol: l.SecurityProtocol,
		})
	}
	within, cancel := adminContext(ctx, 0)
	defer cancel()
	result, _, err := c.Submit(within, cmd)
	if err != nil {
		return -1, err
	}
	return int64(result.(*image.Registered).Epoch), nil
}
