package logcache

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/page"
)

// Config is what a cache is made of.
type Config struct {
	// Pool has the pages, and is bounded by its budget account.
	Pool *page.Pool
	// Index is the account for index entries; its whole limit is taken at once.
	Index *budget.Account
	// PinnedBytesMax bounds what readers may keep from being reused, in whole
	// pages. Past it reads copy. Zero is a quarter of the pool's limit.
	PinnedBytesMax int64
}

// Cache is the memory that the windows of all WAL instances share.
type Cache struct {
	pool      *page.Pool
	growBelow int64 // bytes of pages
	indexMax  int64
	pinnedMax int64

	indexBytes  atomic.Int64
	pinnedBytes atomic.Int64
	evicted     atomic.Int64 // pages

	mu      sync.Mutex // one eviction at a time
	windows []*Window  // oldest first
}

// New makes an empty cache. The error is the budget's refusal.
func New(cfg Config) (*Cache, error) {
	if !cfg.Index.TryAcquire(cfg.Index.Limit()) {
		return nil, fmt.Errorf("log cache: the budget does not have %d bytes for the index", cfg.Index.Limit())
	}
	c := &Cache{pool: cfg.Pool, indexMax: cfg.Index.Limit(), pinnedMax: cfg.PinnedBytesMax}
	c.growBelow = min(growBelowMost, cfg.Pool.Stats().LimitBytes/2)
	if c.pinnedMax == 0 {
		c.pinnedMax = cfg.Pool.Stats().LimitBytes / 4
	}
	return c, nil
}

// NewWindow opens the window of one WAL instance. It is to be attached to its
// source before anything is read.
func (c *Cache) NewWindow() *Window {
	w := newWindow(c)
	c.mu.Lock()
	c.windows = append(c.windows, w)
	c.mu.Unlock()
	return w
}

// Page implements wal.PageSource: a free page, else the coldest that may be
// evicted. It returns nil when every page is either not yet durable or held by
// readers, and when the index has no room for what a page could hold.
func (c *Cache) Page() *page.Page {
	c.relieve()
	for c.indexBytes.Load() > c.indexMax {
		if !c.evict(durable) {
			return nil
		}
	}
	for {
		if p := c.pool.GetWarm(); p != nil {
			return p
		}
		if c.pool.Stats().MappedBytes >= c.growBelow && c.evict(uploaded) {
			continue
		}
		if p := c.pool.Get(); p != nil {
			return p
		}
		if !c.evict(durable) {
			return nil
		}
	}
}

// growBelowMost is the size up to which a cache takes fresh memory although it
// has pages whose records are in objects. Past it those are used again first:
// the first touch of fresh memory costs the appender far more than the copy
// into it.
const growBelowMost = 256 << 20

// evictable says which pages may be let go of.
type evictable int

const (
	uploaded evictable = iota // what is in objects
	durable                   // what can be read back from the WAL as well
)

// evict lets go of the oldest page that may be, and says whether there was one.
// A page that a reader holds is let go of as well; it returns to the pool later.
func (c *Cache) evict(which evictable) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.windows {
		if w.evictOldest(which) {
			c.evicted.Add(1)
			return true
		}
	}
	return false
}

func (c *Cache) drop(w *Window) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = slices.DeleteFunc(c.windows, func(x *Window) bool { return x == w })
}

// Stats is a snapshot of a cache.
type Stats struct {
	Pages         page.Stats
	IndexBytes    int64
	IndexBytesMax int64
	PinnedBytes   int64 // of pages that readers hold
	EvictedPages  int64
}

// Stats returns a snapshot.
func (c *Cache) Stats() Stats {
	return Stats{
		Pages: c.pool.Stats(), IndexBytes: c.indexBytes.Load(), IndexBytesMax: c.indexMax,
		PinnedBytes: c.pinnedBytes.Load(), EvictedPages: c.evicted.Load(),
	}
}
