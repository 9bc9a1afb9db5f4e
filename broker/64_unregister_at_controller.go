package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// unregisterBroker is UnregisterBroker on a controller's listener; it answers as
// a broker does.
func (c *controllers) unregisterBroker(ctx *Ctx, req *kmsg.UnregisterBrokerRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.UnregisterBrokerResponse)
	within, cancel := adminContext(ctx, 0)
	defer cancel()
	_, _, err := c.Submit(within, &image.RemoveNode{Node: ids.NodeID(req.BrokerID)})
	err = controllerError(err)
	resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
	return resp
}
