package logcache

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Source is the log behind a window: a wal.Log or a recovered instance.
type Source interface {
	ReadAt(dst []byte, position int64) error
	DurableUpTo() int64
	Instance() ids.WALInstance
}

const shards = 64 // a power of two

// Window is what the cache knows of one WAL instance. It is the sink of a live
// log, or is fed by recovery.
type Window struct {
	cache  *Cache
	source Source
	seed   walfmt.Seed

	trimmed atomic.Int64
	reach   atomic.Int64 // see merging; rises while the index is short of room

	shard [shards]struct {
		sync.RWMutex
		streams map[ids.StreamID]*streamIndex
	}

	mu        sync.RWMutex
	firstPage int64      // number of pages[0]
	pages     []pageSlot // resident, oldest first
	toSeal    []*streamIndex
	sealedTo  int64
	// boundaries are the sealed positions above the trim position: where a
	// trim may come to fall. The slice is replaced and never written to.
	boundaries []int64
}

// pageSlot is a resident page and the streams whose records begin in it.
type pageSlot struct {
	page    *page.Page
	streams []ids.StreamID
}

func newWindow(c *Cache) *Window {
	w := &Window{cache: c}
	for i := range w.shard {
		w.shard[i].streams = map[ids.StreamID]*streamIndex{}
	}
	return w
}

// Attach names the log that the window mirrors, before the first read.
func (w *Window) Attach(source Source) {
	w.source, w.seed = source, walfmt.SeedOf(source.Instance())
}

// Opened implements wal.Sink: p stays in memory until it is evicted.
func (w *Window) Opened(position int64, p *page.Page) {
	p.Retain()
	w.mu.Lock()
	if len(w.pages) == 0 {
		w.firstPage = position / page.Size
	}
	w.pages = append(w.pages, pageSlot{page: p})
	w.mu.Unlock()
}

// Appended implements wal.Sink. It is also how recovery fills a window: where
// the page is not resident, records are merged as they come. Only data is
// indexed.
func (w *Window) Appended(e wal.Entry) {
	if e.Kind != walfmt.KindData {
		return
	}
	for {
		s := w.streamOrNew(e.Stream, e.BaseOffset)
		s.mu.Lock()
		if !s.gone {
			resident := w.index(s, &e)
			s.mu.Unlock()
			if !resident {
				w.cache.relieve()
			}
			return
		}
		s.mu.Unlock() // dropped as empty between look-up and lock
	}
}

// index adds an entry to the stream, whose lock is held, and says whether its
// page is resident.
func (w *Window) index(s *streamIndex, e *wal.Entry) (resident bool) {
	added := entry{
		base: e.BaseOffset, end: e.EndOffset, position: e.PayloadPosition,
		span: uint32(e.PayloadBytes), bytes: uint32(e.PayloadBytes),
	}
	grown := true
	n := added.page()
	if resident = s.lastPage == n || w.noteStream(n, s); resident {
		s.resident = append(s.resident, added)
	} else {
		grown = s.addEvicted(added, merging{reach: w.reach.Load()}) // by recovery: nothing is sealed yet
	}
	if grown {
		w.cache.indexBytes.Add(entryBytes)
	}
	if !s.unsealed {
		s.unsealed = true
		w.mu.Lock()
		w.toSeal = append(w.toSeal, s)
		w.mu.Unlock()
	}
	return resident
}

// noteStream records that the stream has a record in the page, and says
// whether the page is resident.
func (w *Window) noteStream(pageNumber int64, s *streamIndex) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := w.slot(pageNumber)
	if slot == nil {
		return false
	}
	slot.streams = append(slot.streams, s.id)
	s.lastPage = pageNumber
	return true
}

// slot is the resident page of that number, or nil. The caller holds w.mu.
func (w *Window) slot(pageNumber int64) *pageSlot {
	if i := pageNumber - w.firstPage; i >= 0 && i < int64(len(w.pages)) {
		return &w.pages[i]
	}
	return nil
}

func (w *Window) stream(id ids.StreamID) *streamIndex {
	shard := &w.shard[uint64(id)%shards]
	shard.RLock()
	defer shard.RUnlock()
	return shard.streams[id]
}

func (w *Window) streamOrNew(id ids.StreamID, base int64) *streamIndex {
	if s := w.stream(id); s != nil {
		return s
	}
	shard := &w.shard[uint64(id)%shards]
	shard.Lock()
	defer shard.Unlock()
	s := shard.streams[id]
	if s == nil {
		s = &streamIndex{id: id, lastPage: -1, sealed: base}
		shard.streams[id] = s
		w.cache.indexBytes.Add(streamBytes)
	}
	return s
}

// forgetLocked takes the stream, whose lock is held, out of the window.
func (w *Window) forgetLocked(s *streamIndex) {
	if s.gone {
		return
	}
	s.gone = true
	shard := &w.shard[uint64(s.id)%shards]
	shard.Lock()
	delete(shard.streams, s.id)
	shard.Unlock()
	w.cache.indexBytes.Add(-streamBytes - entryBytes*int64(s.len()))
	s.evicted, s.resident = nil, nil
}

// Close lets go of everything. Results that are still held stay valid.
func (w *Window) Close() {
	w.cache.drop(w)
	w.eachStream(w.forgetLocked)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, slot := range w.pages {
		slot.page.Release()
	}
	w.pages, w.toSeal = nil, nil
}

// eachStream calls f for every stream, with the stream's lock held.
func (w *Window) eachStream(f func(*streamIndex)) {
	var all []*streamIndex
	for i := range w.shard {
		shard := &w.shard[i]
		shard.RLock()
		all = all[:0]
		for _, s := range shard.streams {
			all = append(all, s)
		}
		shard.RUnlock()
		for _, s := range all {
			s.mu.Lock()
			f(s)
			s.mu.Unlock()
		}
	}
}

// ResidentFrom is the position from which on everything is in memory.
func (w *Window) ResidentFrom() int64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if len(w.pages) == 0 {
		return math.MaxInt64
	}
	return w.firstPage * page.Size
}
