package group

import (
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/invariant"
)

// Shard is all groups of one partition of __consumer_offsets. Make it with
// NewShard, feed it the partition's log with Replay, then Load, then Step it.
type Shard struct {
	config    Config
	newUUID   func() string
	groups    map[string]*group
	timers    timerHeap
	timerSeq  uint64
	expiry    timer
	appends   []*pendingAppend // in the order of the log
	appendSeq uint64
	bytes     int64 // see Bytes

	// Of the Step in progress:
	now     time.Time
	effects []Effect
}

// pendingAppend is an append whose outcome is awaited.
type pendingAppend struct {
	id       uint64
	changes  []change
	reported bool
	code     Code
	done     func(Code) // runs after the changes were applied, if they are
}

// NewShard makes a shard without groups. newUUID gives a fresh unique string
// at each call; member ids end in it.
func NewShard(config Config, newUUID func() string) *Shard {
	s := &Shard{config: config, newUUID: newUUID, groups: map[string]*group{}}
	s.expiry.fire = s.expireOffsets
	return s
}

// Bytes is about how much memory the groups take; Config.ShardBytesMax bounds
// it for new members and new offsets.
func (s *Shard) Bytes() int64 { return s.bytes }

// Groups is the number of groups.
func (s *Shard) Groups() int { return len(s.groups) }

// Replay takes one record of the log, in offset order, before Load. It keeps
// neither key nor value. The error says that the record cannot be understood
// and the shard must not be used; see [VersionError].
func (s *Shard) Replay(key, value []byte) error {
	c, err := decodeRecord(key, value)
	if err != nil {
		return err
	}
	s.apply(c)
	s.forgetIfIdle(c.group)
	return nil
}

// Load makes a replayed shard ready for Step: members of the last durable
// generations get a session's time to show up.
func (s *Shard) Load(now time.Time) []Effect {
	s.now = now
	for _, id := range s.groupIDs() {
		s.restore(s.groups[id])
	}
	s.arm(&s.expiry, s.config.OffsetsRetentionCheck)
	return s.takeEffects()
}

// Step performs one command at the time now and returns what is to be done,
// in order. now must not go back. Time-outs that are due run after it.
func (s *Shard) Step(now time.Time, command Command) []Effect {
	s.now = now
	switch c := command.(type) {
	case Request:
		s.handle(c)
	case TopicsDeleted:
		s.deleteTopics(c.Topics)
	case Appended:
		s.report(c.ID, None)
	case AppendFailed:
		invariant.Check(c.Code != None, "append %d failed without a code", c.ID)
		s.report(c.ID, c.Code)
	case Tick:
	case Unload:
		s.unload()
		return s.takeEffects()
	default:
		invariant.Check(false, "group: unknown command %T", command)
	}
	s.fireDue()
	return s.takeEffects()
}

func (s *Shard) handle(r Request) {
	switch req := r.Req.(type) {
	case *kmsg.JoinGroupRequest:
		s.joinGroup(r, req)
		s.forgetIfIdle(req.Group)
	case *kmsg.SyncGroupRequest:
		s.syncGroup(r.Token, req)
	case *kmsg.HeartbeatRequest:
		s.heartbeat(r.Token, req)
	case *kmsg.LeaveGroupRequest:
		s.leaveGroup(r.Token, req)
		s.forgetIfIdle(req.Group)
	case *kmsg.OffsetCommitRequest:
		s.commitOffsets(r.Token, req)
	case *kmsg.OffsetFetchRequest:
		s.fetchOffsets(r.Token, req)
	case *kmsg.OffsetDeleteRequest:
		s.deleteOffsets(r.Token, req)
	case *kmsg.DescribeGroupsRequest:
		s.describeGroups(r.Token, req)
	case *kmsg.ListGroupsRequest:
		s.listGroups(r.Token, req)
	case *kmsg.DeleteGroupsRequest:
		s.deleteGroups(r.Token, req)
	default:
		invariant.Check(false, "group: no handler for %T", r.Req)
	}
}

func (s *Shard) takeEffects() []Effect {
	effects := s.effects
	s.effects = nil
	return effects
}

func (s *Shard) reply(token Token, response kmsg.Response) {
	s.effects = append(s.effects, Reply{Token: token, Response: response})
}

// fail answers a request with a code in every place of its response.
func (s *Shard) fail(token Token, req kmsg.Request, code Code) {
	s.reply(token, ErrorResponse(req, code))
}

// enter moves g to a state.
func (s *Shard) enter(g *group, state State, reason string) {
	g.state = state
	g.stateSinceMs = s.now.UnixMilli()
	s.effects = append(s.effects, Event{Group: g.id, Generation: g.generation, State: state, Reason: reason})
}

// append asks for changes to be made durable. done runs with None once they
// are and have been applied, or with the code the append failed with; it runs
// at once if there is nothing to append.
func (s *Shard) append(changes []change, done func(Code)) {
	if len(changes) == 0 {
		done(None)
		return
	}
	s.appendSeq++
	p := &pendingAppend{id: s.appendSeq, changes: changes, done: done}
	s.appends = append(s.appends, p)
	records := make([]Record, len(changes))
	for i, c := range changes {
		records[i] = c.record()
		if !c.isOffset {
			s.groups[c.group].metadataInFlight++
		}
	}
	s.effects = append(s.effects, Append{ID: p.id, Records: records})
}

// report takes the outcome of an append, and lets all outcomes take effect
// that are not behind one still awaited: the durable state follows the log.
func (s *Shard) report(id uint64, code Code) {
	i := slices.IndexFunc(s.appends, func(p *pendingAppend) bool { return p.id == id })
	invariant.Check(i >= 0 && !s.appends[i].reported, "outcome of append %d reported twice or never asked for", id)
	s.appends[i].reported, s.appends[i].code = true, code
	for len(s.appends) > 0 && s.appends[0].reported {
		p := s.appends[0]
		s.appends[0] = nil
		s.appends = s.appends[1:]
		s.settle(p)
	}
}

func (s *Shard) settle(p *pendingAppend) {
	for _, c := range p.changes {
		if !c.isOffset {
			s.groups[c.group].metadataInFlight--
		}
		if p.code == None {
			s.apply(c)
		}
	}
	p.done(p.code)
	for _, c := range p.changes {
		s.forgetIfIdle(c.group)
	}
}

// unload answers whatever is parked.
func (s *Shard) unload() {
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		for _, m := range g.memberOrder {
			s.answerJoin(g, m, joinError(m.id, NotCoordinator))
			s.answerSync(m, syncError(NotCoordinator))
		}
		g.state = Dead // so that no done function starts anything anew
	}
	for len(s.appends) > 0 {
		p := s.appends[0]
		s.appends = s.appends[1:]
		p.done(NotCoordinator)
	}
	s.timers = nil
}

func (s *Shard) groupIDs() []string { return slices.Sorted(maps.Keys(s.groups)) }

// addGroup makes an Empty group that the log does not know yet.
func (s *Shard) addGroup(id string) *group {
	g := newGroup(id)
	g.joinTimer.fire = func() { s.endJoinWait(g) }
	g.syncTimer.fire = func() { s.expirePendingSyncs(g) }
	s.groups[id] = g
	s.bytes += groupBytes(g)
	return g
}

// forgetIfIdle drops a group that nothing needs and the log does not hold.
func (s *Shard) forgetIfIdle(id string) {
	if g := s.groups[id]; g != nil && g.isIdle() {
		s.dropGroup(g)
	}
}

// dropGroup removes a group that has no members.
func (s *Shard) dropGroup(g *group) {
	invariant.Check(len(g.members) == 0, "group %q dropped with %d members", g.id, len(g.members))
	s.stop(&g.joinTimer)
	s.stop(&g.syncTimer)
	for id := range g.pendingJoins {
		s.forgetPendingJoin(g, id)
	}
	for topic, partitions := range g.offsets {
		s.bytes -= topicBytes(topic)
		for _, o := range partitions {
			s.bytes -= offsetBytes(o)
		}
	}
	s.bytes -= groupBytes(g)
	delete(s.groups, g.id)
}

// hasRoom says whether that much more fits into the shard's budget.
func (s *Shard) hasRoom(bytes int64) bool { return s.bytes+bytes <= s.config.ShardBytesMax }
