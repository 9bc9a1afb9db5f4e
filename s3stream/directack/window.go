package directack

import (
	"context"
	"slices"
	"sort"

	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/s3stream/read"
)

// pinnedShare is the part of the memory that reads may keep from being used again.
// Past it they copy: a slow consumer is not to hold up appends.
const pinnedShare = 4

// TryRead answers from memory without blocking. covered says that the offset is
// this window's to serve; then it is always ready.
func (l *Log) TryRead(r read.Request) (res read.Result, covered, ready bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.streams[r.Stream]
	if s == nil {
		return read.Result{}, false, false
	}
	at := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].end > r.From })
	if at == len(s.parts) || s.parts[at].start > r.From || r.Epoch != 0 && s.parts[at].epoch != r.Epoch {
		return read.Result{}, false, false
	}
	return l.readFrom(s.parts[at:], r), true, true
}

// Read is TryRead: there is nothing to wait for.
func (l *Log) Read(_ context.Context, r read.Request) (res read.Result, covered bool, err error) {
	res, covered, _ = l.TryRead(r)
	return res, covered, nil
}

// readFrom reads from parts, the first of which holds the offset. mu is held.
func (l *Log) readFrom(parts []*part, r read.Request) read.Result {
	res := read.Result{NextOffset: r.From}
	hold := &pin{l: l}
	size := 0
	for k, p := range parts {
		if k > 0 && (p.start != res.NextOffset || r.Epoch != 0 && p.epoch != r.Epoch) {
			break
		}
		first := p.find(r.From)
		next := first
		for ; next < len(p.entries); next++ {
			e := &p.entries[next]
			tooMuch := size+int(e.size) > r.MaxBytes && (size > 0 || !r.MinOne)
			if e.end > r.UpTo || tooMuch {
				break
			}
			size += int(e.size)
			res.NextOffset = e.end
		}
		if next > first {
			p.run(first, next, func(piece []byte) { res.Segments = append(res.Segments, piece) })
			hold.add(p)
		}
		if next < len(p.entries) {
			break
		}
	}
	if len(res.Segments) == 0 {
		return res
	}
	if !hold.take() {
		res.Segments = [][]byte{slices.Concat(res.Segments...)}
		return res
	}
	res.Keep(hold)
	return res
}

// pin keeps the pages of a result.
type pin struct {
	l     *Log
	pages []*page.Page
}

// add notes the pages of a part.
func (h *pin) add(p *part) {
	for _, pg := range p.pages {
		if n := len(h.pages); n == 0 || h.pages[n-1] != pg {
			h.pages = append(h.pages, pg)
		}
	}
}

// take keeps them, if reads may keep so many.
func (h *pin) take() bool {
	size := int64(len(h.pages)) * page.Size
	if h.l.pinned.Add(size) > h.l.cfg.Memory.Limit()/pinnedShare {
		h.l.pinned.Add(-size)
		return false
	}
	for _, pg := range h.pages {
		pg.Retain()
	}
	return true
}

// Release implements read.Hold.
func (h *pin) Release() {
	for _, pg := range h.pages {
		pg.Release()
	}
	h.l.pinned.Add(-int64(len(h.pages)) * page.Size)
	h.pages = nil
}
