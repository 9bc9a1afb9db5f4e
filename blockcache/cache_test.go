package blockcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

func fillWith(x byte) func([]byte) error {
	return func(dst []byte) error {
		for i := range dst {
			dst[i] = x
		}
		return nil
	}
}

// load returns a block, held and filled, by fill if nobody has it. What fill
// fails with is told to everyone who waits for the block.
func load(c *Cache, want Want, fill func(dst []byte) error) (*Block, error) {
	blocks, toFill, err := c.ClaimRun(context.Background(), []Want{want})
	if err != nil {
		return nil, err
	}
	b := blocks[0]
	if toFill {
		b.Loaded(fill(b.Run()))
	}
	if err := b.Wait(context.Background()); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// has says whether a block is present or being loaded.
func has(c *Cache, key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[key] != nil
}

func get(t *testing.T, c *Cache, pos int64, size int) *Block {
	t.Helper()
	b, err := load(c, Want{Key{1, pos}, size}, fillWith(byte(pos)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), bytes.Repeat([]byte{byte(pos)}, size)) {
		t.Fatalf("block %d has bytes of another", pos)
	}
	return b
}

func TestOneLoadForMany(t *testing.T) {
	c := New(Config{BytesMax: 1 << 20})
	var loads atomic.Int32
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			b, err := load(c, Want{Key{7, 0}, 100}, func(dst []byte) error {
				loads.Add(1)
				<-gate
				return fillWith(9)(dst)
			})
			if err != nil || b.Bytes()[99] != 9 {
				t.Errorf("get: %v", err)
				return
			}
			b.Release()
		})
	}
	for c.Stats().Hits < 31 { // all others wait for the one load
	}
	close(gate)
	wg.Wait()
	if n := loads.Load(); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
}

func TestFailedLoadIsForgottenAndTold(t *testing.T) {
	c := New(Config{BytesMax: 1000})
	boom := errors.New("boom")
	if _, err := load(c, Want{Key{1, 1}, 600}, func([]byte) error { return boom }); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if s := c.Stats(); s.Bytes != 0 || s.Blocks != 0 {
		t.Fatalf("a failed block stayed: %+v", s)
	}
	get(t, c, 1, 600).Release()
}

func TestHeldBlocksStayAndWaitersAreServedInTurn(t *testing.T) {
	c := New(Config{BytesMax: 1000})
	a := get(t, c, 1, 600)
	if _, _, ok := c.TryClaimRun([]Want{{Key{1, 2}, 600}}); ok {
		t.Fatal("read-ahead took space that is held")
	}
	order := make(chan int, 2)
	for i := range 2 {
		go func() {
			b, err := load(c, Want{Key{2, int64(i)}, 600}, fillWith(0))
			if err != nil {
				t.Error(err)
			}
			order <- i
			b.Release()
		}()
		for c.Stats().Waiters != i+1 {
		}
	}
	a.Release()
	if first, second := <-order, <-order; first != 0 || second != 1 {
		t.Errorf("served %v, then %v", first, second)
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	c := New(Config{BytesMax: 1000, WaitersMax: 1})
	a := get(t, c, 1, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, _, err := c.ClaimRun(ctx, []Want{{Key{1, 2}, 10}})
		done <- err
	}()
	for c.Stats().Waiters == 0 {
	}
	if _, _, err := c.ClaimRun(ctx, []Want{{Key{1, 3}, 10}}); !errors.Is(err, ErrBusy) {
		t.Errorf("second waiter: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	a.Release()
	if _, _, err := c.ClaimRun(context.Background(), []Want{{Key{1, 4}, 1001}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestScanDoesNotWashOutSharedBlocks(t *testing.T) {
	c := New(Config{BytesMax: 100})
	for range 3 {
		for i := range int64(50) {
			get(t, c, i, 1).Release()
		}
	}
	for i := range int64(1000) { // one consumer replays history
		get(t, c, 1000+i, 1).ReleaseSpent()
	}
	for i := range int64(50) {
		if !has(c, Key{1, i}) {
			t.Fatalf("hot block %d was evicted by a scan", i)
		}
	}
}

// A first replay of history uses a little memory again and again; what a second
// one reads once more stays, so that a third finds it.
func TestReplaysStayFromTheSecondOn(t *testing.T) {
	const blocks, size, bytesMax = 60, 256 << 10, 32 << 20
	c := New(Config{BytesMax: bytesMax, Memory: Heap{}})
	replay := func() (hits uint64, bytesMost int64) {
		before := c.Stats().Hits
		for i := range int64(blocks) {
			get(t, c, i, size).ReleaseSpent()
			bytesMost = max(bytesMost, c.Stats().Bytes)
		}
		return c.Stats().Hits - before, bytesMost
	}
	if hits, most := replay(); hits != 0 || most > bytesMax/spentShare+size {
		t.Errorf("first replay: %d hits, up to %d bytes kept", hits, most)
	}
	replay()
	if hits, _ := replay(); hits < blocks*9/10 {
		t.Errorf("third replay: %d of %d blocks found", hits, blocks)
	}
}

func TestReadAheadSurvivesUntilRead(t *testing.T) {
	c := New(Config{BytesMax: 1000})
	for i := range int64(1000) { // a cache full of blocks that are used again
		get(t, c, i, 1).Release()
		get(t, c, i, 1).Release()
		get(t, c, i, 1).Release()
	}
	for i := range int64(200) {
		b, _, ok := c.TryClaimRun([]Want{{Key{9, i}, 1}})
		if !ok {
			t.Fatal("no room to read ahead")
		}
		b[0].Loaded(nil)
		b[0].Release()
	}
	for i := range int64(200) {
		if !has(c, Key{9, i}) {
			t.Fatalf("block %d was read ahead and evicted before it was read", i)
		}
	}
}

func TestDropKeepsHeldBlocks(t *testing.T) {
	c := New(Config{BytesMax: 1000})
	a, b := get(t, c, 1, 10), get(t, c, 2, 10)
	b.Release()
	c.Drop(ids.ObjectID(1))
	if has(c, a.Key()) || has(c, Key{1, 2}) {
		t.Error("blocks of a dropped object are still found")
	}
	if a.Bytes()[9] != 1 {
		t.Error("a held block lost its bytes")
	}
	a.Release()
	if s := c.Stats(); s.Bytes != 0 {
		t.Errorf("%d bytes leaked", s.Bytes)
	}
}

func TestARunIsOnePieceOfMemory(t *testing.T) {
	c := New(Config{BytesMax: 1000})
	run := []Want{{Key{1, 0}, 100}, {Key{1, 100}, 200}, {Key{1, 300}, 50}}
	get(t, c, 300, 50).Release() // present: the run ends before it
	blocks, fill, ok := c.TryClaimRun(run)
	if !ok || !fill || len(blocks) != 2 || len(blocks[0].Run()) != 300 {
		t.Fatalf("claimed %d blocks, %v %v", len(blocks), fill, ok)
	}
	for i := range blocks[0].Run() {
		blocks[0].Run()[i] = byte(i)
	}
	for _, b := range blocks {
		b.Loaded(nil)
	}
	if b := blocks[1].Bytes(); len(b) != 200 || b[0] != 100 {
		t.Errorf("second block begins with %d", b[0])
	}
	blocks[0].Release()
	blocks[1].Release()
	if again, fill, ok := c.TryClaimRun(run[1:]); !ok || fill || len(again) != 1 || again[0] != blocks[1] {
		t.Error("a present block was claimed anew")
	} else {
		again[0].Release()
	}
	// Where there is no room for the whole run, its first block is to be had.
	hold := get(t, c, 5000, 600)
	blocks, _, ok = c.TryClaimRun([]Want{{Key{2, 0}, 300}, {Key{2, 300}, 300}})
	if !ok || len(blocks) != 1 {
		t.Fatalf("%d blocks under pressure", len(blocks))
	}
	blocks[0].Loaded(nil)
	blocks[0].Release()
	hold.Release()
	c.Drop(1)
	c.Drop(2)
	if s := c.Stats(); s.Bytes != 0 || s.Blocks != 0 {
		t.Errorf("left over: %+v", s)
	}
}

func TestMemoryIsRecycledAndBounded(t *testing.T) {
	c := New(Config{BytesMax: 4 << 20})
	a := c.mem.(*arena)
	for i := range int64(200) { // sizes change: what lies free in one makes room for another
		get(t, c, i, 100<<10+int(i)*4096).Release()
		if a.mapped > a.bytesMax {
			t.Fatalf("%d bytes mapped, bound is %d", a.mapped, a.bytesMax)
		}
	}
	if s := c.Stats(); s.Bytes > s.BytesMax || s.Evictions == 0 {
		t.Errorf("stats %+v", s)
	}
	c.Close()
	if a.mapped != 0 {
		t.Errorf("%d bytes stay mapped", a.mapped)
	}
}

func TestConcurrentUseStaysBounded(t *testing.T) {
	c := New(Config{BytesMax: 4096})
	var wg sync.WaitGroup
	for g := range 8 {
		rng := rand.New(rand.NewPCG(1, uint64(g)))
		wg.Go(func() {
			for range 2000 {
				pos := rng.Int64N(64)
				var fail error
				if rng.IntN(20) == 0 {
					fail = fmt.Errorf("load %d", pos)
				}
				b, err := load(c, Want{Key{1, pos}, 100 + int(pos)}, func(dst []byte) error {
					_ = fillWith(byte(pos))(dst)
					return fail
				})
				if err != nil {
					continue
				}
				if buf := b.Bytes(); buf[0] != byte(pos) || len(buf) != 100+int(pos) {
					t.Errorf("block %d has bytes of another", pos)
				}
				if s := c.Stats(); s.Bytes > s.BytesMax {
					t.Errorf("%d bytes, bound is %d", s.Bytes, s.BytesMax)
				}
				if rng.IntN(2) == 0 {
					b.Release()
				} else {
					b.ReleaseSpent()
				}
			}
		})
	}
	wg.Wait()
	c.Drop(1)
	if s := c.Stats(); s.Bytes != 0 || s.Blocks != 0 || s.Waiters != 0 {
		t.Errorf("left over: %+v", s)
	}
}
