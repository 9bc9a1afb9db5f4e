package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// CreatePartitions (key 37)
//
// Behavior:
//   - Raises a topic's number of partitions to the one asked for; anything but
//     more is INVALID_PARTITIONS. Those added are served by the time of the
//     answer.
//   - Replicas may be assigned by hand, as many as partitions are added; the
//     first living one leads.
//   - The topic of consumer groups is refused: groups are mapped by its number.
//
// Versions:
//   - 0 to 3; 2 is flexible, 3 may answer THROTTLING_QUOTA_EXCEEDED, which
//     nobody gets.

func (b *Broker) createPartitions(c *Ctx, req *kmsg.CreatePartitionsRequest) kmsg.Response {
	ctx, cancel := adminContext(c, req.TimeoutMillis)
	defer cancel()
	errs, cmd, of := b.planMore(req)
	if !req.ValidateOnly && len(of) > 0 {
		outcomes, err := b.changeTopics(ctx, cmd)
		for i, at := range of {
			errs[at] = outcomeOf(outcomes, i, err)
		}
	}
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	for i := range req.Topics {
		rt := kmsg.NewCreatePartitionsResponseTopic()
		rt.Topic = req.Topics[i].Topic
		rt.ErrorCode, rt.ErrorMessage = CodeOf(errs[i]), messageOf(errs[i])
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// planMore checks a request. It returns the error of each topic, the command
// for those without, and where each of that command's topics stands.
func (b *Broker) planMore(req *kmsg.CreatePartitionsRequest) (errs []error, cmd *image.CreatePartitions, of []int) {
	img := b.Metadata.Image()
	placer := balance.NewPlacer(img, nil)
	cmd = new(image.CreatePartitions)
	errs = make([]error, len(req.Topics))
	times := map[string]int{}
	for i := range req.Topics {
		times[req.Topics[i].Topic]++
	}
	partitions := 0
	for i := range req.Topics {
		t := &req.Topics[i]
		if times[t.Topic] > 1 {
			errs[i] = refuse(kerr.InvalidRequest, "Duplicate topic name.")
			continue
		}
		var more image.MorePartitions
		if more, errs[i] = planGrowth(img, t, placer); errs[i] != nil {
			continue
		}
		if partitions += len(more.Leaders); partitions > newPartitionsMax {
			errs[i] = refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
			continue
		}
		cmd.Topics, of = append(cmd.Topics, more), append(of, i)
	}
	return errs, cmd, of
}

// planGrowth chooses the leaders of the partitions that are added to a topic.
func planGrowth(img *image.Image, t *kmsg.CreatePartitionsRequestTopic, placer *balance.Placer) (more image.MorePartitions, err error) {
	topic, ok := img.TopicByName(t.Topic)
	if !ok {
		return more, refuse(kerr.UnknownTopicOrPartition, "Topic '%s' does not exist.", t.Topic)
	}
	if isInternal(t.Topic) {
		return more, refuse(kerr.InvalidTopicException, "The number of partitions of %s is fixed.", t.Topic)
	}
	more.Topic, more.Expected = topic.ID, img.PartitionCount(topic.ID)
	added := int(t.Count) - int(more.Expected)
	switch {
	case added == 0:
		return more, refuse(kerr.InvalidPartitions, "Topic already has %d partition(s).", more.Expected)
	case added < 0:
		return more, refuse(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.",
			t.Topic, more.Expected, t.Count)
	case added > newPartitionsMax:
		return more, refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	case t.Assignment == nil:
		if more.Leaders = placer.Place(added); more.Leaders == nil {
			return more, refuse(kerr.InvalidReplicationFactor, "No broker is alive to lead a partition.")
		}
		return more, nil
	case len(t.Assignment) != added:
		return more, refuse(kerr.InvalidReplicaAssignment, "%d partition(s) are added, but %d are assigned.",
			added, len(t.Assignment))
	}
	more.Leaders = make([]ids.NodeID, added)
	for i, a := range t.Assignment {
		if more.Leaders[i], err = leaderAmong(img, a.Replicas); err != nil {
			return more, err
		}
	}
	return more, nil
}
