package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Metadata (key 3)
//
// Behavior:
//   - Brokers by id, with the endpoint of the listener that the client came by;
//     fenced ones and those without that listener are left out.
//   - Topics in the order asked for, each once; all of them by name. A
//     partition's only replica is its leader.
//   - A topic that does not exist is made when the broker and the request allow
//     it, and the answer waits until its partitions are served: clients never
//     see LEADER_NOT_AVAILABLE for that. A name that no topic may have is
//     INVALID_TOPIC_EXCEPTION.
//   - Any broker takes what is for the controller, so the controller that
//     clients are told of is the broker that they asked, or the first of those
//     told when it is fenced itself: never one that the client does not know.
//   - Without an authorizer all operations are authorized.
//
// Versions:
//   - 0: no topics means all; later null does, and an empty list means none.
//     1: controller, rack, internal. 2: cluster id. 4: the request says whether
//     topics may be made. 5: offline replicas. 7: leader epochs. 8: authorized
//     operations; of the cluster up to 10. 9: flexible. 10: topic ids. 12:
//     topics can be asked for by id. 13: an error of the whole answer.

// Versions of Metadata at which its behaviour changes.
const (
	metadataMayCreateVersion        = 4
	metadataListenerNotFoundVersion = 6
	metadataByIDVersion             = 12
)

func (b *Broker) metadata(c *Ctx, req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	resp.ClusterID = &b.ClusterID
	resp.AuthorizedOperations = operationsNotAsked
	if req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = clusterOperations
	}
	all := req.Topics == nil || req.Version == 0 && len(req.Topics) == 0
	var notMade map[string]error
	if !all {
		notMade = b.makeMissing(c, req)
	}
	v := b.view(c)
	brokers := v.brokers(false)
	resp.ControllerID = controllerAmong(brokers, int32(b.Node))
	for _, n := range brokers {
		rb := kmsg.NewMetadataResponseBroker()
		rb.NodeID, rb.Host, rb.Port, rb.Rack = n.id, n.host, n.port, n.rack
		resp.Brokers = append(resp.Brokers, rb)
	}
	if all {
		for _, t := range v.topicsByName() {
			resp.Topics = append(resp.Topics, v.metadataTopic(t, req))
		}
		return resp
	}
	asked := map[metadataName]struct{}{}
	for i := range req.Topics {
		key := nameIn(&req.Topics[i])
		if _, again := asked[key]; !again {
			asked[key] = struct{}{}
			resp.Topics = append(resp.Topics, v.askedTopic(&req.Topics[i], req, notMade))
		}
	}
	return resp
}

// metadataName is how a request names a topic.
type metadataName struct {
	id   [16]byte
	name string
}

func nameIn(t *kmsg.MetadataRequestTopic) metadataName {
	n := metadataName{id: t.TopicID}
	if t.Topic != nil {
		n.name = *t.Topic
	}
	return n
}

// makeMissing makes the topics of a request that do not exist, if that is
// allowed, and says of those that were not made why.
func (b *Broker) makeMissing(c *Ctx, req *kmsg.MetadataRequest) map[string]error {
	if !b.Config.Topics.AutoCreate || !req.AllowAutoTopicCreation && req.Version >= metadataMayCreateVersion {
		return nil
	}
	img := b.Metadata.Image()
	var missing []string
	for i := range req.Topics {
		t := &req.Topics[i]
		if t.Topic == nil || t.TopicID != [16]byte{} || image.CheckTopicName(*t.Topic) != nil {
			continue
		}
		if _, ok := img.TopicByName(*t.Topic); !ok {
			missing = append(missing, *t.Topic)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return b.autoCreate(c.Context(), missing)
}

// askedTopic answers for one topic of a request.
func (v view) askedTopic(asked *kmsg.MetadataRequestTopic, req *kmsg.MetadataRequest,
	notMade map[string]error) kmsg.MetadataResponseTopic {
	rt := kmsg.NewMetadataResponseTopic()
	rt.Topic, rt.TopicID = asked.Topic, asked.TopicID
	rt.AuthorizedOperations = operationsNotAsked
	byID := asked.TopicID != [16]byte{}
	if req.Version < metadataByIDVersion && (byID || asked.Topic == nil) {
		rt.ErrorCode = kerr.InvalidRequest.Code
		return rt
	}
	if byID {
		if t, ok := v.Topic(asked.TopicID); ok {
			return v.metadataTopic(t, req)
		}
		rt.Topic, rt.ErrorCode = nil, kerr.UnknownTopicID.Code
		return rt
	}
	if asked.Topic == nil {
		rt.ErrorCode = kerr.InvalidRequest.Code
		return rt
	}
	if t, ok := v.TopicByName(*asked.Topic); ok {
		return v.metadataTopic(t, req)
	}
	rt.IsInternal = isInternal(*asked.Topic)
	if rt.ErrorCode = unknownTopic(*asked.Topic).Code; notMade[*asked.Topic] != nil {
		rt.ErrorCode = CodeOf(notMade[*asked.Topic])
	}
	return rt
}

// metadataTopic answers for a topic that exists.
func (v view) metadataTopic(t *image.Topic, req *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	rt := kmsg.NewMetadataResponseTopic()
	rt.Topic, rt.TopicID, rt.IsInternal = &t.Name, t.ID, isInternal(t.Name)
	rt.AuthorizedOperations = operationsNotAsked
	if req.IncludeTopicAuthorizedOperations {
		rt.AuthorizedOperations = topicOperations
	}
	for p := range v.Partitions(t.ID) {
		l := v.leadership(p)
		if l.err == kerr.ListenerNotFound && req.Version < metadataListenerNotFoundVersion {
			l.err = kerr.LeaderNotAvailable
		}
		rp := kmsg.NewMetadataResponseTopicPartition()
		if l.err != nil {
			rp.ErrorCode = l.err.Code
		}
		rp.Partition, rp.Leader, rp.LeaderEpoch = l.index, l.leader, l.epoch
		rp.Replicas, rp.ISR, rp.OfflineReplicas = l.replicas, l.isr, l.offline
		rt.Partitions = append(rt.Partitions, rp)
	}
	return rt
}
