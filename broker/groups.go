package broker

import (
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/coordinator"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// What the APIs of consumer groups share. What a request means is decided in
// package group; here topics are resolved and checked.

// Groups coordinates consumer groups: a [coordinator.Coordinator].
type Groups interface {
	// Handle answers r by one call of reply, which may come at once or later,
	// on any goroutine, and must not block.
	Handle(r coordinator.Request, reply func(kmsg.Response))
	// PartitionFor is the partition of the offsets topic that a group is in.
	PartitionFor(group string) int32
}

// askGroups has a request answered by the coordinator. amend, unless nil,
// changes the answer before it is sent.
func (b *Broker) askGroups(c *Ctx, req kmsg.Request, t Ticket, amend func(kmsg.Response)) {
	r := coordinator.Request{ClientID: c.ClientID, ClientHost: clientHost(c.Conn.RemoteAddr()), Req: req, Bytes: len(c.Body)}
	b.Groups.Handle(r, func(resp kmsg.Response) {
		if amend != nil {
			amend(resp)
		}
		Reply(t, resp)
	})
}

// clientHost is a client's address as Kafka shows it in group descriptions.
func clientHost(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		host = addr.String()
	}
	return "/" + host
}

// groupTopic finds a topic as a request about groups names it, by id or, when
// that is zero, by name.
func groupTopic(img *image.Image, id ids.TopicID, name string) (*image.Topic, bool) {
	if id.IsZero() {
		return img.TopicByName(name)
	}
	return img.Topic(id)
}

// splitMissing divides the partitions that a request names of a topic, which is
// nil if it does not exist: those that exist stay, in place; of the others it
// returns the indexes.
func splitMissing[P any](img *image.Image, topic *image.Topic, named []P, index func(*P) int32) (there []P, missing []int32) {
	there = named[:0]
	for i := range named {
		at := index(&named[i])
		exists := false
		if topic != nil {
			_, exists = img.Partition(topic.ID, at)
		}
		if exists {
			there = append(there, named[i])
		} else {
			missing = append(missing, at)
		}
	}
	return there, missing
}

// mergeTopics adds the topics that were refused to those of the coordinator's
// answer, and joins two of the same name.
func mergeTopics[T any, K comparable](answered, refused []T, name func(*T) K, join func(into, from *T)) []T {
	at := make(map[K]int, len(answered))
	for i := range answered {
		at[name(&answered[i])] = i
	}
	for i := range refused {
		if j, ok := at[name(&refused[i])]; ok {
			join(&answered[j], &refused[i])
		} else {
			answered = append(answered, refused[i])
		}
	}
	return answered
}
