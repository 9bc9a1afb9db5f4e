package logcache

import (
	"slices"

	"github.com/seawallmq/seawall/internal/page"
)

// evictOldest lets go of the window's oldest page, if all of it is durable.
func (w *Window) evictOldest() bool {
	if w.source == nil {
		return false
	}
	durable := w.source.DurableUpTo()
	w.mu.Lock()
	if len(w.pages) == 0 || (w.firstPage+1)*page.Size > durable {
		w.mu.Unlock()
		return false
	}
	slot, number := w.pages[0], w.firstPage
	w.pages[0] = pageSlot{}
	w.pages = w.pages[1:]
	w.firstPage++
	boundaries := slices.Clone(w.boundaries)
	w.mu.Unlock()

	slot.page.Release()
	forgotten := min(w.trimmed.Load(), (number+1)*page.Size)
	for _, id := range slot.streams {
		s := w.stream(id)
		if s == nil {
			continue
		}
		s.mu.Lock()
		w.shrink(s, s.dropBelow(forgotten)+s.evictPage(number, boundaries))
		s.mu.Unlock()
	}
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
	w.mu.Lock()
	w.boundaries = slices.DeleteFunc(w.boundaries, func(at int64) bool { return at <= upTo })
	resident := upTo
	if len(w.pages) > 0 {
		resident = w.firstPage * page.Size
	}
	w.mu.Unlock()
	forgotten := min(upTo, resident)
	w.eachStream(func(s *streamIndex) {
		if !s.gone {
			w.shrink(s, s.dropBelow(forgotten))
		}
	})
}
