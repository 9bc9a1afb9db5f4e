package group

import (
	"maps"
	"slices"
	"time"
)

// State is where a group stands.
type State uint8

// The states of a classic group.
const (
	// Empty: no members; committed offsets may remain.
	Empty State = iota
	// PreparingRebalance: waiting for members to (re)join.
	PreparingRebalance
	// CompletingRebalance: a generation is formed, its assignment awaited from
	// the leader and then from the log.
	CompletingRebalance
	// Stable: the assignment of the generation is durable.
	Stable
	// Dead: the tombstone of the group is being appended.
	Dead
)

var stateNames = [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"}

// String is Kafka's name of the state.
func (st State) String() string { return stateNames[st] }

// consumerProtocolType is the protocol type whose subscriptions the
// coordinator can read.
const consumerProtocolType = "consumer"

// group is one consumer group. Its methods keep the books; whatever replies,
// appends or arms a timer is a method of Shard.
type group struct {
	id           string
	state        State
	stateSinceMs int64 // wall clock; -1 when the log does not say

	protocolType string // "" when no member ever joined: a simple group
	protocol     string // of the current generation; "" when it has no members
	generation   int32
	leaderID     string // "" when there are no members

	members     map[string]*member
	memberOrder []*member         // by time of joining, so that choices are deterministic
	staticIDs   map[string]string // instance id -> member id
	// pendingJoins are members that were given an id and have yet to join with
	// it; the timer forgets them.
	pendingJoins map[string]*timer
	// pendingSyncs are members of this generation whose SyncGroup is due.
	pendingSyncs map[string]struct{}
	parkedJoins  int            // members whose join is parked
	supporters   map[string]int // protocol name -> members that support it

	subscribed      map[string]struct{} // topics, valid if subscribedKnown
	subscribedKnown bool

	initialDelay   bool          // PreparingRebalance after Empty: wait even if all are in
	newMemberAdded bool          // since initialDelay began or was last prolonged
	initialLeft    time.Duration // what initialDelay may still be prolonged by
	joinTimer      timer         // ends PreparingRebalance
	syncTimer      timer         // ends the wait for pendingSyncs
	// assigning says that the assignment of this generation is being appended.
	assigning bool

	// Durable state, changed by Shard.apply only.
	metadata []byte                      // value of the last durable group metadata record, or nil
	offsets  map[string]map[int32]offset // by topic and partition
	// metadataInFlight counts the group metadata records being appended.
	metadataInFlight int
}

// member is one member of a group.
type member struct {
	id               string
	instanceID       *string
	clientID         string
	clientHost       string
	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	protocols        []protocol
	assignment       []byte

	join *parked // JoinGroup awaiting the end of a rebalance
	sync *parked // SyncGroup awaiting the assignment
	// isNew: has never been answered, so it cannot send heartbeats; it times
	// out even while its join is parked.
	isNew   bool
	session timer
	bytes   int64 // what the shard's budget was charged
}

// protocol is an assignment strategy that a member supports.
type protocol struct {
	name     string
	metadata []byte
}

// parked is a request that waits for its reply.
type parked struct {
	token   Token
	version int16
}

func newGroup(id string) *group {
	return &group{
		id:           id,
		stateSinceMs: -1,
		members:      map[string]*member{},
		staticIDs:    map[string]string{},
		pendingJoins: map[string]*timer{},
		pendingSyncs: map[string]struct{}{},
		supporters:   map[string]int{},
		offsets:      map[string]map[int32]offset{},
	}
}

// add makes m a member. The caller has checked that g supports its protocols
// and that its ids are not taken.
func (g *group) add(m *member) {
	if m.instanceID != nil {
		g.staticIDs[*m.instanceID] = m.id
	}
	if g.leaderID == "" {
		g.leaderID = m.id
	}
	g.members[m.id] = m
	g.memberOrder = append(g.memberOrder, m)
	g.countProtocols(m, 1)
	if m.join != nil {
		g.parkedJoins++
	}
}

// remove takes m out. Its parked requests have been answered.
func (g *group) remove(m *member) {
	delete(g.members, m.id)
	delete(g.pendingSyncs, m.id)
	g.memberOrder = slices.DeleteFunc(g.memberOrder, func(other *member) bool { return other == m })
	g.countProtocols(m, -1)
	if m.instanceID != nil {
		delete(g.staticIDs, *m.instanceID)
	}
	if g.leaderID == m.id {
		g.leaderID = ""
		if len(g.memberOrder) > 0 {
			g.leaderID = g.memberOrder[0].id
		}
	}
}

// rename gives a static member a new id in the place of the old one.
func (g *group) rename(m *member, newID string) {
	delete(g.members, m.id)
	if g.leaderID == m.id {
		g.leaderID = newID
	}
	if _, due := g.pendingSyncs[m.id]; due {
		delete(g.pendingSyncs, m.id)
		g.pendingSyncs[newID] = struct{}{}
	}
	m.id = newID
	g.members[newID] = m
	g.staticIDs[*m.instanceID] = newID
}

// setProtocols replaces what m supports.
func (g *group) setProtocols(m *member, protocols []protocol) {
	g.countProtocols(m, -1)
	m.protocols = protocols
	g.countProtocols(m, 1)
}

func (g *group) countProtocols(m *member, by int) {
	for _, p := range m.protocols {
		if g.supporters[p.name] += by; g.supporters[p.name] == 0 {
			delete(g.supporters, p.name)
		}
	}
}

// supports says whether a member of that type and those protocols fits in:
// same type, and one protocol at least that all the others support too.
func (g *group) supports(protocolType string, protocols []protocol) bool {
	if g.state == Empty {
		return protocolType != "" && len(protocols) > 0
	}
	return protocolType == g.protocolType && slices.ContainsFunc(protocols, func(p protocol) bool {
		return g.supporters[p.name] == len(g.members)
	})
}

// selectProtocol lets each member vote for the first protocol of its list
// that all support. Ties go to the protocol voted for first.
func (g *group) selectProtocol() string {
	votes := map[string]int{}
	best := ""
	for _, m := range g.memberOrder {
		for _, p := range m.protocols {
			if g.supporters[p.name] == len(g.members) {
				votes[p.name]++
				break
			}
		}
	}
	for _, m := range g.memberOrder {
		for _, p := range m.protocols {
			if votes[p.name] > votes[best] {
				best = p.name
			}
		}
	}
	return best
}

// electJoinedLeader makes sure that the leader is a member that has rejoined,
// and says whether there is one.
func (g *group) electJoinedLeader() bool {
	if leader := g.members[g.leaderID]; leader != nil && leader.join != nil {
		return true
	}
	for _, m := range g.memberOrder {
		if m.join != nil {
			g.leaderID = m.id
			return true
		}
	}
	return false
}

func (g *group) allJoined() bool {
	return g.parkedJoins == len(g.members) && len(g.pendingJoins) == 0
}

// rebalanceTimeout is the longest that any member asked for.
func (g *group) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for _, m := range g.memberOrder {
		longest = max(longest, m.rebalanceTimeout)
	}
	return longest
}

// checkMember says why a request that claims to be of this member is refused,
// or None.
func (g *group) checkMember(memberID string, instanceID *string) Code {
	if instanceID != nil {
		current, ok := g.staticIDs[*instanceID]
		if !ok {
			return UnknownMemberID
		}
		if current != memberID {
			return FencedInstanceID
		}
	}
	if g.members[memberID] == nil {
		return UnknownMemberID
	}
	return None
}

// isSubscribedTo says whether a member may be consuming the topic: if the
// subscriptions cannot be read, every topic counts.
func (g *group) isSubscribedTo(topic string) bool {
	if !g.subscribedKnown {
		return g.protocolType == consumerProtocolType
	}
	_, ok := g.subscribed[topic]
	return ok
}

// refreshSubscriptions reads the topics of this generation's subscriptions.
func (g *group) refreshSubscriptions() {
	g.subscribed, g.subscribedKnown = nil, false
	if g.protocolType != consumerProtocolType || (len(g.members) > 0 && g.protocol == "") {
		return
	}
	topics := map[string]struct{}{}
	for _, m := range g.memberOrder {
		names, ok := subscribedTopics(m.metadata(g.protocol))
		if !ok {
			return
		}
		for _, name := range names {
			topics[name] = struct{}{}
		}
	}
	g.subscribed, g.subscribedKnown = topics, true
}

// topics are the names that offsets are committed for, sorted.
func (g *group) topics() []string { return slices.Sorted(maps.Keys(g.offsets)) }

// inLog says that the log holds, or may soon hold, a record of the group.
func (g *group) inLog() bool {
	return g.metadata != nil || g.metadataInFlight > 0 || len(g.offsets) > 0
}

// isIdle says that nothing, durable or pending, needs the group any more.
func (g *group) isIdle() bool {
	return g.state == Empty && len(g.pendingJoins) == 0 && !g.inLog()
}

// metadata is the member's metadata for a protocol, nil if unsupported.
func (m *member) metadata(protocolName string) []byte {
	for _, p := range m.protocols {
		if p.name == protocolName {
			return p.metadata
		}
	}
	return nil
}

// satisfiesHeartbeat says that the session may not expire now: the member
// waits for us, not we for it.
func (m *member) satisfiesHeartbeat() bool {
	return !m.isNew && (m.join != nil || m.sync != nil)
}

func (m *member) sameProtocols(protocols []protocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a, b protocol) bool {
		return a.name == b.name && string(a.metadata) == string(b.metadata)
	})
}
