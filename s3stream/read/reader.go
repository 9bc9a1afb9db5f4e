package read

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Index is the metadata's knowledge of which objects hold a stream.
type Index interface {
	// Objects returns at most max of the stream's ranges in objects, in order,
	// beginning with the one that holds offset from or else the first after it.
	Objects(stream ids.StreamID, from int64, max int) []meta.ObjectRange
}

// Config is what a Reader is made of.
type Config struct {
	Index Index
	// Store is retrying, and paced as catch-up reads are.
	Store objstore.Store
	Frame Framer
	Cache *blockcache.Cache
	// IndexBytesMax bounds the object indexes kept.
	IndexBytesMax int64
	// GetsMax bounds the GETs of blocks in flight.
	GetsMax int
	// ConsumersMax bounds the sequential consumers remembered for read-ahead.
	ConsumersMax int
}

// Reader serves what is in object storage.
type Reader struct {
	cfg     Config
	indexes *indexCache
	gets    chan struct{}   // a token a GET in flight
	ctx     context.Context // of loads; done when the reader is closed
	cancel  context.CancelFunc
	work    sync.WaitGroup // loads and read-ahead under way

	mu      sync.Mutex
	closed  bool
	cursors *cursors
}

// New makes a Reader, to be closed.
func New(cfg Config) *Reader {
	r := &Reader{
		cfg:     cfg,
		gets:    make(chan struct{}, max(cfg.GetsMax, 1)),
		cursors: newCursors(max(cfg.ConsumersMax, 1)),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.indexes = newIndexCache(r.ctx, cfg.Store, cfg.IndexBytesMax)
	return r
}

// Close ends the loads under way and waits for them.
func (r *Reader) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.work.Wait()
}

// Drop forgets what is cached of an object that exists no more.
func (r *Reader) Drop(object ids.ObjectID) {
	r.indexes.drop(object)
	r.cfg.Cache.Drop(object)
}

// ErrNoObject says that no object holds the offset.
var ErrNoObject = errors.New("no object holds the offset")

// Read returns batches from the one that holds req.From on, in order. It
// returns one at least if MinOne says so, and may return less than there is.
func (r *Reader) Read(ctx context.Context, req Request) (Result, error) {
	res, err := r.read(ctx, req)
	if errors.Is(err, objstore.ErrNotFound) {
		// Compaction replaced the object between our look at the metadata and
		// the GET. The metadata names the new one by now.
		res, err = r.read(ctx, req)
	}
	if err != nil {
		return Result{}, fmt.Errorf("read stream %d at %d from objects: %w", req.Stream, req.From, err)
	}
	return res, nil
}

func (r *Reader) read(ctx context.Context, req Request) (Result, error) {
	refs, err := r.wanted(ctx, req)
	if err != nil {
		return Result{}, err
	}
	c := r.takeCursor(req)
	held, err := r.claim(ctx, refs)
	if err != nil {
		return Result{}, err
	}
	cut := cutter{req: req, frame: r.cfg.Frame, res: Result{NextOffset: req.From}}
	for i, b := range held {
		err := b.Wait(ctx)
		if err != nil {
			b.Release()
		} else {
			err = cut.add(&refs[i], b)
		}
		if err != nil {
			for _, b := range held[i+1:] {
				b.Release()
			}
			cut.res.Release()
			return Result{}, err
		}
	}
	r.putCursor(c, req.Stream, cut.res.NextOffset)
	return cut.res, nil
}

// wanted lists the blocks that a read of req.MaxBytes may need.
func (r *Reader) wanted(ctx context.Context, req Request) ([]blockRef, error) {
	var refs []blockRef
	bytes := 0
	for ref, err := range r.blocks(ctx, req.Stream, req.From) {
		if err != nil && len(refs) == 0 {
			return nil, err
		}
		if err != nil || ref.Start >= req.UpTo || len(refs) > 0 && bytes >= req.MaxBytes {
			break
		}
		refs = append(refs, ref)
		bytes += ref.Size
	}
	if len(refs) == 0 {
		return nil, ErrNoObject
	}
	return refs, nil
}

// claim holds as many of the blocks as the cache has room for, at least the
// first, and sees to it that they are loaded.
func (r *Reader) claim(ctx context.Context, refs []blockRef) ([]*blockcache.Block, error) {
	var held []*blockcache.Block
	for len(held) < len(refs) {
		rest := refs[len(held):]
		run := wants(rest[:runLen(rest)])
		var blocks []*blockcache.Block
		var fill bool
		if len(held) == 0 {
			var err error
			if blocks, fill, err = r.cfg.Cache.ClaimRun(ctx, run); err != nil {
				return nil, err
			}
		} else {
			var ok bool
			if blocks, fill, ok = r.cfg.Cache.TryClaimRun(run); !ok {
				break
			}
		}
		if fill {
			r.fetch(rest[:len(blocks)], blocks)
		}
		held = append(held, blocks...)
	}
	return held, nil
}
