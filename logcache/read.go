package logcache

import (
	"errors"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal/device"
)

// ErrNotHere says that the window does not have the offset: it is below what
// the window covers, or the window has nothing of the stream. It is in objects
// or another window, or above the high watermark.
var ErrNotHere = errors.New("offset is not in the log cache")

// ErrNotInMemory says that TryRead would have to read the log.
var ErrNotInMemory = errors.New("offset is not in memory")

// ErrCorrupt says that the log gave back other bytes than were acknowledged.
var ErrCorrupt = errors.New("WAL record does not verify")

const (
	// readRunBytesMax bounds one read of the log, unless a record is larger.
	readRunBytesMax = 1 << 20
	// readGapBytesMax is how far apart two records may lie to be read at once.
	readGapBytesMax = 32 << 10
	// readAlign makes reads of the log fit for direct I/O without a copy.
	readAlign = 4096
	// runBytes is the length of a pooled buffer.
	runBytes = readRunBytesMax + 2*readAlign
)

// Result is what a read found: whole records, contiguous in offsets.
type Result struct {
	// Segments are the records' bytes in order. A record may span segments.
	// They are valid until Release and must not be written to.
	Segments [][]byte
	// Bytes is their sum.
	Bytes int
	// NextOffset is the offset after the last record, or the one asked for
	// where there was nothing.
	NextOffset int64

	cache *Cache
	pages []*page.Page // pinned
	bufs  [][]byte     // aligned, of runPool or made for a large record
	plan  []entry      // what to read
}

var resultPool = sync.Pool{New: func() any { return new(Result) }}

var runPool = sync.Pool{New: func() any {
	b := device.Aligned(runBytes)
	return &b
}}

// Release gives back what the result holds. It must be called once.
func (r *Result) Release() {
	for _, p := range r.pages {
		p.Release()
	}
	r.cache.pinnedBytes.Add(-page.Size * int64(len(r.pages)))
	for len(r.bufs) > 0 {
		r.dropLastBuffer()
	}
	clear(r.Segments)
	clear(r.pages)
	*r = Result{Segments: r.Segments[:0], pages: r.pages[:0], bufs: r.bufs[:0], plan: r.plan[:0]}
	resultPool.Put(r)
}

func (r *Result) dropLastBuffer() {
	last := len(r.bufs) - 1
	if b := r.bufs[last]; cap(b) == runBytes {
		b = b[:cap(b)]
		runPool.Put(&b)
	}
	r.bufs[last] = nil
	r.bufs = r.bufs[:last]
}

// read is one Read under way.
type read struct {
	w          *Window
	stream     ids.StreamID
	from, upTo int64
	bytesMax   int
	minOne     bool
	memoryOnly bool // do not read the log
	*Result
}

// Read returns a stream's records from the one that holds offset from on, below
// offset upTo, the caller's high watermark, and as many as fit in bytesMax; at
// least one if minOne. Where there is none, the result is empty. The error is
// ErrNotHere where objects must be asked, and otherwise the device's or
// ErrCorrupt. The caller releases the result.
func (w *Window) Read(stream ids.StreamID, from, upTo int64, bytesMax int, minOne bool) (*Result, error) {
	return w.read(read{stream: stream, from: from, upTo: upTo, bytesMax: bytesMax, minOne: minOne})
}

// TryRead is Read without a look at the log, so that it does not block: it ends
// before the first record that is not in memory. Where that is the very first,
// the error is ErrNotInMemory.
func (w *Window) TryRead(stream ids.StreamID, from, upTo int64, bytesMax int, minOne bool) (*Result, error) {
	return w.read(read{stream: stream, from: from, upTo: upTo, bytesMax: bytesMax, minOne: minOne, memoryOnly: true})
}

func (w *Window) read(r read) (*Result, error) {
	r.w, r.Result = w, resultPool.Get().(*Result)
	r.cache, r.NextOffset = w.cache, r.from
	if err := r.run(); err != nil {
		r.Release()
		return nil, err
	}
	return r.Result, nil
}

func (r *read) run() error {
	s := r.w.stream(r.stream)
	if s == nil {
		return ErrNotHere
	}
	if err := r.choose(s); err != nil {
		return err
	}
	for rest := r.plan; len(rest) > 0; {
		if r.fromPages(&rest[0]) {
			rest = rest[1:]
			continue
		}
		if r.memoryOnly {
			if r.Bytes == 0 {
				return ErrNotInMemory
			}
			return nil
		}
		n, err := r.fromLog(rest)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // bytesMax or upTo fell inside a stretch
		}
		rest = rest[n:]
	}
	return nil
}

// fits says whether a record of n bytes may be added.
func (r *read) fits(n, sofar int) bool { return sofar+n <= r.bytesMax || r.minOne && sofar == 0 }

// choose copies the entries to be read to r.plan, up to a gap in the offsets. A
// stretch is always chosen: where bytesMax falls in it is found when it is
// walked.
func (r *read) choose(s *streamIndex) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.find(r.from)
	if s.len() == 0 || first < s.len() && r.from < s.at(first).base {
		return ErrNotHere
	}
	bytes := 0
	for i := first; i < s.len() && s.at(i).base < r.upTo; i++ {
		e := s.at(i)
		if i > first && e.base != s.at(i-1).end {
			break
		}
		if !e.isStretch() && !r.fits(int(e.bytes), bytes) {
			break
		}
		r.plan = append(r.plan, *e)
		if bytes += int(e.bytes); bytes >= r.bytesMax {
			break
		}
	}
	return nil
}

// fromPages serves an entry from memory, if all of it is there.
func (r *read) fromPages(e *entry) bool {
	if e.isStretch() {
		return false
	}
	r.w.mu.RLock()
	defer r.w.mu.RUnlock()
	first, last := e.position/page.Size, (e.position+max(int64(e.span), 1)-1)/page.Size
	if r.w.slot(first) == nil || r.w.slot(last) == nil {
		return false
	}
	at, left := e.position, int64(e.span)
	for number := first; left > 0; number++ {
		p := r.w.slot(number).page
		b := p.Bytes()[at%page.Size:]
		b = b[:min(int64(len(b)), left)]
		r.Segments = append(r.Segments, r.hold(p, b))
		at, left = at+int64(len(b)), left-int64(len(b))
	}
	r.add(e.end, int(e.span))
	return true
}

// hold keeps b, which is of page p, valid until Release: by pinning the page,
// or past the bound for that by copying.
func (r *Result) hold(p *page.Page, b []byte) []byte {
	if n := len(r.pages); n > 0 && r.pages[n-1] == p {
		return b
	}
	if r.cache.pinnedBytes.Add(page.Size) > r.cache.pinnedMax {
		r.cache.pinnedBytes.Add(-page.Size)
		return slices.Clone(b)
	}
	p.Retain()
	r.pages = append(r.pages, p)
	return b
}

func (r *Result) add(end int64, bytes int) {
	r.NextOffset = end
	r.Bytes += bytes
}
