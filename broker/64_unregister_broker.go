package broker

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// UnregisterBroker (key 64)
//
// Behavior:
//   - Says that nobody expects a broker back. It must be fenced, and all that
//     was in its write-ahead logs uploaded: else INVALID_REQUEST. Should it
//     start again after all, it joins as before.
//
// Versions:
//   - 0: flexible.

func (b *Broker) unregisterBroker(c *Ctx, req *kmsg.UnregisterBrokerRequest) kmsg.Response {
	ctx, cancel := adminContext(c, 0)
	defer cancel()
	resp := req.ResponseKind().(*kmsg.UnregisterBrokerResponse)
	_, _, err := b.Metadata.Submit(ctx, &image.RemoveNode{Node: ids.NodeID(req.BrokerID)})
	if errors.Is(err, &image.Refusal{Reason: image.UnknownNode}) {
		err = refuse(kerr.BrokerIDNotRegistered, "Broker %d is not registered.", req.BrokerID)
	}
	resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
	return resp
}
