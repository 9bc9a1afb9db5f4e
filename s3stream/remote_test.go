package s3stream

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// tailsMeta says who holds the tail below offset 10, as long as it is not in
// objects.
type tailsMeta struct {
	fakeMeta
	holder atomic.Int32
}

const inObjects = -2

func (m *tailsMeta) TailAt(_ ids.StreamID, offset int64) (meta.HeldTail, bool) {
	holder := m.holder.Load()
	return meta.HeldTail{Epoch: 3, End: 10, Holder: ids.NodeID(holder)}, holder != inObjects && offset < 10
}

// tails answers for other nodes.
type tails func(holder ids.NodeID, r TailRead) (Result, error)

func (f tails) ReadTail(_ context.Context, holder ids.NodeID, r TailRead) (Result, error) {
	return f(holder, r)
}

// following opens a stream whose tail below offset 10 others hold.
func following(t *testing.T, memory int64, f tails) (*Stream, *tailsMeta, *budget.Account) {
	t.Helper()
	tm := &tailsMeta{}
	log := &fakeLog{}
	m := newManager(tm, ids.WALInstance{1}, log, log, fakeObjects{}, 100)
	account := budget.New(memory).Account("remote", memory)
	m.remote = &remoteReader{self: 1, meta: tm, tails: f, memory: account, clock: clock.Wall()}
	streams, err := m.Open(t.Context(), []OpenRequest{{Stream: 7, ExpectedEpoch: 3}})
	if err != nil {
		t.Fatal(err)
	}
	return streams[0], tm, account
}

func readString(ctx context.Context, s *Stream) (string, error) {
	res, err := s.Read(ctx, 5, 10, ReadOptions{MaxBytes: 1 << 20})
	if err != nil {
		return "", err
	}
	defer res.Release()
	text := ""
	for _, p := range res.Segments {
		text += string(p)
	}
	return text, nil
}

// The holder of a tail dies in the middle of an answer: the read goes on from
// its rescuer, or from objects, whichever the metadata names next.
func TestHolderDiesInTheMiddleOfAnAnswer(t *testing.T) {
	for name, next := range map[string]struct {
		holder int32
		want   string
	}{"rescued": {3, "from 3"}, "in objects": {inObjects, "object"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				var tm *tailsMeta
				s, tm, account := following(t, 8<<20, func(holder ids.NodeID, r TailRead) (Result, error) {
					if holder == 3 {
						res := Result{NextOffset: r.UpTo}
						res.Append([]byte("from 3"), nil)
						return res, nil
					}
					switch asked++; asked {
					case 1:
						tm.holder.Store(int32(meta.NoNode)) // it is known by now that it is dead
					case 2:
						t.Error("a dead node is asked again")
					}
					return Result{}, io.ErrUnexpectedEOF
				})
				tm.holder.Store(2)
				time.AfterFunc(time.Second, func() { tm.holder.Store(next.holder) })
				got, err := readString(t.Context(), s)
				if err != nil || got != next.want {
					t.Errorf("read %q, %v", got, err)
				}
				if used := account.Used(); used != 0 {
					t.Errorf("%d bytes are still charged", used)
				}
			})
		})
	}
}

// A tail that nobody brings is an error in the end, and its cause is told.
func TestTailThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tm, account := following(t, 8<<20, func(ids.NodeID, TailRead) (Result, error) { return Result{}, io.ErrUnexpectedEOF })
		tm.holder.Store(2)
		began := time.Now()
		if _, err := readString(t.Context(), s); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("told: %v", err)
		}
		if took := time.Since(began); took < remoteWaitMax || took > 2*remoteWaitMax {
			t.Errorf("after %v", took)
		}
		tm.holder.Store(int32(meta.NoNode))
		if _, err := readString(t.Context(), s); !errors.Is(err, ErrNotHere) {
			t.Errorf("told: %v", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		began = time.Now()
		if _, err := readString(ctx, s); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("given up after %v: %v", time.Since(began), err)
		}
		if used := account.Used(); used != 0 {
			t.Errorf("%d bytes are still charged", used)
		}
	})
}

// Many readers at once take no more memory than there is for them, on either
// side (I9), and are all served.
func TestMemoryOfManyRemoteReads(t *testing.T) {
	const readers, memory = 50, 4 * remoteBytesMax
	synctest.Test(t, func(t *testing.T) {
		var underWay, most atomic.Int64
		s, tm, account := following(t, memory, func(_ ids.NodeID, r TailRead) (Result, error) {
			most.Store(max(most.Load(), underWay.Add(1)))
			time.Sleep(10 * time.Millisecond)
			underWay.Add(-1)
			res := Result{NextOffset: r.UpTo}
			res.Append(make([]byte, r.MaxBytes), nil)
			return res, nil
		})
		tm.holder.Store(2)
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				res, err := s.Read(t.Context(), 5, 10, ReadOptions{MaxBytes: 8 << 20})
				if err != nil || res.Bytes() != remoteBytesMax {
					t.Errorf("%d bytes, %v", res.Bytes(), err)
				}
				time.Sleep(10 * time.Millisecond) // on its way to the client
				res.Release()
			})
		}
		all.Wait()
		if most.Load() > memory/remoteBytesMax || account.Used() != 0 {
			t.Errorf("%d reads at once, %d bytes still charged", most.Load(), account.Used())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{inline: true}
		s, _ := open(t, log)
		if err := s.Append(Batch{BaseOffset: 10, EndOffset: 30, Bytes: []byte("abc")}, &told{}); err != nil {
			t.Fatal(err)
		}
		account := budget.New(memory).Account("served", memory)
		s.m.servedMemory = account
		ask := TailRead{Stream: 7, Epoch: 4, From: 10, UpTo: 30, MaxBytes: 8 << 20}
		var held []Result
		for range memory / remoteBytesMax {
			res, err := s.m.ReadHeld(t.Context(), ask)
			if err != nil || res.Bytes() != 3 {
				t.Fatalf("%d bytes, %v", res.Bytes(), err)
			}
			held = append(held, res)
		}
		if _, err := s.m.ReadHeld(t.Context(), ask); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("past the bound: %v", err)
		}
		held[0].Release()
		res, err := s.m.ReadHeld(t.Context(), ask)
		if err != nil {
			t.Error(err)
		}
		for _, res := range append(held[1:], res) {
			res.Release()
		}
		if _, err := s.m.ReadHeld(t.Context(), TailRead{Stream: 7, From: 1, UpTo: 2}); !errors.Is(err, ErrNotHere) {
			t.Errorf("of what is not here: %v", err)
		}
		if used := account.Used(); used != 0 {
			t.Errorf("%d bytes are still charged", used)
		}
	})
}
