package group

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncGroup answers SyncGroup with the member's assignment, or parks it until
// the leader's assignment is durable.
func (s *Shard) syncGroup(token Token, req *kmsg.SyncGroupRequest) {
	g, code := s.checkSync(req)
	if code != None {
		s.fail(token, req, code)
		return
	}
	m := g.members[req.MemberID]
	delete(g.pendingSyncs, m.id)
	if len(g.pendingSyncs) == 0 {
		s.stop(&g.syncTimer)
	}
	if g.state == Stable {
		s.reply(token, synced(g, m)(req.Version))
		return
	}
	// A sync parked before belongs to a connection that the client has given up.
	s.answerSync(m, syncError(RebalanceInProgress))
	m.sync = &parked{token: token, version: req.Version}
	if g.leaderID == m.id && !g.assigning {
		s.assign(g, req.GroupAssignment)
	}
}

// checkSync finds the group of a sync that may be served in its state.
func (s *Shard) checkSync(req *kmsg.SyncGroupRequest) (*group, Code) {
	if req.Group == "" {
		return nil, InvalidGroupID
	}
	g := s.groups[req.Group]
	switch {
	case g == nil || g.state == Empty:
		return nil, UnknownMemberID
	case g.state == Dead:
		return nil, CoordinatorNotAvailable
	}
	if code := g.checkMember(req.MemberID, req.InstanceID); code != None {
		return nil, code
	}
	switch {
	case req.Generation != g.generation:
		return nil, IllegalGeneration
	case differs(req.ProtocolType, g.protocolType) || differs(req.Protocol, g.protocol):
		return nil, InconsistentGroupProtocol
	case g.state == PreparingRebalance:
		return nil, RebalanceInProgress
	}
	return g, None
}

func differs(asked *string, actual string) bool {
	return asked != nil && actual != "" && *asked != actual
}

// assign makes the leader's assignment durable, and then hands it out.
func (s *Shard) assign(g *group, from []kmsg.SyncGroupRequestGroupAssignment) {
	assignments := make(map[string][]byte, len(from))
	for _, a := range from {
		assignments[a.MemberID] = bytes.Clone(a.MemberAssignment)
	}
	generation := g.generation
	g.assigning = true
	metadata := change{group: g.id, metadata: g.encodeMetadata(assignments)}
	s.append([]change{metadata}, func(code Code) {
		if g.state != CompletingRebalance || g.generation != generation {
			return // another rebalance began, and answered those who waited
		}
		g.assigning = false
		if code != None {
			s.cancelSyncs(g, code)
			s.prepareRebalance(g, "assignment could not be stored: "+code.String())
			return
		}
		s.enter(g, Stable, "assignment stored")
		for _, m := range g.memberOrder {
			m.assignment = assignments[m.id]
			s.charge(m)
			s.answerSync(m, synced(g, m))
		}
	})
}

// cancelSyncs takes the assignments away and answers all parked syncs.
func (s *Shard) cancelSyncs(g *group, code Code) {
	for _, m := range g.memberOrder {
		m.assignment = nil
		s.charge(m)
		s.answerSync(m, syncError(code))
	}
}

// answerSync answers the parked sync of m, if there is one. The session begins
// anew: while the member waited, its expiry was ignored.
func (s *Shard) answerSync(m *member, response func(version int16) *kmsg.SyncGroupResponse) {
	if m.sync == nil {
		return
	}
	sync := m.sync
	m.sync = nil
	s.reply(sync.token, response(sync.version))
	s.arm(&m.session, m.sessionTimeout)
}

func synced(g *group, m *member) func(int16) *kmsg.SyncGroupResponse {
	return func(version int16) *kmsg.SyncGroupResponse {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.Version = version
		resp.ProtocolType = optional(g.protocolType)
		resp.Protocol = optional(g.protocol)
		resp.MemberAssignment = m.assignment
		return resp
	}
}

func syncError(code Code) func(int16) *kmsg.SyncGroupResponse {
	return func(version int16) *kmsg.SyncGroupResponse {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.Version = version
		resp.ErrorCode = int16(code)
		return resp
	}
}
