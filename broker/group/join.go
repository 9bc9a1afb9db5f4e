package group

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Versions of JoinGroup at which its behaviour changes.
const (
	joinMemberIDRequiredVersion = 4 // a new dynamic member must join twice, the second time with its id
	joinSkipAssignmentVersion   = 9 // a leader can be told to keep the assignment
)

// joinGroup answers JoinGroup or parks it until the rebalance is complete:
//
//   - no member id: a new member, or a static one that comes back and takes
//     over the id of its former life, which is fenced;
//   - from v4 a new dynamic member first gets MEMBER_ID_REQUIRED and its id;
//   - a known member that changes its protocols, or a leader that joins at
//     all, starts a rebalance; others are told the current generation.
func (s *Shard) joinGroup(r Request, req *kmsg.JoinGroupRequest) {
	protocols := copyProtocols(req.Protocols)
	g, code := s.joinable(req, protocols)
	if code == GroupMaxSizeReached {
		s.refuseForSize(g, req.MemberID)
	}
	switch {
	case code != None:
		s.fail(r.Token, req, code)
	case req.MemberID != "":
		s.joinKnown(g, r, req, protocols)
	case req.InstanceID != nil:
		id := *req.InstanceID + "-" + s.newUUID()
		if existing := g.members[g.staticIDs[*req.InstanceID]]; existing != nil {
			s.replaceStatic(g, existing, id, r.Token, req, protocols)
			return
		}
		s.joinNew(g, id, r, req, protocols)
	default:
		id := r.ClientID + "-" + s.newUUID()
		if req.Version >= joinMemberIDRequiredVersion {
			s.requireMemberID(g, id, r.Token, req)
			return
		}
		s.joinNew(g, id, r, req, protocols)
	}
}

// joinable finds or makes the group and checks what does not depend on the
// member's own state.
func (s *Shard) joinable(req *kmsg.JoinGroupRequest, protocols []protocol) (*group, Code) {
	session := milliseconds(req.SessionTimeoutMillis)
	switch {
	case req.Group == "":
		return nil, InvalidGroupID
	case session < s.config.SessionTimeoutMin || session > s.config.SessionTimeoutMax:
		return nil, InvalidSessionTimeout
	}
	g := s.groups[req.Group]
	switch {
	case g == nil && req.MemberID != "":
		return nil, UnknownMemberID
	case g != nil && g.state == Dead:
		return g, CoordinatorNotAvailable
	case g != nil && !s.accepts(g, req.MemberID):
		return g, GroupMaxSizeReached
	case !s.hasRoom(joinBytes(protocols)) && (g == nil || g.members[req.MemberID] == nil):
		return g, CoordinatorNotAvailable
	case g == nil:
		g = s.addGroup(req.Group)
	}
	if !g.supports(req.ProtocolType, protocols) {
		return g, InconsistentGroupProtocol
	}
	return g, None
}

// accepts applies group.max.size. While members rejoin, those who wait count,
// so that in an oversized group the last to rejoin are turned away.
func (s *Shard) accepts(g *group, memberID string) bool {
	m := g.members[memberID]
	switch g.state {
	case PreparingRebalance:
		return (m != nil && m.join != nil) || g.parkedJoins < s.config.MembersMax
	case CompletingRebalance, Stable:
		return m != nil || len(g.members) < s.config.MembersMax
	default:
		return true
	}
}

// refuseForSize forgets the member that is turned away.
func (s *Shard) refuseForSize(g *group, memberID string) {
	s.forgetPendingJoin(g, memberID)
	if m := g.members[memberID]; m != nil {
		s.expel(g, m)
	}
	s.tryCompleteJoin(g)
}

// requireMemberID gives a new member its id, to join with within its session
// time-out.
func (s *Shard) requireMemberID(g *group, id string, token Token, req *kmsg.JoinGroupRequest) {
	t := &timer{}
	t.fire = func() {
		s.forgetPendingJoin(g, id)
		s.tryCompleteJoin(g)
		s.forgetIfIdle(g.id)
	}
	g.pendingJoins[id] = t
	s.bytes += pendingJoinBytes(id)
	s.arm(t, milliseconds(req.SessionTimeoutMillis))
	s.reply(token, joinError(id, MemberIDRequired)(req.Version))
}

// forgetPendingJoin says whether the id was one that had yet to join.
func (s *Shard) forgetPendingJoin(g *group, id string) bool {
	t, ok := g.pendingJoins[id]
	if ok {
		s.stop(t)
		delete(g.pendingJoins, id)
		s.bytes -= pendingJoinBytes(id)
	}
	return ok
}

func (s *Shard) joinNew(g *group, id string, r Request, req *kmsg.JoinGroupRequest, protocols []protocol) {
	s.forgetPendingJoin(g, id)
	if len(g.members) == 0 {
		g.protocolType = req.ProtocolType
	}
	m := &member{
		id: id, instanceID: req.InstanceID, clientID: r.ClientID, clientHost: r.ClientHost,
		sessionTimeout: milliseconds(req.SessionTimeoutMillis), rebalanceTimeout: rebalanceTimeout(req),
		protocols: protocols, isNew: true, join: &parked{token: r.Token, version: req.Version},
	}
	g.newMemberAdded = true
	s.admit(g, m)
	// A new member does not know its id and cannot send heartbeats. Should its
	// client go away and retry, this forgets what it left behind.
	s.arm(&m.session, s.config.NewMemberJoinTimeout)
	s.rebalance(g, "new member "+id+reason(req))
}

// admit makes m a member and charges it.
func (s *Shard) admit(g *group, m *member) {
	m.session.fire = func() { s.expireSession(g, m) }
	g.add(m)
	s.charge(m)
}

func (s *Shard) joinKnown(g *group, r Request, req *kmsg.JoinGroupRequest, protocols []protocol) {
	if _, pending := g.pendingJoins[req.MemberID]; pending && req.InstanceID == nil {
		s.joinNew(g, req.MemberID, r, req, protocols)
		return
	}
	if code := g.checkMember(req.MemberID, req.InstanceID); code != None {
		s.fail(r.Token, req, code)
		return
	}
	m := g.members[req.MemberID]
	changed := !m.sameProtocols(protocols)
	switch {
	case g.state == PreparingRebalance:
		s.rejoin(g, m, r.Token, req, protocols, "member "+m.id+" rejoins")
	case changed:
		s.rejoin(g, m, r.Token, req, protocols, "member "+m.id+" changes its metadata")
	case g.state == Stable && g.leaderID == m.id:
		// What the assignment depends on may have changed without a change of
		// the member's metadata, for example the partitions of a topic.
		s.rejoin(g, m, r.Token, req, protocols, "leader "+m.id+" rejoins")
	default:
		// Its former answer was lost, or it is a follower with nothing new.
		s.reply(r.Token, joined(g, m, g.state == CompletingRebalance)(req.Version))
		s.arm(&m.session, m.sessionTimeout)
	}
}

// rejoin parks the join of a member with what it asks for now.
func (s *Shard) rejoin(g *group, m *member, token Token, req *kmsg.JoinGroupRequest, protocols []protocol, why string) {
	s.update(g, m, token, req, protocols)
	s.rebalance(g, why+reason(req))
}

// update takes over what a member asks for now and parks its join. A join
// parked before belongs to a connection that the client has given up.
func (s *Shard) update(g *group, m *member, token Token, req *kmsg.JoinGroupRequest, protocols []protocol) {
	s.answerJoin(g, m, joinError(m.id, RebalanceInProgress))
	g.setProtocols(m, protocols)
	m.sessionTimeout, m.rebalanceTimeout = milliseconds(req.SessionTimeoutMillis), rebalanceTimeout(req)
	m.join = &parked{token: token, version: req.Version}
	g.parkedJoins++
	s.charge(m)
}

// replaceStatic lets a static member that restarted take the place of its
// former life. In a Stable group, no rebalance is needed if the protocol stays:
// the new id is made durable and the assignment is kept.
func (s *Shard) replaceStatic(g *group, m *member, id string, token Token, req *kmsg.JoinGroupRequest, protocols []protocol) {
	formerLeader := g.leaderID
	s.answerJoin(g, m, joinError(m.id, FencedInstanceID))
	s.answerSync(m, syncError(FencedInstanceID))
	g.rename(m, id)
	m.isNew = false
	s.update(g, m, token, req, protocols)
	s.arm(&m.session, m.sessionTimeout)
	why := "static member " + *m.instanceID + " comes back as " + id + reason(req)
	switch {
	case g.state == CompletingRebalance:
		// The leader may be assigning to the former id.
		s.prepareRebalance(g, why)
	case g.state == Stable && g.selectProtocol() != g.protocol:
		s.prepareRebalance(g, why+" and the protocol changes")
	case g.state == Stable:
		s.persistReplacement(g, m, formerLeader, m.join)
	default:
		s.tryCompleteJoin(g)
	}
}

// persistReplacement answers the join once the log knows the new member id.
func (s *Shard) persistReplacement(g *group, m *member, formerLeader string, join *parked) {
	assignments := map[string][]byte{}
	for _, other := range g.memberOrder {
		assignments[other.id] = other.assignment
	}
	metadata := change{group: g.id, metadata: g.encodeMetadata(assignments)}
	s.append([]change{metadata}, func(code Code) {
		switch {
		case m.join != join:
			// Answered meanwhile: fenced in its turn, expelled, or taken into a
			// rebalance, which will make the id durable.
		case g.state != Stable:
			// A rebalance began and will answer.
		case code != None:
			s.answerJoin(g, m, joinError("", code))
			s.prepareRebalance(g, "static member "+*m.instanceID+" could not be stored: "+code.String())
		case join.version >= joinSkipAssignmentVersion:
			s.answerJoin(g, m, rejoinedStatic(g, m))
		default:
			// Told the former leader's id, a member that leads will not think
			// that it has to assign, which these versions cannot forbid.
			response := joined(g, m, false)
			s.answerJoin(g, m, func(version int16) *kmsg.JoinGroupResponse {
				r := response(version)
				r.LeaderID = formerLeader
				return r
			})
		}
	})
}

// answerJoin answers the parked join of m, if there is one. The session begins
// anew, because its expiry was ignored while the member waited; that of a new
// member, which does not know yet that it is one, goes on.
func (s *Shard) answerJoin(g *group, m *member, response func(version int16) *kmsg.JoinGroupResponse) {
	if m.join == nil {
		return
	}
	join := m.join
	m.join = nil
	g.parkedJoins--
	s.reply(join.token, response(join.version))
	if !m.isNew {
		s.arm(&m.session, m.sessionTimeout)
	}
}

func joinError(memberID string, code Code) func(int16) *kmsg.JoinGroupResponse {
	return func(version int16) *kmsg.JoinGroupResponse {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.Version = version
		resp.ErrorCode = int16(code)
		resp.Generation = -1
		resp.MemberID = memberID
		return resp
	}
}

// joined is the answer that names the current generation; the leader gets the
// members' metadata if it has to assign.
func joined(g *group, m *member, assign bool) func(int16) *kmsg.JoinGroupResponse {
	return func(version int16) *kmsg.JoinGroupResponse {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.Version = version
		resp.Generation = g.generation
		resp.ProtocolType = optional(g.protocolType)
		resp.Protocol = optional(g.protocol)
		resp.LeaderID = g.leaderID
		resp.MemberID = m.id
		if assign && g.leaderID == m.id {
			resp.Members = joinMembers(g)
		}
		return resp
	}
}

func rejoinedStatic(g *group, m *member) func(int16) *kmsg.JoinGroupResponse {
	return func(version int16) *kmsg.JoinGroupResponse {
		resp := joined(g, m, true)(version)
		resp.SkipAssignment = g.leaderID == m.id
		return resp
	}
}

func joinMembers(g *group) []kmsg.JoinGroupResponseMember {
	members := make([]kmsg.JoinGroupResponseMember, 0, len(g.memberOrder))
	for _, m := range g.memberOrder {
		jm := kmsg.NewJoinGroupResponseMember()
		jm.MemberID, jm.InstanceID, jm.ProtocolMetadata = m.id, m.instanceID, m.metadata(g.protocol)
		members = append(members, jm)
	}
	return members
}

// copyProtocols takes the protocols out of the request's buffer; of several
// with one name the first counts.
func copyProtocols(from []kmsg.JoinGroupRequestProtocol) []protocol {
	protocols := make([]protocol, 0, len(from))
	seen := make(map[string]struct{}, len(from))
	for _, p := range from {
		if _, dup := seen[p.Name]; !dup {
			seen[p.Name] = struct{}{}
			protocols = append(protocols, protocol{name: p.Name, metadata: bytes.Clone(p.Metadata)})
		}
	}
	return protocols
}

func joinBytes(protocols []protocol) int64 {
	return groupOverheadBytes + memberBytes(&member{protocols: protocols})
}

// rebalanceTimeout is what the member asks for; v0 knows no such field.
func rebalanceTimeout(req *kmsg.JoinGroupRequest) time.Duration {
	if req.Version == 0 {
		return milliseconds(req.SessionTimeoutMillis)
	}
	return max(milliseconds(req.RebalanceTimeoutMillis), 0)
}

func milliseconds(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }

func reason(req *kmsg.JoinGroupRequest) string {
	if req.Reason == nil || *req.Reason == "" {
		return ""
	}
	return "; client says: " + *req.Reason
}
