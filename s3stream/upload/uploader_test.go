package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/meta/metatest"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

// window is a Source over batches in memory. Positions are counts of batches.
type window struct {
	clk       clock.Clock
	begin     time.Time // when the oldest batch came, for all that matters
	mu        sync.Mutex
	batches   []windowBatch // all ever appended
	sealed    int
	trimmed   int
	committed chan int // told of every Committed
}

type windowBatch struct {
	stream ids.StreamID
	epoch  ids.StreamEpoch
	Batch
}

// add appends a batch of n bytes for two offsets behind the stream's last.
func (w *window) add(stream ids.StreamID, epoch ids.StreamEpoch, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	start := int64(0)
	for _, b := range w.batches {
		if b.stream == stream {
			start = b.End
		}
	}
	w.batches = append(w.batches, windowBatch{stream, epoch, Batch{start, start + 2, [][]byte{contents(stream, start, n)}}})
}

func contents(stream ids.StreamID, start int64, n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d:%d ", stream, start), n)[:n]
}

func (w *window) Load() Load {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Load{
		Unsealed: int64(len(w.batches) - w.sealed), Untrimmed: int64(len(w.batches) - w.trimmed),
		Capacity: 1 << 40, Age: w.clk.Now().Sub(w.begin),
	}
}

func (w *window) Seal() (Generation, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealed == len(w.batches) {
		return nil, false
	}
	g := &generation{w: w, from: w.sealed, to: len(w.batches)}
	w.sealed = g.to
	return g, true
}

type generation struct {
	w        *window
	from, to int
}

func (g *generation) part() []windowBatch {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	return g.w.batches[g.from:g.to:g.to]
}

func (g *generation) TrimTo() int64 { return int64(g.to) }

func (g *generation) Pieces() func(context.Context) (Piece, error) { return once(g) }
func (g *generation) Holds() bool                                  { return false }
func (g *generation) Done()                                        {}

func (g *generation) Extents() (out []Extent) {
next:
	for _, b := range g.part() {
		for i := range out {
			if out[i].Stream == b.stream && out[i].Epoch == b.epoch {
				out[i].End = b.End
				out[i].Bytes += int64(b.Len())
				continue next
			}
		}
		out = append(out, Extent{b.stream, b.epoch, b.Start, b.End, int64(b.Len())})
	}
	return out
}

func (g *generation) Batches(_ context.Context, e Extent, f func(Batch) error) error {
	for _, b := range g.part() {
		if b.stream != e.Stream || b.epoch != e.Epoch {
			continue
		}
		mine := b.Batch
		whole := bytes.Join(b.Bytes, nil)
		half := len(whole) / 2
		mine.Bytes = [][]byte{whole[:half], whole[half:]}
		if err := f(mine); err != nil {
			return err
		}
		clear(whole) // must not be used after f
	}
	return nil
}

func (g *generation) Committed() {
	g.w.mu.Lock()
	g.w.trimmed = g.to
	g.w.mu.Unlock()
	g.w.committed <- g.to
}

// counter is a Summarizer that counts batches.
type counter struct{}

func (counter) Begin(ids.StreamID, int64) Summary { return &count{} }

type count struct{ batches int }

func (c *count) Add(b []byte) (uint32, bool) {
	if !bytes.HasPrefix(b, []byte("9:")) { // of stream 9 there is nothing to note
		c.batches++
	}
	return crc.Of(b), bytes.HasPrefix(b, []byte("2:")) && len(b) < SummaryBytes // of stream 2 it knows the checksums
}

func (c *count) Finish() []byte {
	if c.batches == 0 {
		return nil
	}
	return fmt.Append(nil, c.batches)
}

// rig is an Uploader in its test world.
type rig struct {
	*Uploader
	w      *window
	meta   *metatest.Meta
	store  *faultyStore
	memory *budget.Account
	stop   func()
}

// faultyStore fails writes while told to.
type faultyStore struct {
	objstore.Store
	down     atomic.Bool
	puts     atomic.Int32
	parts    atomic.Int32
	attempts atomic.Int32
}

var errDown = errors.New("store is down")

func (s *faultyStore) Put(ctx context.Context, key string, b objstore.Body, o objstore.PutOptions) error {
	s.attempts.Add(1)
	if s.down.Load() {
		return errDown
	}
	s.puts.Add(1)
	return s.Store.Put(ctx, key, b, o)
}

func (s *faultyStore) CreateMultipart(ctx context.Context, key string, o objstore.PutOptions) (objstore.Upload, error) {
	up, err := s.Store.CreateMultipart(ctx, key, o)
	return &faultyUpload{up, s}, err
}

type faultyUpload struct {
	objstore.Upload
	s *faultyStore
}

func (u *faultyUpload) UploadPart(ctx context.Context, n int, b objstore.Body) error {
	u.s.attempts.Add(1)
	if u.s.down.Load() {
		return errDown
	}
	u.s.parts.Add(1)
	return u.Upload.UploadPart(ctx, n, b)
}

const partBytes = objstore.PartBytesMin

func newRig(t *testing.T, clk clock.Clock) *rig {
	t.Helper()
	r := &rig{
		w:      &window{clk: clk, begin: clk.Now(), committed: make(chan int, 100)},
		meta:   metatest.New(),
		store:  &faultyStore{Store: mem.New(clk)},
		memory: budget.New(3*partBytes).Account("upload", 3*partBytes),
	}
	var attempt atomic.Int64
	rng := rand.New(rand.NewPCG(1, 2))
	r.Uploader = New(Config{
		WAL: ids.WALInstance{1}, Meta: r.meta, Source: r.w, Store: r.store, Summarizer: counter{},
		Key:      func(id ids.ObjectID) string { return fmt.Sprintf("%d/%d", id, attempt.Add(1)) },
		Limits:   Limits{SplitBytes: 4000, SetBytes: 2500},
		Triggers: Triggers{Interval: time.Minute}, BlockBytes: 1000, PartBytes: partBytes, PutsMax: 2,
		Memory: r.memory, Clock: clk, Random: rng.Uint64, Log: slog.New(slog.DiscardHandler),
		Accepted: func(meta.Slice) {},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(done)
	}()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
	return r
}

// open opens streams in the metadata as a manager would.
func (r *rig) open(t *testing.T, streams ...ids.StreamID) {
	t.Helper()
	r.meta.Create(streams...)
	for _, s := range streams {
		if o, err := r.meta.OpenStreams(context.Background(), ids.WALInstance{1}, []meta.OpenStream{{Stream: s}}); err != nil || o[0].Err != nil {
			t.Fatal(err, o[0].Err)
		}
	}
}

func (r *rig) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

// readBack reads a stream from its objects and compares it with what was
// appended.
func (r *rig) readBack(t *testing.T, stream ids.StreamID) {
	t.Helper()
	var want, got []byte
	for _, b := range r.w.batches {
		if b.stream == stream {
			want = append(want, bytes.Join(b.Bytes, nil)...)
		}
	}
	next := int64(0)
	for _, o := range r.meta.Objects(stream, 0, 1000) {
		whole, err := storetest.ReadAll(context.Background(), r.store, o.Key)
		if err != nil {
			t.Fatal(err)
		}
		footer, err := objfmt.ParseFooter(whole, o.Size)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := footer.Index(whole)
		index, err := objfmt.ParseIndex(footer, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range index.Find(stream, next) {
			block := whole[e.Position:][:e.Size]
			if err := e.CheckBlock(block); err != nil || e.Start != next {
				t.Fatalf("block at %d, want %d: %v", e.Start, next, err)
			}
			got, next = append(got, block...), e.End
		}
		notes := 1
		if stream == 9 {
			notes = 0
		}
		if a := index.Attachments(stream); len(a) != notes || notes == 1 && (a[0].Attachment != meta.SummaryAttachment || a[0].Start != o.Start || a[0].End != o.End) {
			t.Errorf("stream %d has the attachments %+v", stream, a)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("stream %d: %d bytes in objects, %d appended", stream, len(got), len(want))
	}
}

func TestUploadOfManyStreams(t *testing.T) {
	r := newRig(t, clock.Wall())
	r.open(t, 1, 2, 3, 9)
	for range 3 {
		for range 5 {
			r.w.add(1, 1, 900)
			r.w.add(2, 1, 400)
			r.w.add(3, 1, 10)
			r.w.add(9, 1, 1500)
		}
		r.drain(t)
	}
	for _, s := range []ids.StreamID{1, 2, 3, 9} {
		r.readBack(t, s)
	}
	if got := r.meta.Trim(ids.WALInstance{1}); got != 60 || r.w.trimmed != 60 {
		t.Errorf("trimmed at %d and %d, want 60", got, r.w.trimmed)
	}
	if n := r.meta.Commits(); n != 3 {
		t.Errorf("%d commits for 3 generations", n)
	}
	if s := r.Stats(); s.Generations != 3 || s.Objects != 9 || s.Bytes != 3*5*2810 || s.Queued != 0 {
		t.Errorf("stats %+v", s)
	}
	if r.memory.Used() != 0 {
		t.Errorf("%d bytes of memory leaked", r.memory.Used())
	}
}

func TestLargeObjectGoesInPartsUnderItsMemory(t *testing.T) {
	r := newRig(t, clock.Wall())
	r.open(t, 1)
	for range 45 {
		r.w.add(1, 1, partBytes/10)
	}
	r.drain(t)
	r.readBack(t, 1)
	if r.store.parts.Load() < 4 || r.store.puts.Load() != 0 {
		t.Errorf("%d parts, %d puts", r.store.parts.Load(), r.store.puts.Load())
	}
	if r.memory.Used() != 0 {
		t.Errorf("%d bytes of memory leaked", r.memory.Used())
	}
}

func TestStoreDownIsWaitedFor(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	r := newRig(t, clk)
	r.open(t, 1, 2)
	r.store.down.Store(true)
	r.w.add(1, 1, 5000)
	r.w.add(2, 1, 10)
	r.Force()
	for r.Stats().Failures < 20 { // never gives up, never spins: every attempt waits for the clock
		clk.Advance(backoffMax)
	}
	if n := r.store.attempts.Load(); n > 2*25 {
		t.Errorf("%d writes in 20 attempts", n)
	}
	r.store.down.Store(false)
	for r.meta.Commits() == 0 {
		clk.Advance(backoffMax)
	}
	<-r.w.committed
	r.readBack(t, 1)
	r.readBack(t, 2)
	if r.memory.Used() != 0 {
		t.Errorf("%d bytes of memory leaked", r.memory.Used())
	}
}

func TestCommitRefusedUntilItsTurn(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	r := newRig(t, clk)
	r.open(t, 1, 2, 3)
	// An earlier tail of stream 1 lies in another WAL: ours has to wait.
	older := ids.WALInstance{2}
	r.meta.Create(1)
	if _, err := r.meta.OpenStreams(context.Background(), older, []meta.OpenStream{{Stream: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := r.meta.CloseStreams(context.Background(), []meta.CloseStream{{Stream: 1, Epoch: 1, End: 2}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.meta.OpenStreams(context.Background(), ids.WALInstance{1}, []meta.OpenStream{{Stream: 1, ExpectedEpoch: 1}}); err != nil {
		t.Fatal(err)
	}
	r.w.batches = append(r.w.batches, windowBatch{1, 2, Batch{2, 4, [][]byte{contents(1, 2, 50)}}})
	r.w.add(2, 1, 100)
	r.w.add(3, 1, 100)
	r.meta.Delete(3) // its bytes are dead
	r.Force()
	for r.Stats().Failures < 2 {
		clk.Advance(backoffMax)
	}
	if got := r.meta.Trim(ids.WALInstance{1}); got != 0 {
		t.Fatalf("trimmed at %d with a slice outstanding", got)
	}
	if s := r.meta.Stream(2); s.CommittedEnd != 2 {
		t.Errorf("stream 2 is held up: committed end %d", s.CommittedEnd)
	}
	objects, err := r.meta.PrepareObjects(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	refused, err := r.meta.CommitUpload(context.Background(), meta.Upload{WAL: older, Objects: []meta.Object{{
		ID: objects[0], Slices: []meta.Slice{{Stream: 1, Epoch: 1, Start: 0, End: 2}},
	}}})
	if err != nil || len(refused) != 0 {
		t.Fatal(refused, err)
	}
	for len(r.w.committed) == 0 {
		clk.Advance(backoffMax)
	}
	if s := r.meta.Stream(1); s.CommittedEnd != 4 || r.meta.Trim(ids.WALInstance{1}) != 3 {
		t.Errorf("stream 1 committed to %d, trim at %d", s.CommittedEnd, r.meta.Trim(ids.WALInstance{1}))
	}
	if s := r.Stats(); s.DeadBytes != 100 || s.RefusedSlices != 1 || s.Bytes != 150 {
		t.Errorf("stats %+v", s)
	}
}

func TestCollectedObjectsAreWrittenAgain(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	r := newRig(t, clk)
	r.open(t, 1)
	once := sync.OnceFunc(r.meta.Unprepare)
	r.meta.Before = func(command string) error {
		if command == "commit" {
			once()
		}
		return nil
	}
	r.w.add(1, 1, 10)
	r.Force()
	for len(r.w.committed) == 0 {
		clk.Advance(backoffMax)
	}
	r.readBack(t, 1)
	if s := r.Stats(); s.Failures != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestObjectsAreInFlightUntilCommitted(t *testing.T) {
	r := newRig(t, clock.Wall())
	r.open(t, 1)
	var during []bool
	r.meta.Before = func(command string) error {
		if command == "commit" {
			during = append(during, r.InFlight(1), r.InFlight(2))
		}
		return nil
	}
	r.w.add(1, 1, 10)
	r.drain(t)
	if diff := cmp.Diff([]bool{true, false}, during); diff != "" || r.InFlight(1) {
		t.Errorf("in flight: %s, after: %v", diff, r.InFlight(1))
	}
}

func TestIntervalSealsByTheClock(t *testing.T) {
	begin := time.Unix(1e9, 0)
	clk := clock.NewManual(begin)
	r := newRig(t, clk)
	r.open(t, 1)
	r.w.add(1, 1, 10)
	for r.meta.Commits() == 0 {
		clk.Advance(time.Second)
	}
	if age := clk.Now().Sub(begin); age < time.Minute {
		t.Errorf("sealed after %v", age)
	}
}

// forcing is a source during whose seal somebody forces another.
type forcing struct {
	*window
	during func()
}

func (f forcing) Seal() (Generation, bool) {
	g, ok := f.window.Seal()
	f.during()
	return g, ok
}

// What was appended after a seal's look at the log, and then forced, is not
// covered by that seal: a Drain would end before it is uploaded.
func TestForceDuringASealStands(t *testing.T) {
	w := &window{clk: clock.Wall(), begin: time.Now()}
	w.add(1, 1, 100)
	var u *Uploader
	again := sync.OnceFunc(func() { w.add(1, 1, 100); u.Force() })
	u = New(Config{Source: forcing{w, again}, Memory: budget.New(1<<20).Account("uploads", 1<<20), Clock: clock.Wall(), Log: slog.New(slog.DiscardHandler)})
	u.Force()
	u.SealIfDue()
	u.SealIfDue()
	if len(u.queue) != 2 {
		t.Fatalf("%d generations sealed, want 2", len(u.queue))
	}
}

// Who waits for what was appended before does not wait for what comes meanwhile,
// which may never end.
func TestDrainWaitsForWhatWasBefore(t *testing.T) {
	w := &window{clk: clock.Wall(), begin: time.Now(), committed: make(chan int, 4)}
	w.add(1, 1, 100)
	u := New(Config{Source: w, Triggers: Triggers{Bytes: 1}, Memory: budget.New(1<<20).Account("uploads", 1<<20), Clock: clock.Wall(), Log: slog.New(slog.DiscardHandler)})
	drained := make(chan error, 1)
	go func() { drained <- u.Drain(t.Context()) }()
	<-u.poke
	u.SealIfDue()
	for range 3 { // one more is always in the queue
		w.add(1, 1, 100)
		u.SealIfDue()
		u.committed(u.queue[0])
	}
	if err := <-drained; err != nil || len(u.queue) != 1 {
		t.Errorf("%v, %d queued", err, len(u.queue))
	}
}

// Of slices that wait for earlier tails in other WALs, one comes to its turn
// before the other: the WAL is trimmed only when both are in objects.
func TestTrimWaitsForTheLastSlice(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	r := newRig(t, clk)
	ctx, older, mine := context.Background(), ids.WALInstance{2}, ids.WALInstance{1}
	// What is due first is collected once before its commit: it alone is written
	// again.
	commits := 0
	r.meta.Before = func(command string) error {
		if command == "commit" {
			if commits++; commits == 2 { // after the older WAL's
				r.meta.Unprepare()
			}
		}
		return nil
	}
	for _, stream := range []ids.StreamID{1, 2} {
		r.meta.Create(stream)
		_, err := r.meta.OpenStreams(ctx, older, []meta.OpenStream{{Stream: stream}})
		err = errors.Join(err, r.meta.CloseStreams(ctx, []meta.CloseStream{{Stream: stream, Epoch: 1, End: 2}}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.meta.OpenStreams(ctx, mine, []meta.OpenStream{{Stream: stream, ExpectedEpoch: 1}}); err != nil {
			t.Fatal(err)
		}
		r.w.batches = append(r.w.batches, windowBatch{stream, 2, Batch{2, 4, [][]byte{contents(stream, 2, 50)}}})
	}
	r.Force()
	for stream := ids.StreamID(1); stream <= 2; stream++ {
		for failures := r.Stats().Failures; r.Stats().Failures < failures+2; {
			clk.Advance(backoffMax)
		}
		if got := r.meta.Trim(mine); got != 0 {
			t.Fatalf("trimmed at %d, stream %d is needed from there", got, stream)
		}
		objects, err := r.meta.PrepareObjects(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.meta.CommitUpload(ctx, meta.Upload{WAL: older, Objects: []meta.Object{{
			ID: objects[0], Slices: []meta.Slice{{Stream: stream, Epoch: 1, Start: 0, End: 2}},
		}}}); err != nil {
			t.Fatal(err)
		}
		for r.meta.Stream(stream).CommittedEnd != 4 {
			clk.Advance(backoffMax)
		}
	}
	for len(r.w.committed) == 0 {
		clk.Advance(backoffMax)
	}
	if got := r.meta.Trim(mine); got != 2 {
		t.Errorf("trimmed at %d", got)
	}
	// The first slice twice, the second once, and none before it was due.
	if s := r.Stats(); r.store.puts.Load() != 3 || s.DeadBytes != 0 {
		t.Errorf("%d objects were written, stats %+v", r.store.puts.Load(), s)
	}
}

// What a stream left in two openings of one WAL goes into objects by one commit:
// the later one waits for none in another WAL.
func TestTwoOpeningsInOneWAL(t *testing.T) {
	r := newRig(t, clock.NewManual(time.Unix(1e9, 0)))
	ctx, mine := context.Background(), ids.WALInstance{1}
	r.meta.Create(1)
	for epoch := ids.StreamEpoch(1); epoch <= 2; epoch++ {
		start := int64(2 * (epoch - 1))
		_, err := r.meta.OpenStreams(ctx, mine, []meta.OpenStream{{Stream: 1, ExpectedEpoch: epoch - 1}})
		if err == nil {
			err = r.meta.CloseStreams(ctx, []meta.CloseStream{{Stream: 1, Epoch: epoch, End: start + 2}})
		}
		if err != nil {
			t.Fatal(err)
		}
		r.w.batches = append(r.w.batches, windowBatch{1, epoch, Batch{start, start + 2, [][]byte{contents(1, start, 50)}}})
	}
	if err := r.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); r.meta.Commits() != 1 || s.Failures != 0 || r.meta.Stream(1).CommittedEnd != 4 {
		t.Errorf("%d commits, stats %+v", r.meta.Commits(), s)
	}
}
