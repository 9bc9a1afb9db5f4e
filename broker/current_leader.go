package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// leaderHints gathers, for one answer to Produce or Fetch, who leads the
// partitions that are led elsewhere (KIP-951): a client that is told goes
// there at once, without asking for metadata.
type leaderHints struct {
	view   view
	self   ids.NodeID
	wanted bool // the answer's version has room for them
	nodes  []clientBroker
}

// leaderHints begins the hints of an answer. It costs nothing until one is
// needed. A broker whose lease is over gives none: it cannot know who leads.
func (b *Broker) leaderHints(c *Ctx, wanted bool) leaderHints {
	h := leaderHints{self: b.Node, wanted: wanted && (b.Lease == nil || b.Lease.Valid())}
	if h.wanted {
		h.view = b.view(c)
	}
	return h
}

// due says whether a partition that is answered with code gets a hint.
func (h *leaderHints) due(code int16) bool {
	return h.wanted && (code == kerr.NotLeaderForPartition.Code || code == kerr.FencedLeaderEpoch.Code)
}

// leader is who leads a partition, and since which epoch; ok is false while
// nobody can be reached, and while it is this broker, which does not serve the
// partition yet: a client that was sent to where it comes from would not ask
// again. The topic is named by id or, when that is zero, by name.
func (h *leaderHints) leader(id ids.TopicID, name string, index int32) (leader, epoch int32, ok bool) {
	p := h.partition(id, name, index)
	if p == nil || p.Leader == h.self {
		return -1, -1, false
	}
	n, err := h.view.leader(p)
	if err != nil {
		return -1, -1, false
	}
	if !slices.ContainsFunc(h.nodes, func(have clientBroker) bool { return have.id == n.id }) {
		h.nodes = append(h.nodes, n)
	}
	return n.id, p.LeaderEpoch, true
}

func (h *leaderHints) partition(id ids.TopicID, name string, index int32) *image.Partition {
	if id.IsZero() {
		t, ok := h.view.TopicByName(name)
		if !ok {
			return nil
		}
		id = t.ID
	}
	p, _ := h.view.Partition(id, index)
	return p
}

// currentLeaderBytes is the length of a leader, its epoch and no tags.
const currentLeaderBytes = 4 + 4 + 1

// appendLeader ends a partition's part of an answer: with its leader, should
// that be known, as tagged field tag.
func (h *leaderHints) appendLeader(w *wireWriter, tag uint32, id ids.TopicID, name string, index int32) {
	leader, epoch, ok := h.leader(id, name, index)
	if !ok {
		w.noTags()
		return
	}
	w.uvarint(1)
	w.uvarint(tag)
	w.uvarint(currentLeaderBytes)
	w.int32(leader)
	w.int32(epoch)
	w.noTags()
}

// nodeEndpointsTag is the tagged field of both answers that has the addresses
// of the leaders they name.
const nodeEndpointsTag = 0

// appendNodes ends an answer: with the addresses of the leaders that it named.
func (h *leaderHints) appendNodes(w *wireWriter) {
	if len(h.nodes) == 0 {
		w.noTags()
		return
	}
	list := wireWriter{flexible: true}
	list.array(len(h.nodes))
	for _, n := range h.nodes {
		list.int32(n.id)
		list.string(n.host)
		list.int32(n.port)
		if n.rack == nil {
			list.nullableString("")
		} else {
			list.string(*n.rack)
		}
		list.noTags()
	}
	w.uvarint(1)
	w.uvarint(nodeEndpointsTag)
	w.uvarint(uint32(len(list.b)))
	w.b = append(w.b, list.b...)
}
