package read

import (
	"fmt"

	"github.com/seawallmq/seawall/blockcache"
)

// runBytesMax bounds one GET: large enough that its latency hardly counts,
// small enough that the first block is not kept waiting by the last.
const runBytesMax = 4 << 20

// runLen is how many of refs, in order, can be fetched by one GET: adjacent in
// one object, together at most runBytesMax.
func runLen(refs []blockRef) int {
	n, bytes := 1, refs[0].Size
	for n < len(refs) {
		prev, next := &refs[n-1], &refs[n]
		bytes += next.Size
		if next.object.Object != prev.object.Object || next.Position != prev.Position+int64(prev.Size) || bytes > runBytesMax {
			break
		}
		n++
	}
	return n
}

func wants(refs []blockRef) []blockcache.Want {
	out := make([]blockcache.Want, len(refs))
	for i := range refs {
		out[i] = blockcache.Want{Key: refs[i].key(), Size: refs[i].Size}
	}
	return out
}

// fetch fills the blocks of one run in the background. The load belongs to
// whoever waits for the blocks, so it does not end with the read that began it.
func (r *Reader) fetch(refs []blockRef, blocks []*blockcache.Block) {
	r.spawn(func() { r.load(refs, blocks) })
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

// load fills the blocks of one run by one GET, checks them and says how they
// are. A block that is not what its index says is never served.
func (r *Reader) load(refs []blockRef, blocks []*blockcache.Block) {
	err := r.get(&refs[0], blocks[0].Run())
	for i, b := range blocks {
		blockErr := err
		if err == nil {
			if blockErr = refs[i].CheckBlock(b.Bytes()); blockErr != nil {
				blockErr = fmt.Errorf("object %d: %w", refs[i].object.Object, blockErr)
			}
		}
		b.Loaded(blockErr)
	}
}

func (r *Reader) get(ref *blockRef, dst []byte) error {
	select {
	case r.gets <- struct{}{}:
		defer func() { <-r.gets }()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	if _, err := r.cfg.Store.GetRange(r.ctx, ref.object.Key, ref.Position, dst); err != nil {
		return fmt.Errorf("%d bytes at %d of object %d: %w", len(dst), ref.Position, ref.object.Object, err)
	}
	return nil
}
