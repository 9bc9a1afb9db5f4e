package page

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/invariant"
)

const (
	// slabPagesMax pages are mapped at a time while the bound allows it.
	slabPagesMax = 16
	// hugeBytes is the size and alignment of a huge page, which a slab asks
	// for: one fault instead of 512.
	hugeBytes = 2 << 20
	// touchStride is the smallest memory page of the machines we run on.
	touchStride = 4096
)

// Pool is a bounded set of pages.
type Pool struct {
	account *budget.Account

	mu     sync.Mutex
	free   []*Page // warm, last in first out
	fresh  []*Page // mapped and never touched
	slabs  [][]byte
	mapped int64 // bytes acquired from account
	pages  int   // cut from slabs
	closed bool
}

// Stats is a snapshot of a pool.
type Stats struct {
	// MappedBytes were taken from the budget for slabs, and stay taken.
	MappedBytes int64
	// UsedBytes are in pages that someone holds.
	UsedBytes int64
	// LimitBytes is the bound.
	LimitBytes int64
}

// NewPool makes an empty pool whose slabs are drawn from account.
func NewPool(account *budget.Account) *Pool { return &Pool{account: account} }

// Get hands out a page with one reference, or nil when the bound is reached.
// Its content is undefined. A page never used before is touched first, which
// takes its time: keep Get off the hot path by holding a spare.
func (p *Pool) Get() *Page { return p.get(true) }

// GetWarm is Get without growth and without touching fresh memory: nil when no
// page that was used before is free.
func (p *Pool) GetWarm() *Page { return p.get(false) }

func (p *Pool) get(mayGrow bool) *Page {
	p.mu.Lock()
	if mayGrow && len(p.free) == 0 && len(p.fresh) == 0 {
		p.grow()
	}
	var got *Page
	isFresh := false
	if n := len(p.free); n > 0 {
		got, p.free = p.free[n-1], p.free[:n-1]
	} else if n := len(p.fresh); n > 0 && mayGrow {
		got, p.fresh = p.fresh[n-1], p.fresh[:n-1]
		isFresh = true
	}
	p.mu.Unlock()
	if got == nil {
		return nil
	}
	if isFresh {
		got.touch()
	} else {
		got.checkPoison()
	}
	got.refs.Store(1)
	return got
}

// Stats returns a snapshot.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	unused := len(p.free) + len(p.fresh)
	return Stats{
		MappedBytes: p.mapped,
		UsedBytes:   int64(p.pages-unused) * Size,
		LimitBytes:  p.account.Limit(),
	}
}

// Close unmaps the slabs and gives their bytes back. Every page must have been
// released.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	invariant.Check(len(p.free)+len(p.fresh) == p.pages, "page: pool closed with pages in use")
	var first error
	for _, slab := range p.slabs {
		if err := unix.Munmap(slab); err != nil && first == nil {
			first = err
		}
	}
	p.account.Release(p.mapped)
	p.free, p.fresh, p.slabs, p.pages, p.mapped, p.closed = nil, nil, nil, 0, 0, true
	return first
}

func (p *Pool) put(page *Page) {
	p.mu.Lock()
	p.free = append(p.free, page)
	p.mu.Unlock()
}

// grow maps one more slab, a smaller one when the budget has little left.
func (p *Pool) grow() {
	if p.closed {
		return
	}
	n := slabPagesMax
	for ; n > 0 && !p.account.TryAcquire(int64(n)*Size); n /= 2 {
	}
	if n == 0 {
		return
	}
	slab, err := unix.Mmap(-1, 0, n*Size+hugeBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		p.account.Release(int64(n) * Size) // no memory is as good as no budget
		return
	}
	pad := int(-uintptr(unsafe.Pointer(&slab[0])) & (hugeBytes - 1))
	area := slab[pad : pad+n*Size]
	_ = unix.Madvise(area, unix.MADV_HUGEPAGE) // best effort: small pages serve too
	p.slabs = append(p.slabs, slab)
	p.mapped += int64(n) * Size
	p.pages += n
	for i := n - 1; i >= 0; i-- { // so that pages leave in the order of their addresses
		p.fresh = append(p.fresh, &Page{pool: p, data: area[i*Size : (i+1)*Size : (i+1)*Size]})
	}
}

// touch faults the page in.
func (p *Page) touch() {
	for i := 0; i < len(p.data); i += touchStride {
		p.data[i] = 0
	}
	p.poison()
}
