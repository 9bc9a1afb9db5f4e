package image

import (
	"iter"
	"slices"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Node is a registered node. Its epoch is issued here and nowhere else.
type Node struct {
	ID          ids.NodeID
	Epoch       ids.NodeEpoch // rises with every new incarnation and every fencing
	Incarnation ids.UUID      // one life of the node's process
	Rack        string        // its zone; "" for none
	Endpoints   []Endpoint    // by listener name
	State       NodeState
	// Reach says which WALs the node can read when it has to rescue them: those
	// whose location begins with one of these.
	Reach []string
}

// CanReach says whether the node can read a WAL at a location.
func (r *Node) CanReach(location string) bool {
	return slices.ContainsFunc(r.Reach, func(prefix string) bool { return strings.HasPrefix(location, prefix) })
}

// Endpoint is where a listener of a node can be reached.
type Endpoint struct {
	Listener         string
	Host             string
	Port             uint16
	SecurityProtocol int16 // Kafka's number of it: 0 is PLAINTEXT
}

// NodeState says whether a node is thought alive. The numbers are durable.
type NodeState uint8

// The states of a node.
const (
	NodeActive  NodeState = 1 // registered and not fenced since
	NodeFenced  NodeState = 2 // its epoch was raised: it must register anew
	NodeLeaving NodeState = 3 // active, and gives up what it leads: it shuts down
	NodeRemoved NodeState = 4 // nobody expects it back; it may register anew
)

// String names the state.
func (s NodeState) String() string { return enumName(s, "", "active", "fenced", "leaving", "removed") }

// IsAlive says whether the node is not fenced and not removed: its commands
// count, and it answers for what it holds.
func (r *Node) IsAlive() bool { return r.State == NodeActive || r.State == NodeLeaving }

// RecordKind is KindNode.
func (*Node) RecordKind() RecordKind { return KindNode }

func (r *Node) fields(c *wire.Coder) {
	wire.Int(c, &r.ID)
	wire.Uint(c, &r.Epoch)
	c.UUID(&r.Incarnation)
	wire.String(c, &r.Rack)
	wire.List(c, &r.Endpoints, 4, endpointFields)
	wire.Uint(c, &r.State)
	wire.List(c, &r.Reach, 1, wire.String[string])
}

func endpointFields(c *wire.Coder, e *Endpoint) {
	wire.String(c, &e.Listener)
	wire.String(c, &e.Host)
	wire.Uint(c, &e.Port)
	wire.Int(c, &e.SecurityProtocol)
}

func (r *Node) apply(img *Image) { img.nodes.put(r.ID, r) }

// Node returns a registered node.
func (img *Image) Node(id ids.NodeID) (*Node, bool) { return img.nodes.get(id) }

// EpochOf is the epoch of a node, 0 if it never registered.
func (img *Image) EpochOf(id ids.NodeID) ids.NodeEpoch {
	if n, ok := img.nodes.get(id); ok {
		return n.Epoch
	}
	return 0
}

// Nodes walks the registered nodes by id, fenced ones too.
func (img *Image) Nodes() iter.Seq[*Node] { return img.nodes.values() }

// Endpoint returns the node's endpoint on a listener.
func (r *Node) Endpoint(listener string) (Endpoint, bool) {
	for _, e := range r.Endpoints {
		if e.Listener == listener {
			return e, true
		}
	}
	return Endpoint{}, false
}
