package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// FindCoordinator (key 10)
//
// Behavior:
//   - A group's coordinator is the leader of its partition of the offsets
//     topic. Who asks first makes that topic, and the answer waits until it is
//     served; should that take too long, COORDINATOR_NOT_AVAILABLE lets the
//     client ask again.
//   - There are no transactions and no share groups yet:
//     TRANSACTIONAL_ID_AUTHORIZATION_FAILED is a final no to every client, and
//     INVALID_REQUEST what a broker of Kafka's answers without share groups.
//
// Versions:
//   - 0: groups only. 1: key types, throttle. 3: flexible. 4: several keys. 6:
//     share groups as a key type.

// Kinds of coordinators.
const (
	coordinatorOfGroup       = 0
	coordinatorOfTransaction = 1
)

const findManyVersion = 4

// offsetsTopicWait bounds how long an answer waits for the offsets topic.
const offsetsTopicWait = 5 * time.Second

func (b *Broker) findCoordinator(c *Ctx, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	if req.Version < findManyVersion {
		r := b.coordinatorOf(c, req.CoordinatorType, req.CoordinatorKey)
		resp.ErrorCode, resp.ErrorMessage = r.ErrorCode, r.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = r.NodeID, r.Host, r.Port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, b.coordinatorOf(c, req.CoordinatorType, key))
	}
	return resp
}

// coordinatorOf answers for one key.
func (b *Broker) coordinatorOf(c *Ctx, kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	r := kmsg.NewFindCoordinatorResponseCoordinator()
	r.Key, r.NodeID, r.Port = key, -1, -1
	at, err := b.locateCoordinator(c, kind, key)
	if err != nil {
		r.ErrorCode, r.ErrorMessage = CodeOf(err), messageOf(err)
		return r
	}
	r.NodeID, r.Host, r.Port = at.id, at.host, at.port
	return r
}

func (b *Broker) locateCoordinator(c *Ctx, kind int8, key string) (at clientBroker, err error) {
	switch kind {
	case coordinatorOfGroup:
	case coordinatorOfTransaction:
		return at, refuse(kerr.TransactionalIDAuthorizationFailed, "This version has no transactions.")
	default:
		return at, refuse(kerr.InvalidRequest, "There is no coordinator of type %d.", kind)
	}
	v := b.view(c)
	topic, ok := v.TopicByName(partition.OffsetsTopic)
	if !ok {
		if err := b.makeOffsetsTopic(c.Context()); err != nil {
			return at, refuse(kerr.CoordinatorNotAvailable, "The topic %s is not there yet.", partition.OffsetsTopic)
		}
		v = b.view(c)
		if topic, ok = v.TopicByName(partition.OffsetsTopic); !ok {
			return at, kerr.CoordinatorNotAvailable
		}
	}
	p, ok := v.Partition(topic.ID, b.Groups.PartitionFor(key))
	if !ok {
		return at, kerr.CoordinatorNotAvailable
	}
	at, kerror := v.leader(p)
	if kerror != nil {
		return at, kerr.CoordinatorNotAvailable
	}
	return at, nil
}

// makeOffsetsTopic makes the offsets topic and waits until it is served. That
// somebody else made it meanwhile is no error.
func (b *Broker) makeOffsetsTopic(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, offsetsTopicWait)
	defer cancel()
	t := b.defaultTopic(partition.OffsetsTopic, balance.NewPlacer(b.Metadata.Image(), nil))
	if _, err := b.createTopics(ctx, []image.NewTopic{t}); err != nil {
		b.Log.Warn("the offsets topic was not made", "error", err)
		return err
	}
	return nil
}
