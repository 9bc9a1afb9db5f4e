package page

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/invariant"
)

func newTestPool(t *testing.T, pages int) (*Pool, *budget.Account) {
	t.Helper()
	account := budget.New(1<<40).Account("pages", int64(pages)*Size)
	return NewPool(account), account
}

func TestPoolIsBoundedAndAligned(t *testing.T) {
	pool, account := newTestPool(t, 19)
	var held []*Page
	for p := pool.Get(); p != nil; p = pool.Get() {
		if len(p.Bytes()) != Size || uintptr(unsafe.Pointer(&p.Bytes()[0]))%4096 != 0 {
			t.Fatalf("page of %d bytes at %p", len(p.Bytes()), &p.Bytes()[0])
		}
		held = append(held, p)
	}
	if len(held) != 19 || account.Used() != 19*Size {
		t.Fatalf("got %d pages, account holds %d bytes; want 19 pages", len(held), account.Used())
	}
	if s := pool.Stats(); s.UsedBytes != 19*Size || s.MappedBytes != 19*Size || s.LimitBytes != 19*Size {
		t.Fatalf("stats: %+v", s)
	}
	for _, p := range held {
		p.Release()
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if account.Used() != 0 {
		t.Fatalf("account holds %d bytes after Close", account.Used())
	}
}

func TestPoolRecyclesTheWarmestAndGrowsOnlyUnderLoad(t *testing.T) {
	pool, _ := newTestPool(t, 64)
	a, b := pool.Get(), pool.Get()
	a.Release()
	b.Release()
	if got := pool.Get(); got != b {
		t.Fatal("want the page released last")
	}
	if got := pool.Get(); got != a {
		t.Fatal("want the other warm page before a fresh one")
	}
	if s := pool.Stats(); s.MappedBytes != slabPagesMax*Size {
		t.Fatalf("mapped %d bytes for two pages, want one slab", s.MappedBytes)
	}
}

func TestLastReleaseReturnsThePage(t *testing.T) {
	pool, _ := newTestPool(t, 1)
	p := pool.Get()
	p.Retain()
	p.Release()
	if pool.Get() != nil {
		t.Fatal("a page still referenced was handed out again")
	}
	p.Release()
	if pool.Get() != p {
		t.Fatal("the page did not come back")
	}
}

func TestMisuseIsCaught(t *testing.T) {
	for name, misuse := range map[string]func(*Pool, *Page){
		"released twice":       func(_ *Pool, p *Page) { p.Release(); p.Release() },
		"retained after death": func(_ *Pool, p *Page) { p.Release(); p.Retain() },
		"closed in use":        func(pool *Pool, _ *Page) { _ = pool.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			pool, _ := newTestPool(t, 1)
			mustPanic(t, func() { misuse(pool, pool.Get()) })
		})
	}
}

func TestWriteAfterReleaseIsCaught(t *testing.T) {
	if !invariant.Enabled {
		t.Skip("needs -tags invariants")
	}
	pool, _ := newTestPool(t, 1)
	p := pool.Get()
	bytes := p.Bytes()
	bytes[7] = 1
	p.Release()
	if bytes[7] != poison {
		t.Fatal("a released page was not poisoned")
	}
	bytes[7] = 1
	mustPanic(t, func() { pool.Get() })
}

func TestPoolConcurrently(t *testing.T) {
	pool, _ := newTestPool(t, 4)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 200 {
				p := pool.Get()
				if p == nil {
					continue
				}
				p.Bytes()[g] = byte(g)
				if p.Bytes()[g] != byte(g) {
					t.Error("two owners of one page")
				}
				p.Release()
			}
		})
	}
	wg.Wait()
	if used := pool.Stats().UsedBytes; used != 0 {
		t.Fatalf("%d bytes in use at the end", used)
	}
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Fatal("did not panic")
		}
	}()
	f()
}
