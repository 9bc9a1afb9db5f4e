package group

import "github.com/twmb/franz-go/pkg/kmsg"

// leaveBatchVersion is the version of LeaveGroup from which it names several
// members, each with a code of its own.
const leaveBatchVersion = 3

// heartbeat keeps a member's session alive and tells it of a rebalance.
func (s *Shard) heartbeat(token Token, req *kmsg.HeartbeatRequest) {
	resp := kmsg.NewPtrHeartbeatResponse()
	resp.Version = req.Version
	resp.ErrorCode = int16(s.beat(req))
	s.reply(token, resp)
}

func (s *Shard) beat(req *kmsg.HeartbeatRequest) Code {
	if req.Group == "" {
		return InvalidGroupID
	}
	g := s.groups[req.Group]
	switch {
	case g == nil || g.state == Empty:
		return UnknownMemberID
	case g.state == Dead:
		return CoordinatorNotAvailable
	}
	if code := g.checkMember(req.MemberID, req.InstanceID); code != None {
		return code
	}
	if req.Generation != g.generation {
		return IllegalGeneration
	}
	m := g.members[req.MemberID]
	s.arm(&m.session, m.sessionTimeout)
	if g.state == PreparingRebalance {
		return RebalanceInProgress
	}
	return None
}

// leaveGroup removes members, named by id, or by instance id alone as
// administrators do. If that empties the group, the answer waits until the
// log knows.
func (s *Shard) leaveGroup(token Token, req *kmsg.LeaveGroupRequest) {
	g := s.groups[req.Group]
	switch {
	case req.Group == "":
		s.fail(token, req, InvalidGroupID)
		return
	case g != nil && g.state == Dead:
		s.fail(token, req, CoordinatorNotAvailable)
		return
	}
	leaving := req.Members
	if req.Version < leaveBatchVersion {
		leaving = []kmsg.LeaveGroupRequestMember{{MemberID: req.MemberID}}
	}
	resp := kmsg.NewPtrLeaveGroupResponse()
	resp.Version = req.Version
	anyLeft := false
	for _, l := range leaving {
		code := UnknownMemberID
		if g != nil {
			code = s.leave(g, l)
		}
		anyLeft = anyLeft || code == None
		m := kmsg.NewLeaveGroupResponseMember()
		m.MemberID, m.InstanceID, m.ErrorCode = l.MemberID, l.InstanceID, int16(code)
		resp.Members = append(resp.Members, m)
	}
	if req.Version < leaveBatchVersion {
		resp.ErrorCode, resp.Members = resp.Members[0].ErrorCode, nil
	}
	if !anyLeft {
		s.reply(token, resp)
		return
	}
	before := len(s.appends)
	if g.state != Empty { // only members yet to join were there
		s.rebalance(g, "members left")
	}
	if len(s.appends) == before {
		s.reply(token, resp)
		return
	}
	p := s.appends[len(s.appends)-1]
	done := p.done
	p.done = func(code Code) {
		done(code)
		if code != None {
			s.fail(token, &kmsg.LeaveGroupRequest{Version: resp.Version}, code)
			return
		}
		s.reply(token, resp)
	}
}

func (s *Shard) leave(g *group, l kmsg.LeaveGroupRequestMember) Code {
	id := l.MemberID
	if id == "" && l.InstanceID != nil {
		id = g.staticIDs[*l.InstanceID]
	}
	if s.forgetPendingJoin(g, id) {
		return None
	}
	if code := g.checkMember(id, l.InstanceID); code != None {
		return code
	}
	s.expel(g, g.members[id])
	return None
}
