package directack

import (
	"cmp"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/tail"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// entryBytes is what an append is charged beside its payload.
const entryBytes = 64

// cost is what an append takes of the memory.
func cost(payload int) int64 { return int64(payload) + entryBytes }

// batch is what becomes one object: parts of streams.
type batch struct {
	parts map[ids.StreamID]*part
	order []*part // by stream, once it is sealed
	bytes int64   // cost of all
	ready int64   // cost of the parts that are not held back
	since time.Time

	object meta.Object // once it is laid out
	body   objstore.Body
	stored bool // under Log.mu

	// users are the log, until it evicts the batch, and every PUT that may still
	// read from it.
	users atomic.Int32
}

func newBatch() *batch {
	b := &batch{parts: map[ids.StreamID]*part{}}
	b.users.Store(1)
	return b
}

// seal fixes the order of the parts.
func (b *batch) seal() {
	b.order = make([]*part, 0, len(b.parts))
	for _, p := range b.parts {
		b.order = append(b.order, p)
	}
	slices.SortFunc(b.order, func(x, y *part) int { return cmp.Compare(x.stream, y.stream) })
}

// drop says that one user is done; the last one frees the pages.
func (b *batch) drop() {
	if b.users.Add(-1) > 0 {
		return
	}
	for _, p := range b.parts {
		for _, pg := range p.pages {
			pg.Release()
		}
		p.pages, p.segments = nil, nil
	}
}

// part is what a batch has of one opening of a stream: appends one after another.
type part struct {
	stream     ids.StreamID
	epoch      ids.StreamEpoch
	start, end int64 // offsets
	bytes      int64 // of payload
	entries    []entry
	segments   [][]byte     // the payload, of which what lies side by side is one
	pages      []*page.Page // under the segments, each with a reference
	used       int          // where the last segment ends in the last page
}

// entry is one append.
type entry struct {
	base, end    int64
	segment, off int32 // where it begins
	size         int32
	crc          uint32
	hasCRC       bool
	done         tail.Completion // nil once it was told
}

// add notes an append whose payload is about to be added by extend.
func (p *part) add(r *tail.Record, done tail.Completion) {
	p.end = r.End
	p.bytes += int64(len(r.Payload))
	p.entries = append(p.entries, entry{
		base: r.Base, end: r.End, segment: int32(len(p.segments)), size: int32(len(r.Payload)),
		crc: r.CRC, hasCRC: r.HasCRC, done: done,
	})
}

// extend adds n bytes that were copied to a position in a page. first says that
// an entry begins with them.
func (p *part) extend(pg *page.Page, at, n int, first bool) {
	last := len(p.segments) - 1
	if newest := len(p.pages) - 1; newest >= 0 && p.pages[newest] == pg && p.used == at {
		if first {
			e := &p.entries[len(p.entries)-1]
			e.segment, e.off = int32(last), int32(len(p.segments[last]))
		}
		begin := at - len(p.segments[last])
		p.segments[last] = pg.Bytes()[begin : at+n : at+n]
	} else {
		if newest < 0 || p.pages[newest] != pg {
			pg.Retain()
			p.pages = append(p.pages, pg)
		}
		p.segments = append(p.segments, pg.Bytes()[at:at+n:at+n])
	}
	p.used = at + n
}

// find is the entry that holds an offset of the part.
func (p *part) find(offset int64) int {
	return sort.Search(len(p.entries), func(i int) bool { return p.entries[i].end > offset })
}

// run calls f with the bytes of the entries [i, j), piece by piece.
func (p *part) run(i, j int, f func([]byte)) {
	left := 0
	for k := i; k < j; k++ { // not by copies of entries: their completions change
		left += int(p.entries[k].size)
	}
	s, off := int(p.entries[i].segment), int(p.entries[i].off)
	for ; left > 0; s, off = s+1, 0 {
		piece := p.segments[s][off:]
		piece = piece[:min(left, len(piece)):min(left, len(piece))]
		left -= len(piece)
		f(piece)
	}
}

// crcOf is the checksum of an entry: the one that came with it, if one did.
func (p *part) crcOf(i int) uint32 {
	e := &p.entries[i]
	if e.hasCRC {
		return e.crc
	}
	sum := uint32(0)
	p.run(i, i+1, func(b []byte) { sum = crc.Update(sum, b) })
	return sum
}

// head is what of an entry is enough to summarize it: where it lies, or copied
// together in scratch.
func (p *part) head(i int, scratch []byte) (b, grown []byte) {
	e := &p.entries[i]
	enough := min(int(e.size), upload.SummaryBytes)
	if s := p.segments[e.segment][e.off:]; len(s) >= enough {
		return s[:min(len(s), int(e.size))], scratch
	}
	scratch = scratch[:0]
	p.run(i, i+1, func(piece []byte) { scratch = append(scratch, piece[:min(len(piece), enough-len(scratch))]...) })
	return scratch, scratch
}

// tell tells every append of the part what became of it, in order.
func (p *part) tell(err error) {
	for i := range p.entries {
		done := p.entries[i].done
		p.entries[i].done = nil
		done.Durable(err)
	}
}

func (p *part) slice() meta.Slice {
	return meta.Slice{Stream: p.stream, Epoch: p.epoch, Start: p.start, End: p.end, Bytes: p.bytes}
}
