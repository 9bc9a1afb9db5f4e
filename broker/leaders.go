package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// What the APIs that change leaders share. A partition's only replica is its
// leader, so to reassign a partition and to elect its leader are one thing: the
// metadata names another leader, the old one closes its tail, and the new one
// goes on at that end.

// namedPartition is a partition as requests name it.
type namedPartition struct {
	topic string
	index int32
}

// changedPartition is a partition of a request that changes leaders.
type changedPartition struct {
	namedPartition
	to  image.NewLeader // what to submit, unless err is set
	err error
}

// errNothingToDo ends a change that asks for what is already so.
var errNothingToDo = errors.New("broker: nothing to do")

// findPartition finds a partition in the metadata.
func findPartition(img *image.Image, named namedPartition) (*image.Partition, error) {
	t, ok := img.TopicByName(named.topic)
	if !ok {
		return nil, refuse(kerr.UnknownTopicOrPartition, "The topic does not exist.")
	}
	p, ok := img.Partition(t.ID, named.index)
	if !ok {
		return nil, refuse(kerr.UnknownTopicOrPartition, "The partition does not exist.")
	}
	return p, nil
}

// allPartitions names every partition, in the order of the topics' names.
func allPartitions(v view) (all []namedPartition) {
	for _, t := range v.topicsByName() {
		for p := range v.Partitions(t.ID) {
			all = append(all, namedPartition{t.Name, p.Index})
		}
	}
	return all
}

// changeLeaders carries out those of the changes that have no error, by one
// command, and notes what became of each.
func (b *Broker) changeLeaders(ctx context.Context, changes []changedPartition) {
	cmd := new(image.SetLeaders)
	var of []int // by partition of the command: its place in changes
	for i := range changes {
		if changes[i].err == nil {
			cmd.Partitions, of = append(cmd.Partitions, changes[i].to), append(of, i)
		}
	}
	if len(of) == 0 {
		return
	}
	result, _, err := b.Metadata.Submit(ctx, cmd)
	for i, at := range of {
		switch {
		case err != nil:
			changes[at].err = err
		default:
			if reason := result.(*image.StreamOutcomes).Refused[i]; reason != image.NotRefused {
				changes[at].err = &image.Refusal{Reason: reason}
			}
		}
	}
}

// perTopic gathers the answers for partitions under their topics, in the order
// of their first mention.
func perTopic[C interface{ name() string }, T, P any](changes []C, topic func(name string) T, parts func(*T) *[]P,
	part func(C) P) (out []T) {
	at := map[string]int{}
	for _, c := range changes {
		i, ok := at[c.name()]
		if !ok {
			i = len(out)
			at[c.name()] = i
			out = append(out, topic(c.name()))
		}
		ps := parts(&out[i])
		*ps = append(*ps, part(c))
	}
	return out
}

func (p namedPartition) name() string { return p.topic }
