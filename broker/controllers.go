package broker

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Controller is the metadata controller of this process; see
// [kraftmeta.Controller].
type Controller interface {
	Term() (term uint64, changed <-chan struct{})
	Leads(ctx context.Context) error
	Image() *image.Image
	Quorum() kraftmeta.Quorum
	AddVoter(ctx context.Context, v kraftmeta.Voter) error
	RemoveVoter(ctx context.Context, node ids.NodeID) error
}

// Duties are told what heartbeats say; see [duties.Duties].
type Duties interface {
	Beat(node ids.NodeID, epoch ids.NodeEpoch) bool
	Gone(node ids.NodeID, epoch ids.NodeEpoch)
}

// ControllerDeps are what the APIs of a controller's listener work with.
type ControllerDeps struct {
	ClusterID  ids.UUID
	Listeners  []config.Listener // for controllers: the first one's name is told
	Controller Controller
	Duties     Duties
	Submit     func(ctx context.Context, cmd image.Command) (image.Result, uint64, error)
	// Supports asks the living voters and brokers what they know of features; an
	// error says who has not told.
	Supports func(ctx context.Context) ([]Support, error)
}

// controllers answer what brokers and administrators ask of controllers.
type controllers struct{ ControllerDeps }

// RegisterController adds to r what a controller's listener serves of Kafka's
// protocol, but for ApiVersions.
func RegisterController(r *Registry, d ControllerDeps) {
	c := &controllers{d}
	Handle(r, 0, 2, c.describeQuorum)
	Handle(r, 1, 2, c.describeCluster)
	Handle(r, 0, 4, c.brokerRegistration, Blocking())
	HandleAsync(r, 0, 1, c.brokerHeartbeat)
	Handle(r, 0, 0, c.unregisterBroker, Blocking())
	Handle(r, 0, 1, c.addRaftVoter, Blocking())
	Handle(r, 0, 0, c.removeRaftVoter, Blocking())
	Handle(r, 0, 2, c.updateFeatures, Blocking())
}

// Ask carries a request to the active controller.
type Ask func(ctx context.Context, req kmsg.Request) (kmsg.Response, error)

// RegisterForwarded adds to r, for clients of a broker, what only the active
// controller answers.
func RegisterForwarded(r *Registry, ask Ask) {
	Handle(r, 0, 2, forward[kmsg.DescribeQuorumRequest](ask, func(resp kmsg.Response, code int16) {
		resp.(*kmsg.DescribeQuorumResponse).ErrorCode = code
	}), Blocking())
	Handle(r, 0, 1, forward[kmsg.AddRaftVoterRequest](ask, func(resp kmsg.Response, code int16) {
		resp.(*kmsg.AddRaftVoterResponse).ErrorCode = code
	}), Blocking())
	Handle(r, 0, 0, forward[kmsg.RemoveRaftVoterRequest](ask, func(resp kmsg.Response, code int16) {
		resp.(*kmsg.RemoveRaftVoterResponse).ErrorCode = code
	}), Blocking())
	Handle(r, 0, 2, forward[kmsg.UpdateFeaturesRequest](ask, func(resp kmsg.Response, code int16) {
		resp.(*kmsg.UpdateFeaturesResponse).ErrorCode = code
	}), Blocking())
}

// forwardMax bounds how long a client waits for the active controller.
const forwardMax = 15 * time.Second

func forward[T any, R request[T]](ask Ask, failed func(resp kmsg.Response, code int16)) func(*Ctx, R) kmsg.Response {
	return func(c *Ctx, req R) kmsg.Response {
		ctx, cancel := context.WithTimeout(c.Context(), forwardMax)
		defer cancel()
		resp, err := ask(ctx, req)
		if err != nil {
			resp = req.ResponseKind()
			failed(resp, kerr.RequestTimedOut.Code)
		}
		return resp
	}
}

// controllerError is the answer to a request that a controller could not carry
// out.
func controllerError(err error) error {
	switch {
	case errors.As(err, new(*kraftmeta.NotControllerError)):
		return refuse(kerr.NotController, "%s", err.Error())
	case errors.Is(err, kraftmeta.ErrUnknownOutcome):
		return refuse(kerr.RequestTimedOut, "%s", err.Error())
	}
	return err
}

// active refuses with NOT_CONTROLLER unless this controller is the active one.
func (c *controllers) active() error {
	if term, _ := c.Controller.Term(); term == 0 {
		return kerr.NotController
	}
	return nil
}

// sameCluster refuses a request that is meant for another cluster; one that
// names none is meant for this.
func (c *controllers) sameCluster(name *string) error {
	if name != nil && *name != c.ClusterID.String() {
		return refuse(kerr.InconsistentClusterID, "This is cluster %s, not %s.", c.ClusterID, *name)
	}
	return nil
}
