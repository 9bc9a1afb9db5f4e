package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// CreateTopics (key 19)
//
// Behavior:
//   - Each topic is made or refused by itself; one named twice is refused.
//     Those made are served by the time of the answer.
//   - Any replication factor is accepted and told back as asked for; one
//     replica is stored. Of replicas assigned by hand the first living one
//     leads.
//   - Leaders go to the brokers that lead least.
//   - A setting that no topic may carry, or a bad value, is INVALID_CONFIG.
//   - The topic of consumer groups has the broker's number of partitions or
//     none: groups are mapped by it.
//   - Validate-only checks all that and makes nothing.
//
// Versions:
//   - 2: validate-only, throttle. 4: -1 for the default number of partitions
//     and replicas. 5: flexible; the answer has them and the settings. 7: and
//     the topic's id.

func (b *Broker) createTopicsRequest(c *Ctx, req *kmsg.CreateTopicsRequest) kmsg.Response {
	ctx, cancel := adminContext(c, req.TimeoutMillis)
	defer cancel()
	plan := b.planTopics(req)
	if !req.ValidateOnly {
		b.carryOut(ctx, plan)
	}
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for i := range plan {
		resp.Topics = append(resp.Topics, b.plannedTopic(&plan[i]))
	}
	return resp
}

// topicPlan is a topic to be made, or why it is not.
type topicPlan struct {
	image.NewTopic
	replicationFactor int16
	settings          map[string]string
	err               error
}

// planTopics checks the topics of a request. One that is named twice stands
// once in the plan.
func (b *Broker) planTopics(req *kmsg.CreateTopicsRequest) []topicPlan {
	img := b.Metadata.Image()
	placer := balance.NewPlacer(img, nil)
	var plan []topicPlan
	at := map[string]int{}
	partitions := 0
	for i := range req.Topics {
		t := &req.Topics[i]
		if first, again := at[t.Topic]; again {
			plan[first].err = refuse(kerr.InvalidRequest, "Duplicate topic name.")
			continue
		}
		at[t.Topic] = len(plan)
		p := topicPlan{NewTopic: image.NewTopic{Name: t.Topic, ID: b.newTopicID()}}
		p.err = b.planName(img, t.Topic)
		if p.err == nil {
			p.err = b.planSettings(&p, t.Configs)
		}
		if p.err == nil {
			p.err = b.planPartitions(img, &p, t, placer)
		}
		if partitions += len(p.Leaders); partitions > newPartitionsMax && p.err == nil {
			p.err = refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
		}
		plan = append(plan, p)
	}
	return plan
}

// planName refuses a name that is not allowed or not free.
func (b *Broker) planName(img *image.Image, name string) error {
	if r := image.CheckTopicName(name); r != nil {
		return refuse(kerr.InvalidTopicException, "Topic name is invalid: %s.", r.Detail)
	}
	if _, exists := img.TopicByName(name); exists {
		return refuse(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	return nil
}

// planSettings takes over the settings of a topic.
func (b *Broker) planSettings(p *topicPlan, configs []kmsg.CreateTopicsRequestTopicConfig) error {
	p.settings = map[string]string{}
	for _, c := range configs {
		if c.Value == nil {
			return refuse(kerr.InvalidConfig, "Null value not supported for topic config: %s", c.Name)
		}
		p.settings[c.Name] = *c.Value
	}
	if err := b.checkTopicValues(b.Metadata.Image(), p.settings); err != nil {
		return err
	}
	for _, name := range sortedKeys(p.settings) {
		p.Configs = append(p.Configs, image.ConfigEntry{Name: name, Value: p.settings[name]})
	}
	return nil
}

// planPartitions chooses the leaders of a topic.
func (b *Broker) planPartitions(img *image.Image, p *topicPlan, t *kmsg.CreateTopicsRequestTopic, placer *balance.Placer) error {
	if len(t.ReplicaAssignment) > 0 {
		return p.assign(img, t)
	}
	n, def := int(t.NumPartitions), b.Config.Topics.NumPartitions
	if t.Topic == partition.OffsetsTopic {
		def = b.Config.Offsets.NumPartitions
	}
	p.replicationFactor = t.ReplicationFactor
	if t.ReplicationFactor == -1 {
		p.replicationFactor = int16(b.Config.Topics.ReplicationFactor)
	}
	if n == -1 {
		n = def
	}
	switch {
	case p.replicationFactor <= 0:
		return refuse(kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	case n <= 0:
		return refuse(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	case t.Topic == partition.OffsetsTopic && n != def:
		return refuse(kerr.InvalidPartitions, "%s has offsets.topic.num.partitions=%d partitions.", t.Topic, def)
	case n > newPartitionsMax:
		return refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	if p.Leaders = placer.Place(n); p.Leaders == nil {
		return refuse(kerr.InvalidReplicationFactor, "No broker is alive to lead a partition.")
	}
	return nil
}

// assign takes over the replicas that the client assigned.
func (p *topicPlan) assign(img *image.Image, t *kmsg.CreateTopicsRequestTopic) error {
	switch {
	case t.ReplicationFactor != -1 || t.NumPartitions != -1:
		return refuse(kerr.InvalidRequest,
			"Replicas are assigned by hand: the replication factor and the number of partitions must be -1.")
	case t.Topic == partition.OffsetsTopic:
		return refuse(kerr.InvalidReplicaAssignment, "%s cannot be assigned by hand.", t.Topic)
	}
	leaders := make([]ids.NodeID, len(t.ReplicaAssignment))
	assigned := make([]bool, len(leaders))
	p.replicationFactor = int16(len(t.ReplicaAssignment[0].Replicas))
	for _, a := range t.ReplicaAssignment {
		switch {
		case a.Partition < 0 || int(a.Partition) >= len(leaders):
			return refuse(kerr.InvalidReplicaAssignment, "Partitions must be numbered from 0 without gaps.")
		case assigned[a.Partition]:
			return refuse(kerr.InvalidReplicaAssignment, "Partition %d is assigned twice.", a.Partition)
		case len(a.Replicas) != int(p.replicationFactor):
			return refuse(kerr.InvalidReplicaAssignment, "Partitions must have equal numbers of replicas.")
		}
		leader, err := leaderAmong(img, a.Replicas)
		if err != nil {
			return err
		}
		leaders[a.Partition], assigned[a.Partition] = leader, true
	}
	p.Leaders = leaders
	return nil
}

// carryOut makes what is in order of a plan, and notes what became of it.
func (b *Broker) carryOut(ctx context.Context, plan []topicPlan) {
	var topics []image.NewTopic
	var of []int // by topic: its place in the plan
	for i := range plan {
		if plan[i].err == nil {
			topics, of = append(topics, plan[i].NewTopic), append(of, i)
		}
	}
	if len(topics) == 0 {
		return
	}
	outcomes, err := b.createTopics(ctx, topics)
	for i, at := range of {
		p := &plan[at]
		p.err = outcomeOf(outcomes, i, err)
		if r, ok := errors.AsType[*image.Refusal](p.err); ok && r.Reason == image.TopicExists {
			p.err = b.nameTaken(p.Name, r)
		}
	}
}

// nameTaken tells a topic that exists from one whose name differs too little.
func (b *Broker) nameTaken(name string, r *image.Refusal) error {
	if err := b.planName(b.Metadata.Image(), name); err != nil {
		return err
	}
	return refuse(kerr.InvalidTopicException, "Topic '%s' cannot be made: %s", name, r.Detail)
}

// plannedTopic answers for one topic.
func (b *Broker) plannedTopic(p *topicPlan) kmsg.CreateTopicsResponseTopic {
	rt := kmsg.NewCreateTopicsResponseTopic()
	rt.Topic = p.Name
	rt.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	if p.err != nil {
		rt.ErrorCode, rt.ErrorMessage = CodeOf(p.err), messageOf(p.err)
		return rt
	}
	rt.TopicID = p.ID
	rt.NumPartitions, rt.ReplicationFactor = int32(len(p.Leaders)), p.replicationFactor
	for _, e := range b.config().DescribeTopic(p.settings) {
		c := kmsg.NewCreateTopicsResponseTopicConfig()
		c.Name, c.Source, c.IsSensitive = e.Def.Name, int8(e.Source), e.Def.Sensitive
		if e.HasValue {
			c.Value = &e.Value
		}
		rt.Configs = append(rt.Configs, c)
	}
	return rt
}
