package wal

import "github.com/seawallmq/seawall/internal/page"

// pageRun is the contiguous run of pages from the oldest that is not yet
// durable to the one at the head.
type pageRun struct {
	first int64 // number of pages[0]: its position in pages
	pages []*page.Page
}

// endPage is the number of the page after the last.
func (r *pageRun) endPage() int64 { return r.first + int64(len(r.pages)) }

// push appends the next page, whose reference it takes over, and returns its
// position.
func (r *pageRun) push(p *page.Page) int64 {
	r.pages = append(r.pages, p)
	return (r.endPage() - 1) * page.Size
}

// at is the memory from position to the end of its page.
func (r *pageRun) at(position int64) []byte {
	return r.pages[position/page.Size-r.first].Bytes()[position%page.Size:]
}

// appendSlices appends the memory of [from, to) to bufs, page by page.
func (r *pageRun) appendSlices(bufs [][]byte, from, to int64) [][]byte {
	for from < to {
		b := r.at(from)
		if int64(len(b)) > to-from {
			b = b[:to-from]
		}
		bufs = append(bufs, b)
		from += int64(len(b))
	}
	return bufs
}

// releaseBelow releases the pages that end at or below position.
func (r *pageRun) releaseBelow(position int64) {
	n := 0
	for n < len(r.pages) && (r.first+int64(n)+1)*page.Size <= position {
		r.pages[n].Release()
		n++
	}
	if n == 0 {
		return
	}
	kept := copy(r.pages, r.pages[n:])
	clear(r.pages[kept:])
	r.pages = r.pages[:kept]
	r.first += int64(n)
}
