package broker

import (
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
)

// DescribeQuorum (key 55)
//
// Behavior:
//   - The quorum is that of partition 0 of __cluster_metadata; of any other
//     partition UNKNOWN_TOPIC_OR_PARTITION.
//   - A controller that does not lead answers NOT_LEADER_OR_FOLLOWER as a
//     whole; beside that, unlike Kafka's, what it knows: who leads, and where.
//   - The log end offset of another voter than the leader is what that voter
//     last told, half a second ago at most while it lives; -1 if it told this
//     leader nothing yet. Observers are the brokers that are no voters, whose
//     offset is the metadata they have taken in.
//
// Versions:
//   - 1: when a replica last told, and when it last had all there was; -1 for
//     never. 2: messages, and where the voters listen.

const (
	metadataTopic = "__cluster_metadata"
	notKnown      = -1
)

func (c *controllers) describeQuorum(_ *Ctx, req *kmsg.DescribeQuorumRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
	if err := c.active(); err != nil {
		resp.ErrorCode = kerr.NotLeaderForPartition.Code
	}
	q := c.Controller.Quorum()
	for _, t := range req.Topics {
		rt := kmsg.NewDescribeQuorumResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewDescribeQuorumResponseTopicPartition()
			rp.Partition = p.Partition
			if t.Topic != metadataTopic || p.Partition != 0 {
				rp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			} else {
				describeQuorum(&rp, &q)
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	for _, v := range q.Voters {
		if n, ok := c.voterListener(v.Voter); ok {
			resp.Nodes = append(resp.Nodes, n)
		}
	}
	return resp
}

func describeQuorum(p *kmsg.DescribeQuorumResponseTopicPartition, q *kraftmeta.Quorum) {
	p.LeaderID, p.LeaderEpoch, p.HighWatermark = int32(q.Leader), int32(q.Term), int64(q.Committed)
	for _, v := range q.Voters {
		p.CurrentVoters = append(p.CurrentVoters, replicaState(v.Node, v.Log, v.Known))
	}
	for _, o := range q.Observers {
		if slices.ContainsFunc(q.Voters, func(v kraftmeta.Voting) bool { return v.Node == o.Node }) {
			continue
		}
		p.Observers = append(p.Observers, replicaState(o.Node, o.Reached, true))
	}
}

func replicaState(node ids.NodeID, to kraftmeta.Reached, known bool) kmsg.DescribeQuorumResponseTopicPartitionReplicaState {
	r := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
	r.ReplicaID = int32(node)
	r.LogEndOffset, r.LastFetchTimestamp, r.LastCaughtUpTimestamp = notKnown, notKnown, notKnown
	if known {
		r.LogEndOffset, r.LastFetchTimestamp = int64(to.Index), to.Told.UnixMilli()
	}
	if known && !to.CaughtUp.IsZero() {
		r.LastCaughtUpTimestamp = to.CaughtUp.UnixMilli()
	}
	return r
}

// voterListener is where a voter listens, if that is known.
func (c *controllers) voterListener(v kraftmeta.Voter) (n kmsg.DescribeQuorumResponseNode, ok bool) {
	host, digits, err := net.SplitHostPort(v.Address)
	if err != nil {
		return n, false
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return n, false
	}
	l := kmsg.NewDescribeQuorumResponseNodeListener()
	l.Host, l.Port = host, uint16(port)
	if len(c.Listeners) > 0 {
		l.Name = c.Listeners[0].Name
	}
	n = kmsg.NewDescribeQuorumResponseNode()
	n.NodeID = int32(v.Node)
	n.Listeners = append(n.Listeners, l)
	return n, true
}
