package batch

import (
	"bytes"
	"errors"
	"testing"
)

func TestIterWalksBatches(t *testing.T) {
	batches := [][]byte{buildBatch(CodecNone, 1, 10), buildBatch(CodecGzip, 5, 100), buildBatch(CodecZstd, 3, 0)}
	all := bytes.Join(batches, nil)
	it := NewIter(all, TailStrict)
	for i, want := range batches {
		if !it.Next() {
			t.Fatalf("ended before batch %d: %v", i, it.Err())
		}
		if !bytes.Equal(it.Batch(), want) || it.Header().Size() != len(want) {
			t.Fatalf("batch %d differs", i)
		}
		if cap(it.Batch()) != len(want) {
			t.Fatalf("batch %d can be appended to, over the next one", i)
		}
	}
	if it.Next() || it.Err() != nil || len(it.Rest()) != 0 {
		t.Fatalf("at the end: err %v, %d bytes left", it.Err(), len(it.Rest()))
	}
}

func TestIterPartialTail(t *testing.T) {
	first, second := buildBatch(CodecNone, 1, 10), buildBatch(CodecNone, 2, 10)
	all := append(bytes.Clone(first), second...)
	for cut := len(first) + 1; cut < len(all); cut++ {
		strict := NewIter(all[:cut], TailStrict)
		if !strict.Next() || strict.Next() || !errors.Is(strict.Err(), ErrTruncated) {
			t.Fatalf("cut at %d, strict: err %v", cut, strict.Err())
		}
		partial := NewIter(all[:cut], TailPartial)
		if !partial.Next() || partial.Next() || partial.Err() != nil {
			t.Fatalf("cut at %d, partial: err %v", cut, partial.Err())
		}
		if len(partial.Rest()) != cut-len(first) {
			t.Fatalf("cut at %d: %d bytes left", cut, len(partial.Rest()))
		}
	}
}

func TestIterRefusesGarbageInEitherMode(t *testing.T) {
	b := buildBatch(CodecNone, 1, 10)
	all := append(bytes.Clone(b), bytes.Repeat([]byte{9}, 100)...)
	for _, tail := range []Tail{TailStrict, TailPartial} {
		it := NewIter(all, tail)
		if !it.Next() || it.Next() || !errors.Is(it.Err(), ErrUnsupportedFormat) {
			t.Errorf("tail %d: err %v", tail, it.Err())
		}
		if it.Next() {
			t.Errorf("tail %d: goes on after an error", tail)
		}
	}
}

func TestIterDoesNotAllocate(t *testing.T) {
	all := bytes.Repeat(buildBatch(CodecNone, 1, 10), 20)
	if n := testing.AllocsPerRun(100, func() {
		it := NewIter(all, TailStrict)
		for it.Next() {
			_ = it.Batch()
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// Whatever the bytes, what Next returns are whole batches, one after another.
func FuzzIter(f *testing.F) {
	f.Add(bytes.Join([][]byte{buildBatch(CodecNone, 1, 10), buildBatch(CodecLZ4, 2, 10)}, nil))
	f.Add(buildBatch(CodecNone, 1, 10)[:70])
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, tail := range []Tail{TailStrict, TailPartial} {
			at := 0
			it := NewIter(b, tail)
			for it.Next() {
				if !bytes.Equal(it.Batch(), b[at:at+it.Header().Size()]) {
					t.Fatalf("batch at %d is not what stands there", at)
				}
				at += len(it.Batch())
			}
			if at+len(it.Rest()) != len(b) {
				t.Fatalf("%d bytes walked, %d left, %d in all", at, len(it.Rest()), len(b))
			}
			if tail == TailStrict && it.Err() == nil && len(it.Rest()) != 0 {
				t.Fatal("a partial batch was passed over")
			}
		}
	})
}
