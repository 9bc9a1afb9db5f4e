package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// DeleteTopics (key 20)
//
// Behavior:
//   - By name or by id, each topic by itself. One that is named twice, or by
//     name and id, is refused. Internal topics go like others, as on Kafka.
//   - The topic is out of the metadata, and not served here any more, by the
//     time of the answer.
//   - With delete.topic.enable=false all are refused.
//
// Versions:
//   - 1: throttle. 3: TOPIC_DELETION_DISABLED; before, INVALID_REQUEST. 4:
//     flexible. 5: error messages. 6: topic ids.

const deletionDisabledVersion = 3

// doomed is one topic of a request and why it cannot be deleted.
type doomed struct {
	name *string // as asked for, or once found
	id   ids.TopicID
	err  error
}

func (b *Broker) deleteTopics(c *Ctx, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	ctx, cancel := adminContext(c, req.TimeoutMillis)
	defer cancel()
	asked := b.findDoomed(req)
	if !b.Config.Topics.DeleteEnable {
		code := kerr.TopicDeletionDisabled
		if req.Version < deletionDisabledVersion {
			code = kerr.InvalidRequest
		}
		for i := range asked {
			asked[i].err = refuse(code, "Topic deletion is disabled.")
		}
	}
	b.deleteDoomed(ctx, asked)
	resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
	for _, t := range asked {
		rt := kmsg.NewDeleteTopicsResponseTopic()
		rt.Topic, rt.TopicID = t.name, t.id
		rt.ErrorCode, rt.ErrorMessage = CodeOf(t.err), messageOf(t.err)
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// findDoomed looks up the topics of a request.
func (b *Broker) findDoomed(req *kmsg.DeleteTopicsRequest) []doomed {
	img := b.Metadata.Image()
	var asked []doomed
	for i := range req.TopicNames {
		asked = append(asked, doomed{name: &req.TopicNames[i]})
	}
	for i := range req.Topics {
		asked = append(asked, doomed{name: req.Topics[i].Topic, id: req.Topics[i].TopicID})
	}
	at := map[ids.TopicID]int{}
	for i := range asked {
		d := &asked[i]
		d.find(img)
		if d.err != nil {
			continue
		}
		if first, again := at[d.id]; again {
			d.err = refuse(kerr.InvalidRequest, "Topic %s is named more than once.", *d.name)
			asked[first].err = d.err
			continue
		}
		at[d.id] = i
	}
	return asked
}

// find fills in the name or the id of a topic that exists.
func (d *doomed) find(img *image.Image) {
	switch {
	case d.name == nil && d.id.IsZero():
		d.err = refuse(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	case d.name != nil && !d.id.IsZero():
		d.err = refuse(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case d.name != nil:
		if t, ok := img.TopicByName(*d.name); ok {
			d.id = t.ID
		} else {
			d.err = kerr.UnknownTopicOrPartition
		}
	default:
		if t, ok := img.Topic(d.id); ok {
			d.name = &t.Name
		} else {
			d.err = kerr.UnknownTopicID
		}
	}
}

// deleteDoomed deletes those that can be, and notes what became of them.
func (b *Broker) deleteDoomed(ctx context.Context, asked []doomed) {
	cmd := new(image.DeleteTopics)
	var of []int // by topic of the command: its place in asked
	for i := range asked {
		if asked[i].err == nil {
			cmd.Topics, of = append(cmd.Topics, asked[i].id), append(of, i)
		}
	}
	if len(of) == 0 {
		return
	}
	outcomes, err := b.changeTopics(ctx, cmd)
	for i, at := range of {
		asked[at].err = outcomeOf(outcomes, i, err)
	}
}
