package group

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// epoch is when every test begins.
var epoch = time.UnixMilli(1_700_000_000_000)

// world is a shard together with the log that it is rebuilt from: it performs
// the effects, keeps what is durable, and checks that every request is
// answered exactly once.
type world struct {
	config   Config
	now      time.Time
	shard    *Shard
	ids      int
	log      []Record // durable
	appends  []Append // awaiting their outcome, oldest first
	tokens   Token
	names    map[Token]string // requests not yet answered
	out      strings.Builder  // what the last command showed
	lastRead map[string]kmsg.Response
}

func newWorld(config Config) *world {
	w := &world{config: config, now: epoch, names: map[Token]string{}, lastRead: map[string]kmsg.Response{}}
	w.shard = NewShard(config, w.uuid)
	w.perform(w.shard.Load(w.now))
	return w
}

func (w *world) uuid() string { w.ids++; return fmt.Sprint(w.ids) }

func (w *world) step(c Command) { w.perform(w.shard.Step(w.now, c)) }

// request sends req; name tells its reply apart in the output.
func (w *world) request(name, client string, req kmsg.Request) {
	w.tokens++
	w.names[w.tokens] = name
	w.step(Request{Token: w.tokens, ClientID: client, ClientHost: "/127.0.0.1", Req: req})
}

func (w *world) perform(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Append:
			w.appends = append(w.appends, e)
			fmt.Fprintf(&w.out, "append #%d: %d records\n", e.ID, len(e.Records))
		case Reply:
			name, ok := w.names[e.Token]
			if !ok {
				panic(fmt.Sprintf("token %d answered twice", e.Token))
			}
			delete(w.names, e.Token)
			w.lastRead[name] = e.Response
			fmt.Fprintf(&w.out, "%s: %s\n", name, renderResponse(e.Response))
		case Event:
			fmt.Fprintf(&w.out, "%s -> %s (generation %d): %s\n", e.Group, e.State, e.Generation, e.Reason)
		}
	}
}

// durable makes the oldest append durable.
func (w *world) durable() {
	a := w.appends[0]
	w.appends = w.appends[1:]
	w.log = append(w.log, a.Records...)
	w.step(Appended{ID: a.ID})
}

func (w *world) fail(code Code) {
	a := w.appends[0]
	w.appends = w.appends[1:]
	w.step(AppendFailed{ID: a.ID, Code: code})
}

// advance moves the clock, stopping at every deadline on the way.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		at, ok := w.shard.NextDeadline()
		if !ok || at.After(end) {
			break
		}
		w.now = at
		w.step(Tick{})
	}
	w.now = end
}

// crash loses the shard and all that is not durable. The requests parked in it
// get no reply: their connections are gone too.
func (w *world) crash() {
	w.appends, w.names = nil, map[Token]string{}
	w.shard = replayed(w.config, w.uuid, slices.Values(w.log))
	w.perform(w.shard.Load(w.now))
}

func replayed(config Config, uuid func() string, records func(func(Record) bool)) *Shard {
	s := NewShard(config, uuid)
	for r := range records {
		if err := s.Replay(r.Key, r.Value); err != nil {
			panic(err)
		}
	}
	return s
}

func renderResponse(resp kmsg.Response) string {
	switch r := resp.(type) {
	case *kmsg.JoinGroupResponse:
		return renderJoin(r)
	case *kmsg.SyncGroupResponse:
		return fmt.Sprintf("%v assignment=%q", Code(r.ErrorCode), r.MemberAssignment)
	case *kmsg.HeartbeatResponse:
		return Code(r.ErrorCode).String()
	case *kmsg.LeaveGroupResponse:
		s := Code(r.ErrorCode).String()
		for _, m := range r.Members {
			s += fmt.Sprintf(" %s%s:%v", m.MemberID, instance(m.InstanceID), Code(m.ErrorCode))
		}
		return s
	case *kmsg.OffsetCommitResponse:
		s := "committed"
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				s += fmt.Sprintf(" %s/%d:%v", t.Topic, p.Partition, Code(p.ErrorCode))
			}
		}
		return s
	case *kmsg.OffsetFetchResponse:
		return renderFetch(r)
	case *kmsg.OffsetDeleteResponse:
		s := Code(r.ErrorCode).String()
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				s += fmt.Sprintf(" %s/%d:%v", t.Topic, p.Partition, Code(p.ErrorCode))
			}
		}
		return s
	case *kmsg.DescribeGroupsResponse:
		var s []string
		for _, g := range r.Groups {
			d := fmt.Sprintf("%s %v %s type=%q protocol=%q", g.Group, Code(g.ErrorCode), g.State, g.ProtocolType, g.Protocol)
			for _, m := range g.Members {
				d += fmt.Sprintf(" [%s%s metadata=%q assignment=%q]", m.MemberID, instance(m.InstanceID), m.ProtocolMetadata, m.MemberAssignment)
			}
			s = append(s, d)
		}
		return strings.Join(s, "; ")
	case *kmsg.ListGroupsResponse:
		s := Code(r.ErrorCode).String()
		for _, g := range r.Groups {
			s += fmt.Sprintf(" %s(%s,%s,%s)", g.Group, g.ProtocolType, g.GroupState, g.GroupType)
		}
		return s
	case *kmsg.DeleteGroupsResponse:
		s := "deleted"
		for _, g := range r.Groups {
			s += fmt.Sprintf(" %s:%v", g.Group, Code(g.ErrorCode))
		}
		return s
	}
	panic(fmt.Sprintf("no rendering of %T", resp))
}

func renderJoin(r *kmsg.JoinGroupResponse) string {
	s := Code(r.ErrorCode).String()
	if r.MemberID != "" {
		s += " member=" + r.MemberID
	}
	if Code(r.ErrorCode) != None {
		return s
	}
	protocol := ""
	if r.Protocol != nil {
		protocol = *r.Protocol
	}
	s += fmt.Sprintf(" generation=%d protocol=%s leader=%s", r.Generation, protocol, r.LeaderID)
	if r.SkipAssignment {
		s += " skip-assignment"
	}
	for _, m := range r.Members {
		s += " [" + m.MemberID + instance(m.InstanceID) + "]"
	}
	return s
}

func renderFetch(r *kmsg.OffsetFetchResponse) string {
	var s []string
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			s = append(s, fmt.Sprintf("%s/%d=%d", t.Topic, p.Partition, p.Offset))
		}
	}
	for _, g := range r.Groups {
		s = append(s, fmt.Sprintf("%s %v", g.Group, Code(g.ErrorCode)))
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				o := fmt.Sprintf("%s/%d=%d", t.Topic, p.Partition, p.Offset)
				if p.LeaderEpoch >= 0 {
					o += fmt.Sprintf("@%d", p.LeaderEpoch)
				}
				if *p.Metadata != "" {
					o += fmt.Sprintf("(%s)", *p.Metadata)
				}
				s = append(s, o)
			}
		}
	}
	return strings.Join(s, " ")
}

func instance(id *string) string {
	if id == nil {
		return ""
	}
	return "/" + *id
}

// dump shows the shard whole, volatile state included.
func dump(s *Shard) string {
	var b strings.Builder
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		fmt.Fprintf(&b, "%s: %v generation=%d type=%q protocol=%q leader=%q\n", id, g.state, g.generation, g.protocolType, g.protocol, g.leaderID)
		for _, m := range g.memberOrder {
			fmt.Fprintf(&b, "  member %s%s assignment=%q", m.id, instance(m.instanceID), m.assignment)
			if m.join != nil {
				b.WriteString(" join-parked")
			}
			if m.sync != nil {
				b.WriteString(" sync-parked")
			}
			b.WriteByte('\n')
		}
		if len(g.pendingJoins) > 0 {
			fmt.Fprintf(&b, "  yet to join: %v\n", slices.Sorted(maps.Keys(g.pendingJoins)))
		}
		b.WriteString(dumpOffsets(g))
	}
	if b.Len() == 0 {
		return "no groups\n"
	}
	return b.String()
}

func dumpOffsets(g *group) string {
	var b strings.Builder
	for _, topic := range g.topics() {
		for _, p := range slices.Sorted(maps.Keys(g.offsets[topic])) {
			o := g.offsets[topic][p]
			fmt.Fprintf(&b, "  offset %s/%d=%d epoch=%d metadata=%q\n", topic, p, o.committed, o.leaderEpoch, o.metadata)
		}
	}
	return b.String()
}

// durableDump shows what the log implies, and nothing else.
func durableDump(s *Shard) string {
	var b strings.Builder
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		if g.metadata != nil || len(g.offsets) > 0 {
			fmt.Fprintf(&b, "%s: %x\n%s", id, g.metadata, dumpOffsets(g))
		}
	}
	return b.String()
}

// subscription is a consumer's v0 protocol metadata.
func subscription(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics = topics
	return m.AppendTo(nil)
}
