package page

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/invariant"
)

// Size is the length of every page in bytes.
const Size = 1 << 20

// poison fills released pages under -tags invariants. Not zero, so that stale
// bytes are not taken for padding.
const poison = 0xdb

// poisoned is what a released page looks like.
var poisoned = sync.OnceValue(func() []byte { return bytes.Repeat([]byte{poison}, Size) })

// Page is Size bytes of off-heap memory. Whoever holds a reference may read
// it; only its first owner writes to it, and never a byte twice.
type Page struct {
	data []byte
	pool *Pool
	refs atomic.Int32
}

// Bytes is the whole page, aligned to at least 4 KiB. It is valid until the
// caller's reference is released.
func (p *Page) Bytes() []byte { return p.data }

// Retain adds a reference. The caller must hold one already.
func (p *Page) Retain() {
	n := p.refs.Add(1)
	invariant.Check(n > 1, "page: retained after its last release")
}

// Release gives up one reference; the last one returns the page to its pool.
func (p *Page) Release() {
	n := p.refs.Add(-1)
	invariant.Check(n >= 0, "page: released more often than retained")
	if n == 0 {
		p.poison()
		p.pool.put(p)
	}
}

func (p *Page) poison() {
	if !invariant.Enabled {
		return
	}
	copy(p.data, poisoned())
}

// checkPoison panics if anyone wrote to the page after its last release.
func (p *Page) checkPoison() {
	if !invariant.Enabled {
		return
	}
	invariant.Check(bytes.Equal(p.data, poisoned()), "page: written after release")
}
