package broker

import (
	"container/list"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

// Epochs of a fetch request that are no number of a session (KIP-227).
const (
	sessionEpochInitial = 0  // full fetch that opens a session
	sessionEpochFinal   = -1 // full fetch without a session, which closes the one named
)

// sessionPartitionBytes is what one partition of a session is charged with.
const sessionPartitionBytes = 256

// fetchKey is a partition as a fetch request names it: by id from v13 on, by
// name before.
type fetchKey struct {
	id    ids.TopicID
	topic string
	index int32
}

// fetchPart is one partition that a consumer follows.
type fetchPart struct {
	fetchKey
	leaderEpoch int32
	offset      int64
	maxBytes    int32

	// What the consumer was last told, so that an incremental response leaves
	// out what did not change; -1 before.
	toldHW, toldStart int64
	toldErr           int16
	gave              bool // data, in the answer under way
	left              bool // out of the last answer, for not being in memory
}

// fetchSession is a consumer's list of partitions kept between its fetches. One
// fetch at a time uses it: a client sends the next when it has the answer.
type fetchSession struct {
	mu    sync.Mutex
	id    int32
	epoch int32 // that the next request must carry
	parts map[fetchKey]*fetchPart
	order []*fetchPart // those that had data longest ago come first

	byTopicID bool // whether its requests name topics by id

	// Under fetchSessions.mu:
	place    *list.Element // in the cache, by last use
	lastUsed time.Time
	charged  int64
}

// sessionIdleMin is how long a session must have been silent before it makes
// room for another (Kafka's min.incremental.fetch.session.eviction.ms): were it
// any session, too many consumers would only ever evict each other.
const sessionIdleMin = 2 * time.Minute

// fetchSessions are the sessions of one broker, bounded in number and bytes.
type fetchSessions struct {
	slots  int // none are kept if zero
	memory sessionMemory
	clock  clock.Clock
	random func() uint32

	mu   sync.Mutex // comes after that of a session
	byID map[int32]*fetchSession
	used *list.List // of *fetchSession, least recently used first
}

// sessionMemory grants the bytes that sessions take.
type sessionMemory interface {
	TryAcquire(n int64) bool
	Release(n int64)
}

func newFetchSessions(slots int, memory sessionMemory, c clock.Clock, random func() uint32) *fetchSessions {
	return &fetchSessions{
		slots: slots, memory: memory, clock: c, random: random,
		byID: map[int32]*fetchSession{}, used: list.New(),
	}
}

// byTopicIDVersion is the version of Fetch that names topics by id.
const byTopicIDVersion = 13

// begin finds or makes what a request fetches from: a session that stays, or
// one for this request alone (id 0). incremental says that unchanged
// partitions are left out of the answer. The session is returned locked: its
// mu is to be unlocked when the answer is made.
func (c *fetchSessions) begin(req *kmsg.FetchRequest) (s *fetchSession, incremental bool, err *kerr.Error) {
	if req.SessionEpoch != sessionEpochInitial && req.SessionEpoch != sessionEpochFinal {
		s, err := c.resume(req)
		return s, err == nil, err
	}
	if req.SessionID != 0 {
		c.remove(req.SessionID)
	}
	s = &fetchSession{parts: map[fetchKey]*fetchPart{}, byTopicID: req.Version >= byTopicIDVersion}
	s.mu.Lock()
	s.update(req)
	if req.SessionEpoch == sessionEpochInitial {
		c.keep(s)
	}
	return s, false, nil
}

// resume finds the session of a request and applies what it changes.
func (c *fetchSessions) resume(req *kmsg.FetchRequest) (s *fetchSession, err *kerr.Error) {
	s = c.touch(req.SessionID)
	if s == nil {
		return nil, kerr.FetchSessionIDNotFound
	}
	// A client sends its next fetch when it has the answer to the one before:
	// one that comes while the session is in use names an epoch not given out.
	if !s.mu.TryLock() {
		return nil, kerr.InvalidFetchSessionEpoch
	}
	switch before := len(s.parts); {
	case s.epoch != req.SessionEpoch:
		err = kerr.InvalidFetchSessionEpoch
	case s.byTopicID != (req.Version >= byTopicIDVersion):
		err = kerr.FetchSessionTopicIDError
	default:
		s.epoch = nextSessionEpoch(s.epoch)
		s.update(req)
		if !c.recharge(s, before) {
			err = kerr.FetchSessionIDNotFound
		}
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	return s, nil
}

// touch finds a session and notes its use.
func (c *fetchSessions) touch(id int32) *fetchSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.byID[id]
	if s != nil {
		s.lastUsed = c.clock.Now()
		c.used.MoveToBack(s.place)
	}
	return s
}

func nextSessionEpoch(e int32) int32 {
	if e == math.MaxInt32 {
		return 1
	}
	return e + 1
}

// update applies what a request adds, changes and forgets.
func (s *fetchSession) update(req *kmsg.FetchRequest) {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			key := fetchKey{id: t.TopicID, topic: t.Topic, index: p.Partition}
			part := s.parts[key]
			if part == nil {
				part = &fetchPart{fetchKey: key, toldHW: -1, toldStart: -1}
				s.parts[key] = part
				s.order = append(s.order, part)
			}
			part.leaderEpoch, part.offset, part.maxBytes = p.CurrentLeaderEpoch, p.FetchOffset, p.PartitionMaxBytes
		}
	}
	forgot := false
	for i := range req.ForgottenTopics {
		t := &req.ForgottenTopics[i]
		for _, index := range t.Partitions {
			delete(s.parts, fetchKey{id: t.TopicID, topic: t.Topic, index: index})
			forgot = true
		}
	}
	if forgot {
		kept := s.order[:0]
		for _, p := range s.order {
			if s.parts[p.fetchKey] == p {
				kept = append(kept, p)
			}
		}
		clear(s.order[len(kept):])
		s.order = kept
	}
}

// rotate moves the partitions that gave data behind the others, so that a full
// response does not starve those at the end.
func (s *fetchSession) rotate() {
	var back []*fetchPart
	kept := s.order[:0]
	for _, p := range s.order {
		if p.gave {
			back = append(back, p)
		} else {
			kept = append(kept, p)
		}
	}
	s.order = append(kept, back...)
}

// keep makes s a session with an id, if there is room: without, it stays one
// for a single request, and the client goes on with full fetches.
func (c *fetchSessions) keep(s *fetchSession) {
	bytes := int64(len(s.parts)) * sessionPartitionBytes
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	for len(c.byID) >= c.slots || !c.memory.TryAcquire(bytes) {
		if !c.evictIdle(now) {
			return
		}
	}
	for s.id == 0 || c.byID[s.id] != nil {
		s.id = int32(c.random() & math.MaxInt32)
	}
	s.epoch, s.charged, s.lastUsed = 1, bytes, now
	s.place = c.used.PushBack(s)
	c.byID[s.id] = s
}

// evictIdle drops the session that was silent longest, if for long enough. It
// is called under c.mu.
func (c *fetchSessions) evictIdle(now time.Time) bool {
	oldest := c.used.Front()
	if oldest == nil {
		return false
	}
	s := oldest.Value.(*fetchSession)
	if now.Sub(s.lastUsed) < sessionIdleMin {
		return false
	}
	c.drop(s)
	return true
}

// recharge follows a change of the session's size; false means that memory is
// short and the session is gone.
func (c *fetchSessions) recharge(s *fetchSession, before int) bool {
	n := int64(len(s.parts)-before) * sessionPartitionBytes
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.byID[s.id] != s:
		return true // evicted meanwhile, its charge given back: this answer is its last
	case len(s.parts) == 0: // as in Kafka, the end of a session: the answer tells no id
		c.drop(s)
		s.id = 0
		return true
	case n < 0:
		c.memory.Release(-n)
	case n > 0 && !c.memory.TryAcquire(n):
		c.drop(s)
		return false
	}
	s.charged += n
	return true
}

func (c *fetchSessions) remove(id int32) {
	c.mu.Lock()
	if s := c.byID[id]; s != nil {
		c.drop(s)
	}
	c.mu.Unlock()
}

// drop is called under c.mu.
func (c *fetchSessions) drop(s *fetchSession) {
	delete(c.byID, s.id)
	c.used.Remove(s.place)
	c.memory.Release(s.charged)
}
