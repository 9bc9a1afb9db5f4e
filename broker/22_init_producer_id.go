package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// InitProducerId (key 22)
//
// Behavior:
//   - Gives an idempotent producer an id that nobody had before, at epoch 0;
//     also when it names one that it has: without a transactional id there is
//     no state here by which an epoch could be raised. Clients raise it by
//     themselves and come when it is used up.
//   - A transactional id is refused by TRANSACTIONAL_ID_AUTHORIZATION_FAILED
//     until there are transactions: to every client that is a final no to
//     transactions and nothing else.
//   - While the metadata cannot be changed the answer is
//     COORDINATOR_LOAD_IN_PROGRESS, which clients of every version retry.
//
// Versions:
//   - 2: flexible. 3: the id and epoch that the producer has. 4: PRODUCER_FENCED
//     may be answered. 5: two-phase commit, refused with transactions.

// producerIDWait bounds how long a producer waits for an id.
const producerIDWait = 5 * time.Second

func (b *Broker) initProducerID(c *Ctx, req *kmsg.InitProducerIDRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if req.TransactionalID != nil {
		resp.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		if *req.TransactionalID == "" {
			resp.ErrorCode = kerr.InvalidRequest.Code
		}
		return resp
	}
	ctx, cancel := context.WithTimeout(c.Context(), producerIDWait)
	defer cancel()
	id, err := b.producerIDs.take(ctx, b.allocateProducerIDs)
	if err != nil {
		b.Log.Warn("no producer id", "error", err)
		resp.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = id, 0
	return resp
}

func (b *Broker) allocateProducerIDs(ctx context.Context) (*image.ProducerIDs, error) {
	var epoch ids.NodeEpoch
	if n, ok := b.Metadata.Image().Node(b.Node); ok {
		epoch = n.Epoch
	}
	result, _, err := b.Metadata.Submit(ctx, &image.AllocateProducerIDs{Node: b.Node, NodeEpoch: epoch, Count: producerIDBlock})
	if err != nil {
		return nil, err
	}
	return result.(*image.ProducerIDs), nil
}
