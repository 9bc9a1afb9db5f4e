package node

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta"
)

// tellStanding answers what the active controller alone knows.
func (n *Node) tellStanding(_ *broker.Ctx, t broker.Ticket) {
	payload := []byte{0} // another one is active
	if term, _ := n.controller.Term(); term != 0 {
		payload = encodeMessage(standingMessage, n.ownStanding().fields)
	}
	broker.Reply(t, &peer.Response{APIKey: peer.KeyStanding, Payload: payload})
}

// ownStanding is what the controller in this process knows of voters and nodes.
func (n *Node) ownStanding() *standing {
	q := n.controller.Quorum()
	m := &standing{lastIndex: n.controller.Image().Index()}
	for _, v := range q.Voters {
		m.voters = append(m.voters, voterStanding{v.Node, logEnd(v)})
	}
	passed := map[ids.NodeID]uint64{}
	for _, o := range q.Observers {
		passed[o.Node] = o.Index
	}
	for x := range n.controller.Image().Nodes() {
		m.nodes = append(m.nodes, n.nodeStanding(x.ID, passed[x.ID]))
	}
	return m
}

func (n *Node) nodeStanding(id ids.NodeID, passed uint64) nodeStanding {
	s := nodeStanding{node: id, index: passed, reportMillis: -1}
	r, age, ok := n.duties.LastReport(id)
	if !ok {
		return s
	}
	s.reportMillis, s.untrimmed, s.rescueMillis = age.Milliseconds(), r.UntrimmedBytes, uint64(r.RescueTime.Milliseconds())
	for _, l := range r.Loads {
		s.bytesIn += uint64(l.BytesIn)
		s.bytesOut += uint64(l.BytesOut)
		s.requests += uint64(l.Requests)
	}
	return s
}

// askStanding has the active controller tell, whoever it is.
func (n *Node) askStanding(ctx context.Context) (*standing, error) {
	ctx, cancel := context.WithTimeout(ctx, controllerAnswerMax)
	defer cancel()
	resp, err := n.controllers.ask(ctx, &peer.Request{APIKey: peer.KeyStanding})
	if err != nil {
		return nil, fmt.Errorf("ask the active controller how nodes stand: %w", err)
	}
	m := new(standing)
	return m, decodeMessage(standingMessage, "standing", resp.(*peer.Response).Payload, m.fields)
}

// view is what this node knows beside its image. Without an active controller
// it is what it knows by itself.
func (n *Node) view(ctx context.Context) status.View {
	v := status.View{Seen: n.cfg.Node.ID, Lag: n.observer.Lag(), Lost: n.observer.Lost()}
	m, err := n.askStanding(ctx)
	if err != nil {
		v.Unknown = err.Error()
	} else {
		v.Nodes = map[ids.NodeID]status.Known{}
		for _, s := range m.nodes {
			v.Nodes[s.node] = s.known(m.lastIndex)
		}
		for _, c := range m.voters {
			v.Controllers = append(v.Controllers, status.Controller{ID: c.node, LogEnd: c.logEnd})
		}
	}
	v.Controller = n.activeController()
	if v.Controllers == nil {
		v.Controllers = n.ownVoters()
	}
	if n.gossip != nil {
		v.Gossip = map[ids.NodeID]string{n.cfg.Node.ID: n.hints().Trouble}
		for _, x := range n.gossip.Living() {
			v.Gossip[x.Node] = x.Trouble
		}
	}
	return v
}

func (s *nodeStanding) known(lastIndex uint64) status.Known {
	return status.Known{
		MetadataLag: max(lastIndex, s.index) - s.index, Told: s.reportMillis >= 0,
		UntrimmedBytes: s.untrimmed, RescueSeconds: float64(s.rescueMillis) / 1e3,
		BytesIn: s.bytesIn, BytesOut: s.bytesOut, Requests: s.requests,
	}
}

// ownVoters are the controllers as far as this process knows them.
func (n *Node) ownVoters() (all []status.Controller) {
	if n.controller != nil {
		for _, v := range n.controller.Quorum().Voters {
			all = append(all, status.Controller{ID: v.Node, LogEnd: logEnd(v)})
		}
		return all
	}
	for _, v := range n.cfg.Controller.Voters {
		all = append(all, status.Controller{ID: ids.NodeID(v.ID), LogEnd: -1})
	}
	return all
}

// logEnd is how far a voter's log goes, -1 if that is not known.
func logEnd(v kraftmeta.Voting) int64 {
	if !v.Known {
		return -1
	}
	return int64(v.Log.Index)
}
