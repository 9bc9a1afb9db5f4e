package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// kafkaRefusals translates why the metadata refused a command, or a part of
// one. What is not here cannot be a client's doing: UNKNOWN_SERVER_ERROR.
var kafkaRefusals = map[image.Reason]*kerr.Error{
	// What became of the command is not known: the client looks and tries again.
	image.Forgotten:    kerr.RequestTimedOut,
	image.OutOfWindow:  kerr.RequestTimedOut,
	image.NotFormatted: kerr.NotController,

	// This node is not, or no longer, a member of the cluster: another one
	// serves the client.
	image.UnknownNode:    kerr.NotController,
	image.StaleNodeEpoch: kerr.NotController,
	image.NodeIsFenced:   kerr.NotController,

	image.InvalidCommand:      kerr.InvalidRequest,
	image.InvalidTopicName:    kerr.InvalidTopicException,
	image.TopicExists:         kerr.TopicAlreadyExists,
	image.UnknownTopic:        kerr.UnknownTopicOrPartition,
	image.UnknownPartition:    kerr.UnknownTopicOrPartition,
	image.UnknownStream:       kerr.UnknownTopicOrPartition,
	image.InvalidPartitions:   kerr.InvalidPartitions,
	image.StaleLeaderEpoch:    kerr.FencedLeaderEpoch,
	image.NotLeader:           kerr.NotLeaderForPartition,
	image.StaleStreamEpoch:    kerr.NotLeaderForPartition,
	image.NotWALHolder:        kerr.NotLeaderForPartition,
	image.PastEnd:             kerr.OffsetOutOfRange,
	image.NodeInUse:           kerr.InvalidRequest,
	image.InvalidFeatureLevel: kerr.InvalidUpdateVersion,
	image.Unsupported:         kerr.UnsupportedVersion,
}

// refusalCode is the Kafka error code of a refusal by the metadata.
func refusalCode(r *image.Refusal) int16 {
	if e := kafkaRefusals[r.Reason]; e != nil {
		return e.Code
	}
	return kerr.UnknownServerError.Code
}
