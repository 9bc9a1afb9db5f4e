package members

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Member is what a node tells of itself.
type Member struct {
	Node         ids.NodeID
	IsBroker     bool
	IsController bool
	Zone         string
	// Address and Controller are host:port of the first listener for clients and
	// of that for controllers; "" where there is none.
	Address    string
	Controller string
	Hints
}

// Hints are the part of a [Member] that changes.
type Hints struct {
	// Load is what all that the node leads costs it, see balance.Load.Cost.
	Load uint64
	// Trouble is why it is not ready, "" while it is.
	Trouble string
}

// The frame of a member.
const (
	memberKind    = 1
	memberVersion = 1
)

func (m *Member) fields(c *wire.Coder) {
	wire.Int(c, &m.Node)
	c.Bool(&m.IsBroker)
	c.Bool(&m.IsController)
	wire.String(c, &m.Zone)
	wire.String(c, &m.Address)
	wire.String(c, &m.Controller)
	wire.Uint(c, &m.Load)
	wire.String(c, &m.Trouble)
}

// encode is the frame of a member, nil if it is longer than a limit however
// much of Trouble is left out. The member is a copy.
func (m Member) encode(bytesMax int) []byte {
	for {
		frame := wire.AppendFrame(nil, memberKind, memberVersion, m.fields)
		over := len(frame) - bytesMax
		switch {
		case over <= 0:
			return frame
		case m.Trouble == "":
			return nil
		}
		m.Trouble = m.Trouble[:max(len(m.Trouble)-over, 0)]
	}
}

// decodeMember reads a frame that is all of src.
func decodeMember(src []byte) (m Member, err error) {
	f, rest, err := wire.NextFrame(src)
	switch {
	case err != nil:
		return m, fmt.Errorf("gossip: %w", err)
	case f.Kind != memberKind || len(rest) > 0:
		return m, fmt.Errorf("gossip: frame of kind %d with %d bytes after it", f.Kind, len(rest))
	}
	return m, f.Decode("gossip of a member", memberVersion, m.fields)
}
