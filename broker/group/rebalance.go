package group

import "github.com/seawallmq/seawall/internal/invariant"

// rebalance starts a rebalance, or lets one under way see whether all are in.
func (s *Shard) rebalance(g *group, why string) {
	switch g.state {
	case Empty, CompletingRebalance, Stable:
		s.prepareRebalance(g, why)
	default:
		s.tryCompleteJoin(g)
	}
}

// prepareRebalance asks all members to rejoin. A group that was Empty first
// waits for more members to come, whatever the number that is there.
func (s *Shard) prepareRebalance(g *group, why string) {
	if g.state == CompletingRebalance {
		s.cancelSyncs(g, RebalanceInProgress)
	}
	clear(g.pendingSyncs)
	s.stop(&g.syncTimer)
	g.assigning = false
	g.initialDelay = g.state == Empty
	s.enter(g, PreparingRebalance, why)
	if g.initialDelay {
		g.newMemberAdded = false
		g.initialLeft = max(g.rebalanceTimeout()-s.config.InitialRebalanceDelay, 0)
		s.arm(&g.joinTimer, s.config.InitialRebalanceDelay)
		return
	}
	if g.allJoined() {
		s.completeJoin(g)
		return
	}
	s.arm(&g.joinTimer, g.rebalanceTimeout())
}

// endJoinWait runs when the wait for members to join is over.
func (s *Shard) endJoinWait(g *group) {
	if g.state != PreparingRebalance {
		return
	}
	if g.initialDelay && g.newMemberAdded && g.initialLeft > 0 {
		// More members are coming in: wait as long again, within the bound.
		g.newMemberAdded = false
		delay := min(s.config.InitialRebalanceDelay, g.initialLeft)
		g.initialLeft -= delay
		s.arm(&g.joinTimer, delay)
		return
	}
	s.completeJoin(g)
	s.forgetIfIdle(g.id)
}

// tryCompleteJoin ends the wait early if all members are in; the initial delay
// is never cut short.
func (s *Shard) tryCompleteJoin(g *group) {
	if g.state == PreparingRebalance && !g.initialDelay && g.allJoined() {
		s.completeJoin(g)
	}
}

// completeJoin forms the next generation of those who have joined, and answers
// them. Static members stay though they have not.
func (s *Shard) completeJoin(g *group) {
	s.stop(&g.joinTimer)
	for _, m := range append([]*member(nil), g.memberOrder...) {
		if m.join == nil && m.instanceID == nil {
			s.expel(g, m)
		}
	}
	if !g.electJoinedLeader() && len(g.members) > 0 {
		// Only static members are left and none is here: wait for them until
		// their sessions expire. The floor keeps a zero time-out from spinning.
		g.initialDelay = false
		s.arm(&g.joinTimer, max(g.rebalanceTimeout(), s.config.PostponedRebalanceRetry))
		return
	}
	g.generation++
	g.initialDelay, g.newMemberAdded, g.assigning = false, false, false
	if len(g.members) == 0 {
		s.becomeEmpty(g)
		return
	}
	g.protocol = g.selectProtocol()
	g.refreshSubscriptions()
	s.enter(g, CompletingRebalance, "generation formed")
	clear(g.pendingSyncs)
	for _, m := range g.memberOrder {
		m.isNew = false
		s.answerJoin(g, m, joined(g, m, true))
		s.arm(&m.session, m.sessionTimeout) // of a static member that is not here, too
		g.pendingSyncs[m.id] = struct{}{}
	}
	s.arm(&g.syncTimer, g.rebalanceTimeout())
}

// becomeEmpty stores the empty generation, unless the log knows nothing of the
// group anyway. Should that fail, the former generation would be loaded again
// after a failover and its members time out: nothing is lost.
func (s *Shard) becomeEmpty(g *group) {
	g.protocol = ""
	g.refreshSubscriptions()
	clear(g.pendingSyncs)
	s.stop(&g.syncTimer)
	s.enter(g, Empty, "no members")
	if g.inLog() {
		s.append([]change{{group: g.id, metadata: g.encodeMetadata(nil)}}, func(Code) {})
	}
}

// expel removes a member; what it has parked is answered with
// UNKNOWN_MEMBER_ID, on which a client that is still there joins anew.
func (s *Shard) expel(g *group, m *member) {
	s.answerJoin(g, m, joinError("", UnknownMemberID))
	s.answerSync(m, syncError(UnknownMemberID))
	s.stop(&m.session)
	g.remove(m)
	s.bytes -= m.bytes
	m.bytes = 0
}

// expireSession runs when nothing was heard of a member for its session
// time-out. One whose request is parked is waiting for us; its session begins
// again with the answer.
func (s *Shard) expireSession(g *group, m *member) {
	invariant.Check(g.members[m.id] == m, "session of %q, no member of %q, expired", m.id, g.id)
	if m.satisfiesHeartbeat() {
		return
	}
	why := "session of member " + m.id + " expired"
	s.expel(g, m)
	s.rebalance(g, why)
	s.forgetIfIdle(g.id)
}

// expirePendingSyncs removes the members that joined but never synced.
func (s *Shard) expirePendingSyncs(g *group) {
	if (g.state != CompletingRebalance && g.state != Stable) || len(g.pendingSyncs) == 0 {
		return
	}
	for _, m := range append([]*member(nil), g.memberOrder...) {
		if _, due := g.pendingSyncs[m.id]; due {
			s.expel(g, m)
		}
	}
	s.prepareRebalance(g, "members did not sync in time")
	s.forgetIfIdle(g.id)
}
