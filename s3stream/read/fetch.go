package read

import (
	"fmt"
	"sync"

	"github.com/seawallmq/seawall/blockcache"
)

// runBytesMax bounds one GET: large enough that its latency hardly counts,
// small enough that the first block is not kept waiting by the last.
const runBytesMax = 4 << 20

// fill is a block to be filled.
type fill struct {
	ref   blockRef
	block *blockcache.Block
}

// runs cuts fills, in order, into runs to be fetched by one GET each: adjacent
// in one object, together at most runBytesMax.
func runs(fills []fill) [][]fill {
	var out [][]fill
	for first := 0; first < len(fills); {
		last, bytes := first+1, fills[first].ref.Size
		for last < len(fills) {
			prev, next := &fills[last-1].ref, &fills[last].ref
			bytes += next.Size
			if next.object.Object != prev.object.Object || next.Position != prev.Position+int64(prev.Size) || bytes > runBytesMax {
				break
			}
			last++
		}
		out = append(out, fills[first:last:last])
		first = last
	}
	return out
}

// fetch fills blocks in the background. The loads belong to whoever waits for
// the blocks, so they do not end with the read that began them.
func (r *Reader) fetch(fills []fill) {
	for _, run := range runs(fills) {
		r.spawn(func() { r.load(run) })
	}
}

// spawn runs f in the background, or at once if the reader is closed, so that
// blocks are settled either way.
func (r *Reader) spawn(f func()) {
	r.mu.Lock()
	closed := r.closed
	if !closed {
		r.work.Add(1)
	}
	r.mu.Unlock()
	if closed {
		f()
		return
	}
	go func() {
		defer r.work.Done()
		f()
	}()
}

// load fills the blocks of one run by one GET.
func (r *Reader) load(run []fill) {
	select {
	case r.gets <- struct{}{}:
		defer func() { <-r.gets }()
	case <-r.ctx.Done():
		settle(run, r.ctx.Err())
		return
	}
	if len(run) == 1 {
		f := run[0]
		settle(run, r.get(f.ref, f.block.Buffer()))
		return
	}
	last := &run[len(run)-1].ref
	n := int(last.Position + int64(last.Size) - run[0].ref.Position)
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	if cap(*scratch) < n {
		*scratch = make([]byte, runBytesMax)
	}
	whole := (*scratch)[:n]
	if err := r.get(run[0].ref, whole); err != nil {
		settle(run, err)
		return
	}
	for _, f := range run {
		copy(f.block.Buffer(), whole[f.ref.Position-run[0].ref.Position:])
		settle([]fill{f}, nil)
	}
}

// scratches are the buffers of runs, which are at most runBytesMax.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

func (r *Reader) get(ref blockRef, dst []byte) error {
	if _, err := r.cfg.Store.GetRange(r.ctx, ref.object.Key, ref.Position, dst); err != nil {
		return fmt.Errorf("%d bytes at %d of object %d: %w", len(dst), ref.Position, ref.object.Object, err)
	}
	return nil
}

// settle checks filled blocks and says how they are. A block that is not what
// its index says is never served.
func settle(run []fill, err error) {
	for _, f := range run {
		blockErr := err
		if err == nil {
			if blockErr = f.ref.CheckBlock(f.block.Buffer()); blockErr != nil {
				blockErr = fmt.Errorf("object %d: %w", f.ref.object.Object, blockErr)
			}
		}
		f.block.Loaded(blockErr)
	}
}
