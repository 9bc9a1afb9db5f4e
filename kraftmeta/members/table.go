package members

import (
	"errors"
	"fmt"

	"github.com/hashicorp/memberlist"
)

// hooks are what memberlist calls. It holds its own locks meanwhile.
type hooks struct{ *Members }

// NotifyAlive implements memberlist.AliveDelegate: it refuses who cannot be
// read, and too many.
func (m hooks) NotifyAlive(n *memberlist.Node) error {
	x, err := decodeMember(n.Meta)
	if err != nil {
		return err
	}
	if x.Node.String() != n.Name || x.Node < 0 {
		return fmt.Errorf("gossip: node %d calls itself %q", x.Node, n.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.living[x.Node]; !known && len(m.living) >= membersMax {
		return errors.New("gossip: too many members")
	}
	return nil
}

// NotifyJoin implements memberlist.EventDelegate.
func (m hooks) NotifyJoin(n *memberlist.Node) { m.heard(n) }

// NotifyUpdate implements memberlist.EventDelegate.
func (m hooks) NotifyUpdate(n *memberlist.Node) { m.heard(n) }

func (m *Members) heard(n *memberlist.Node) {
	x, err := decodeMember(n.Meta)
	if err != nil || x.Node == m.cfg.Self.Node { // NotifyAlive has refused the former
		return
	}
	m.mu.Lock()
	_, known := m.living[x.Node]
	m.living[x.Node] = x
	m.mu.Unlock()
	if !known {
		m.cfg.Log.Info("gossip: node heard of", "node", x.Node, "at", n.Address())
	}
	if m.cfg.Changed != nil {
		m.cfg.Changed(x)
	}
}

// NotifyLeave implements memberlist.EventDelegate.
func (m hooks) NotifyLeave(n *memberlist.Node) {
	x, err := decodeMember(n.Meta)
	if err != nil || x.Node == m.cfg.Self.Node {
		return
	}
	m.mu.Lock()
	delete(m.living, x.Node)
	m.mu.Unlock()
	m.cfg.Log.Info("gossip: node not heard of any more", "node", x.Node)
}

// NodeMeta implements memberlist.Delegate.
func (m hooks) NodeMeta(limit int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.self.encode(limit)
}

// NotifyMsg, GetBroadcasts, LocalState and MergeRemoteState implement
// memberlist.Delegate: there are no messages beside what members tell of
// themselves.
func (m hooks) NotifyMsg([]byte) {}

// GetBroadcasts: see NotifyMsg.
func (m hooks) GetBroadcasts(_, _ int) [][]byte { return nil }

// LocalState: see NotifyMsg.
func (m hooks) LocalState(bool) []byte { return nil }

// MergeRemoteState: see NotifyMsg.
func (m hooks) MergeRemoteState([]byte, bool) {}
