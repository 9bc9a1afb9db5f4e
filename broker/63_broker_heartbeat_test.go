package broker

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// deposable is a controller that takes itself for the active one, and Duties
// that count beats. Its other methods are not asked.
type deposable struct {
	Controller
	img   *image.Image
	leads error
	beats int
}

func (d *deposable) Image() *image.Image         { return d.img }
func (d *deposable) Leads(context.Context) error { return d.leads }

func (d *deposable) Beat(ids.NodeID, ids.NodeEpoch) bool { d.beats++; return true }
func (d *deposable) Gone(ids.NodeID, ids.NodeEpoch)      {}

// A controller whose process was paused, and which others have deposed since,
// renews no lease: neither of its own broker, which asks it first, nor of others.
func TestADeposedControllerTakesNoHeartbeat(t *testing.T) {
	d := &deposable{img: image.New()}
	d.img, _, _ = image.Apply(d.img, 1, &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{1}, Sequence: 1}, AckedBelow: 1, Command: &image.FormatCluster{ClusterID: ids.UUID{1}},
	})
	d.img, _, _ = image.Apply(d.img, 2, &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{1}, Sequence: 2}, AckedBelow: 2, Command: &image.RegisterNode{Node: 7, Incarnation: ids.UUID{2}},
	})
	c := &controllers{ControllerDeps{Controller: d, Duties: d}}
	beat := func() int16 {
		req := kmsg.NewPtrBrokerHeartbeatRequest()
		req.BrokerID, req.BrokerEpoch = 7, 1
		return c.answerHeartbeat(t.Context(), req).(*kmsg.BrokerHeartbeatResponse).ErrorCode
	}
	if code := beat(); code != 0 || d.beats != 1 {
		t.Fatalf("answered with %d, %d beats", code, d.beats)
	}
	d.leads = &kraftmeta.NotControllerError{Hint: 2}
	if code := beat(); code != kerr.NotController.Code || d.beats != 1 {
		t.Errorf("a deposed one answers with %d, %d beats", code, d.beats)
	}
}
