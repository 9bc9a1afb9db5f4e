package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Bounds of requests that make topics.
const (
	// autoCreateMax bounds the topics that one Metadata request makes; the
	// client asks again for the others.
	autoCreateMax = 1000
	// newPartitionsMax bounds the partitions that one request makes, as in Kafka.
	newPartitionsMax = 10_000
)

// How long a request may wait for the metadata.
const (
	autoCreateWait   = 10 * time.Second
	adminWaitDefault = 30 * time.Second // where the client names none
	adminWaitMax     = 5 * time.Minute  // whatever the client names: its connection stands still meanwhile
)

// adminContext bounds a request by the time-out that its client named.
func adminContext(c *Ctx, millis int32) (context.Context, context.CancelFunc) {
	wait := time.Duration(millis) * time.Millisecond
	if wait <= 0 {
		wait = adminWaitDefault
	}
	return context.WithTimeout(c.Context(), min(wait, adminWaitMax))
}

// autoCreate makes topics as the broker's defaults have them, waits until they
// are served, and says of those that were not made why.
func (b *Broker) autoCreate(ctx context.Context, names []string) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, autoCreateWait)
	defer cancel()
	notMade := map[string]error{}
	for _, name := range names[min(len(names), autoCreateMax):] {
		notMade[name] = kerr.LeaderNotAvailable
	}
	names = names[:min(len(names), autoCreateMax)]
	placer := balance.NewPlacer(b.Metadata.Image(), nil)
	var topics []image.NewTopic
	for _, name := range names {
		t := b.defaultTopic(name, placer)
		if t.Leaders == nil { // every broker is leaving: clients ask again
			for _, name := range names {
				notMade[name] = kerr.LeaderNotAvailable
			}
			return notMade
		}
		topics = append(topics, t)
	}
	outcomes, err := b.createTopics(ctx, topics)
	if err != nil {
		b.Log.Warn("topics were not made for a client", "topics", len(names), "error", err)
	}
	for i, name := range names {
		switch {
		case err != nil:
			// Made or not, they are not served yet; this makes clients ask again.
			notMade[name] = kerr.LeaderNotAvailable
		case outcomes[i].Refused != nil && outcomes[i].Refused.Reason == image.TopicExists:
			// Made by somebody else meanwhile, or the name collides with another.
			notMade[name] = kerr.InvalidTopicException
		case outcomes[i].Refused != nil:
			notMade[name] = outcomes[i].Refused
		}
	}
	return notMade
}

// defaultTopic is a topic of that name as the broker makes it unasked.
func (b *Broker) defaultTopic(name string, placer *balance.Placer) image.NewTopic {
	t := image.NewTopic{Name: name, ID: b.newTopicID()}
	partitions := b.Config.Topics.NumPartitions
	if name == partition.OffsetsTopic {
		partitions, t.Configs = b.Config.Offsets.NumPartitions, offsetsTopicConfigs
	}
	t.Leaders = placer.Place(partitions)
	return t
}

// offsetsTopicConfigs are the settings of the topic of consumer groups.
var offsetsTopicConfigs = []image.ConfigEntry{{Name: "cleanup.policy", Value: "compact"}}

func (b *Broker) newTopicID() ids.TopicID { return ids.NewUUID(b.Random) }

// createTopics makes topics and returns what became of each, once those whose
// partitions this node leads are served.
func (b *Broker) createTopics(ctx context.Context, topics []image.NewTopic) ([]image.TopicOutcome, error) {
	return b.changeTopics(ctx, &image.CreateTopics{Topics: topics})
}

// changeTopics submits a command about topics and waits until this node stands
// where it leads: what was made is served, what was deleted is gone.
func (b *Broker) changeTopics(ctx context.Context, cmd image.CommandOf[*image.TopicOutcomes]) ([]image.TopicOutcome, error) {
	result, index, err := b.Metadata.Submit(ctx, cmd)
	if err != nil {
		return nil, err
	}
	if err := b.Partitions.Await(ctx, index); err != nil {
		return nil, err
	}
	return result.(*image.TopicOutcomes).Topics, nil
}

// outcomeOf is the error of one topic of a command; err is the command's own.
func outcomeOf(outcomes []image.TopicOutcome, i int, err error) error {
	if err != nil {
		return err
	}
	if r := outcomes[i].Refused; r != nil {
		return r
	}
	return nil
}

// leaderAmong chooses who leads a partition that a client assigned to these
// replicas: the first living one. They must be different and registered.
func leaderAmong(img *image.Image, replicas []int32) (leader ids.NodeID, err error) {
	leader = image.NoLeader
	seen := map[int32]bool{}
	for _, id := range replicas {
		n, ok := img.Node(ids.NodeID(id))
		switch {
		case !ok:
			return leader, refuse(kerr.InvalidReplicaAssignment, "Broker %d is assigned and not registered.", id)
		case seen[id]:
			return leader, refuse(kerr.InvalidReplicaAssignment, "Broker %d is assigned twice to a partition.", id)
		case leader == image.NoLeader && n.State == image.NodeActive:
			leader = n.ID
		}
		seen[id] = true
	}
	if leader == image.NoLeader {
		return leader, refuse(kerr.InvalidReplicaAssignment, "A partition is assigned no broker that is alive.")
	}
	return leader, nil
}
