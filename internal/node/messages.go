package node

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// The messages between nodes that are the node's own: one frame each, with its
// version.
const (
	messageVersion = 1

	raftHelloMessage    = 1
	rescueFailedMessage = 2
	loadsMessage        = 3
)

// raftHello begins a connection between voters.
type raftHello struct {
	cluster  ids.UUID
	to, from ids.NodeID
}

func (h *raftHello) fields(c *wire.Coder) {
	c.UUID(&h.cluster)
	wire.Int(c, &h.to)
	wire.Int(c, &h.from)
}

// rescueFailed says that a node cannot rescue a WAL that it is to.
type rescueFailed struct {
	node     ids.NodeID
	epoch    ids.NodeEpoch
	instance ids.WALInstance
	why      string
}

func (m *rescueFailed) fields(c *wire.Coder) {
	wire.Int(c, &m.node)
	wire.Uint(c, &m.epoch)
	c.UUID(&m.instance)
	wire.String(c, &m.why)
}

// loads says what the partitions that a node leads cost it.
type loads struct {
	node    ids.NodeID
	epoch   ids.NodeEpoch
	streams []streamLoad
}

// streamLoad is rates a second, in whole numbers.
type streamLoad struct {
	stream                      ids.StreamID
	bytesIn, bytesOut, requests uint64
}

func (m *loads) fields(c *wire.Coder) {
	wire.Int(c, &m.node)
	wire.Uint(c, &m.epoch)
	wire.List(c, &m.streams, 4, func(c *wire.Coder, s *streamLoad) {
		wire.Uint(c, &s.stream)
		wire.Uint(c, &s.bytesIn)
		wire.Uint(c, &s.bytesOut)
		wire.Uint(c, &s.requests)
	})
}

func newLoads(node ids.NodeID, epoch ids.NodeEpoch, of balance.Loads) *loads {
	m := &loads{node: node, epoch: epoch}
	for stream, l := range of {
		m.streams = append(m.streams, streamLoad{stream, uint64(l.BytesIn), uint64(l.BytesOut), uint64(l.Requests)})
	}
	return m
}

func (m *loads) loads() balance.Loads {
	of := make(balance.Loads, len(m.streams))
	for _, s := range m.streams {
		of[s.stream] = balance.Load{
			BytesIn: float64(s.bytesIn), BytesOut: float64(s.bytesOut), Requests: float64(s.requests),
		}
	}
	return of
}

func encodeMessage(kind uint8, fields func(*wire.Coder)) []byte {
	return wire.AppendFrame(nil, kind, messageVersion, fields)
}

// decodeMessage reads a message that is all of src.
func decodeMessage(kind uint8, what string, src []byte, fields func(*wire.Coder)) error {
	f, rest, err := wire.NextFrame(src)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case f.Kind != kind || len(rest) > 0:
		return fmt.Errorf("%s: frame of kind %d with %d bytes after it", what, f.Kind, len(rest))
	}
	return f.Decode(what, messageVersion, fields)
}
