package logcache

import (
	"sort"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	// entryBytes is what an entry counts for in the index.
	entryBytes = 32
	// streamBytes is what a stream counts for beside its entries.
	streamBytes = 192
)

// entry places a stream's records in the log: one record by its payload, or,
// once their page was evicted, several by the stretch of log they lie in.
type entry struct {
	base, end int64 // offsets
	// position is where the payload begins; of a stretch, where the header of
	// its first record does.
	position int64
	span     uint32 // bytes of log from position on
	bytes    uint32 // of payload in them
}

// isStretch says whether the records must be found by walking the log. A
// stretch has at least one header in it.
func (e *entry) isStretch() bool { return e.span != e.bytes }

// start is where the first record's header begins in the log.
func (e *entry) start() int64 {
	if e.isStretch() {
		return e.position
	}
	return e.position - walfmt.RecordHeaderBytes
}

func (e *entry) stop() int64 { return e.position + int64(e.span) }

// page is the number of the page that the first payload begins in.
func (e *entry) page() int64 { return (e.start() + walfmt.RecordHeaderBytes) / page.Size }

// join makes one stretch of e and the later entry b.
func (e *entry) join(b *entry) entry {
	start := e.start()
	return entry{base: e.base, end: b.end, position: start, span: uint32(b.stop() - start), bytes: e.bytes + b.bytes}
}

// stretch is e as a stretch of the log.
func (e *entry) stretch() entry {
	start := e.start()
	return entry{base: e.base, end: e.end, position: start, span: uint32(e.stop() - start), bytes: e.bytes}
}

// streamIndex has a stream's entries, by offset and thereby by position.
type streamIndex struct {
	id ids.StreamID

	mu       sync.Mutex
	evicted  []entry // stretches whose pages are gone; all before resident
	resident []entry // single records
	lastPage int64   // the last page that notes this stream; -1 if none
	sealed   int64   // offsets below are in a generation
	unsealed bool    // is in the window's list of streams to seal
	gone     bool    // dropped from the window

	// resumeAt is where the record of resumeOffset stands in a stretch: where
	// the last read ended and the next one, as a rule, begins.
	resumeOffset, resumeAt int64
}

func (s *streamIndex) len() int { return len(s.evicted) + len(s.resident) }

func (s *streamIndex) at(i int) *entry {
	if i < len(s.evicted) {
		return &s.evicted[i]
	}
	return &s.resident[i-len(s.evicted)]
}

// find is the number of the first entry that ends past offset.
func (s *streamIndex) find(offset int64) int {
	return sort.Search(s.len(), func(i int) bool { return s.at(i).end > offset })
}

// dropBelow forgets the entries whose records begin below position.
func (s *streamIndex) dropBelow(position int64) (dropped int) {
	n := sort.Search(s.len(), func(i int) bool { return s.at(i).start() >= position })
	inEvicted := min(n, len(s.evicted))
	s.evicted = popFront(s.evicted, inEvicted)
	s.resident = popFront(s.resident, n-inEvicted)
	return n
}

// popFront drops the first n elements. The memory goes with the next growth,
// or at once when nothing is left.
func popFront(s []entry, n int) []entry {
	if n == len(s) {
		return nil
	}
	return s[n:]
}

// joinGapBytes is how far apart two records of a stream may lie and still be
// joined while the index has room: about what a direct read fetches beside the
// record anyway. Joined further apart, a stream that shares its pages with a
// thousand others would be read back with a thousand times its bytes.
const joinGapBytes = 8 << 10

// merging says what may become one stretch.
type merging struct {
	// reach is how long a stretch may be whose records lie further apart.
	reach int64
	// boundaries are positions that a trim may come to fall on, rising.
	boundaries []int64
}

// allows says whether b may be joined to the stretch a before it: records
// without a gap in their offsets, close enough, and on one side of every trim.
func (m *merging) allows(a, b *entry) bool {
	near := a.page() == b.page() && b.start()-a.stop() <= joinGapBytes
	return a.end == b.base && (near || b.stop()-a.start() <= m.reach) &&
		!divided(a.start(), b.start(), m.boundaries)
}

// addEvicted adds a record whose page is not resident, to the last stretch if
// it may. It says whether an entry was added.
func (s *streamIndex) addEvicted(e entry, m merging) bool {
	if n := len(s.evicted); n > 0 && m.allows(&s.evicted[n-1], &e) {
		s.evicted[n-1] = s.evicted[n-1].join(&e)
		return false
	}
	s.evicted = append(s.evicted, e.stretch())
	return true
}

// evictPage turns the entries of a page, and of any before it, into
// stretches. It returns by how many entries the index shrank.
func (s *streamIndex) evictPage(number int64, m merging) (dropped int) {
	n := 0
	for n < len(s.resident) && s.resident[n].page() <= number {
		if !s.addEvicted(s.resident[n], m) {
			dropped++
		}
		n++
	}
	s.resident = popFront(s.resident, n)
	return dropped
}

// coarsen joins the stretches that m allows to be joined. It returns by how
// many entries the index shrank.
func (s *streamIndex) coarsen(m merging) (dropped int) {
	before := s.evicted
	s.evicted = nil
	for i := range before {
		if !s.addEvicted(before[i], m) {
			dropped++
		}
	}
	return dropped
}

// divided says whether a boundary lies in (a, b].
func divided(a, b int64, boundaries []int64) bool {
	for _, at := range boundaries {
		if a < at && at <= b {
			return true
		}
	}
	return false
}
