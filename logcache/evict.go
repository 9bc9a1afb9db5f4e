package logcache

import (
	"slices"

	"github.com/seawallmq/seawall/internal/page"
)

// evictOldest lets go of the window's oldest page, if all of it may be.
func (w *Window) evictOldest(which evictable) bool {
	if w.source == nil {
		return false
	}
	upTo := w.trimmed.Load()
	if which == durable {
		upTo = w.source.DurableUpTo()
	}
	w.mu.Lock()
	if len(w.pages) == 0 || (w.firstPage+1)*page.Size > upTo {
		w.mu.Unlock()
		return false
	}
	slot, number := w.pages[0], w.firstPage
	w.pages[0] = pageSlot{}
	w.pages = w.pages[1:]
	w.firstPage++
	w.mu.Unlock()

	slot.page.Release()
	forgotten := min(w.trimmed.Load(), (number+1)*page.Size)
	for _, id := range slot.streams {
		s := w.stream(id)
		if s == nil {
			continue
		}
		s.mu.Lock()
		w.shrink(s, s.dropBelow(forgotten)+s.evictPage(number, w.merging()))
		s.mu.Unlock()
	}
	return true
}

// merging says what may be joined now. It is asked with the lock of the stream
// held whose entries are joined: a seal that comes later then finds the stream
// as joined, and takes what lies across its boundary whole.
func (w *Window) merging() merging {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return merging{reach: w.reach.Load(), boundaries: w.boundaries}
}

const (
	// reachFirst and reachMax bound how much of the log a read may have to walk
	// for a record, once the index is short of room.
	reachFirst = page.Size
	reachMax   = 64 << 20
)

// relieve makes the index smaller when it is past its bound: entries of
// evicted pages are joined further and further, for reads that walk longer.
func (c *Cache) relieve() {
	if c.indexBytes.Load() <= c.indexMax {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.windows {
		for c.indexBytes.Load() > c.indexMax && w.coarsen() {
		}
	}
}

// coarsen joins more of the window's evicted entries, and says whether it could
// still be asked to.
func (w *Window) coarsen() bool {
	reach := w.reach.Load()
	if reach >= reachMax {
		return false
	}
	w.reach.Store(max(4*reach, reachFirst))
	w.eachStream(func(s *streamIndex) {
		w.cache.indexBytes.Add(-entryBytes * int64(s.coarsen(w.merging())))
	})
	return true
}

// shrink accounts for entries removed, and takes out a stream left without
// any.
func (w *Window) shrink(s *streamIndex, removed int) {
	w.cache.indexBytes.Add(-entryBytes * int64(removed))
	if s.len() == 0 && !s.unsealed {
		w.forgetLocked(s)
	}
}

// Trimmed says that everything below upTo is in objects or refused, and that
// its place in the log may be overwritten. What is still in memory stays to be
// read; what is not is forgotten.
func (w *Window) Trimmed(upTo int64) {
	if upTo <= w.trimmed.Load() {
		return
	}
	w.trimmed.Store(upTo)
	w.mu.RLock()
	resident := upTo
	if len(w.pages) > 0 {
		resident = w.firstPage * page.Size
	}
	w.mu.RUnlock()
	forgotten := min(upTo, resident)
	w.eachStream(func(s *streamIndex) {
		if !s.gone {
			w.shrink(s, s.dropBelow(forgotten))
		}
	})
	// Only now: nothing below upTo may be joined with what stays.
	w.mu.Lock()
	w.boundaries = slices.DeleteFunc(slices.Clone(w.boundaries), func(at int64) bool { return at <= upTo })
	w.mu.Unlock()
	if w.cache.indexBytes.Load() < w.cache.indexMax/2 {
		w.reach.Store(0)
	}
}
