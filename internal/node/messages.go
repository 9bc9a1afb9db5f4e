package node

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
	"github.com/seawallmq/seawall/s3stream"
)

// The messages between nodes that are the node's own: one frame each, with its
// version.
const (
	messageVersion = 1

	raftHelloMessage    = 1
	rescueFailedMessage = 2
	reportMessage       = 3
	readTailMessage     = 4
	tailStateMessage    = 5
	standingMessage     = 6
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

// report is a broker's to the active controller, see [duties.Report].
type report struct {
	node         ids.NodeID
	epoch        ids.NodeEpoch
	untrimmed    uint64 // bytes
	rescueMillis uint64
	streams      []streamLoad
}

// streamLoad is rates a second, in whole numbers.
type streamLoad struct {
	stream                      ids.StreamID
	bytesIn, bytesOut, requests uint64
}

func (m *report) fields(c *wire.Coder) {
	wire.Int(c, &m.node)
	wire.Uint(c, &m.epoch)
	wire.Uint(c, &m.untrimmed)
	wire.Uint(c, &m.rescueMillis)
	wire.List(c, &m.streams, 4, func(c *wire.Coder, s *streamLoad) {
		wire.Uint(c, &s.stream)
		wire.Uint(c, &s.bytesIn)
		wire.Uint(c, &s.bytesOut)
		wire.Uint(c, &s.requests)
	})
}

func newReport(node ids.NodeID, epoch ids.NodeEpoch, r duties.Report) *report {
	m := &report{
		node: node, epoch: epoch, untrimmed: r.UntrimmedBytes, rescueMillis: uint64(r.RescueTime.Milliseconds()),
	}
	for stream, l := range r.Loads {
		m.streams = append(m.streams, streamLoad{stream, uint64(l.BytesIn), uint64(l.BytesOut), uint64(l.Requests)})
	}
	return m
}

func (m *report) report() duties.Report {
	r := duties.Report{
		Loads: make(balance.Loads, len(m.streams)), UntrimmedBytes: m.untrimmed,
		RescueTime: time.Duration(min(m.rescueMillis, rescueMillisMax)) * time.Millisecond,
	}
	for _, s := range m.streams {
		r.Loads[s.stream] = balance.Load{
			BytesIn: float64(s.bytesIn), BytesOut: float64(s.bytesOut), Requests: float64(s.requests),
		}
	}
	return r
}

// rescueMillisMax keeps a duration from running over.
const rescueMillisMax = 1 << 40

// readTail asks for batches of a closed tail.
type readTail struct {
	s3stream.TailRead
}

func (m *readTail) fields(c *wire.Coder) {
	wire.Uint(c, &m.Stream)
	wire.Uint(c, &m.Epoch)
	wire.Int(c, &m.From)
	wire.Int(c, &m.UpTo)
	most := int64(m.MaxBytes)
	wire.Int(c, &most)
	m.MaxBytes = int(most)
	c.Bool(&m.MinOne)
}

// tailState asks for a stream's producers where it ends.
type tailState struct {
	stream ids.StreamID
	end    int64
}

func (m *tailState) fields(c *wire.Coder) {
	wire.Uint(c, &m.stream)
	wire.Int(c, &m.end)
}

// standing is what the active controller alone knows of the nodes.
type standing struct {
	lastIndex uint64 // the newest in its metadata
	voters    []voterStanding
	nodes     []nodeStanding
}

// voterStanding is how far a voter's log goes, -1 if that is not known.
type voterStanding struct {
	node   ids.NodeID
	logEnd int64
}

// nodeStanding is what is known of a node. Of a report that never came,
// reportMillis is -1.
type nodeStanding struct {
	node         ids.NodeID
	index        uint64 // of the metadata that it has taken in; 0 if it never said
	reportMillis int64  // the age of the report that the rest is from
	untrimmed    uint64
	rescueMillis uint64
	bytesIn      uint64 // a second, as the others
	bytesOut     uint64
	requests     uint64
}

func (m *standing) fields(c *wire.Coder) {
	wire.Uint(c, &m.lastIndex)
	wire.List(c, &m.voters, 2, func(c *wire.Coder, v *voterStanding) {
		wire.Int(c, &v.node)
		wire.Int(c, &v.logEnd)
	})
	wire.List(c, &m.nodes, 8, func(c *wire.Coder, n *nodeStanding) {
		wire.Int(c, &n.node)
		wire.Uint(c, &n.index)
		wire.Int(c, &n.reportMillis)
		wire.Uint(c, &n.untrimmed)
		wire.Uint(c, &n.rescueMillis)
		wire.Uint(c, &n.bytesIn)
		wire.Uint(c, &n.bytesOut)
		wire.Uint(c, &n.requests)
	})
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
