package tail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// A batch of these tests: length u8, then its start as u64, for one offset.
func frame(p []byte) (size int, start, end int64, err error) {
	if len(p) < 9 {
		return 0, 0, 0, errors.New("cut header")
	}
	start = int64(binary.BigEndian.Uint64(p[1:]))
	return int(p[0]), start, start + 1, nil
}

func TestBatchesAreCutFromSegmentsWhereverThoseEnd(t *testing.T) {
	var whole []byte
	for i := range 5 {
		b := bytes.Repeat([]byte{byte(i)}, 12+i)
		b[0] = byte(len(b))
		binary.BigEndian.PutUint64(b[1:], uint64(i))
		whole = append(whole, b...)
	}
	for a := range len(whole) {
		for b := a; b < len(whole); b += 7 {
			given := [][]byte{whole[:a:a], whole[a:b:b], whole[b:]}
			var got []byte
			next := int64(0)
			err := eachBatch(given, frame, func(x upload.Batch) error {
				if x.Start != next || x.End != next+1 {
					t.Fatalf("batch [%d, %d), want %d", x.Start, x.End, next)
				}
				next = x.End
				got = append(got, bytes.Join(x.Bytes, nil)...)
				return nil
			})
			if err != nil || !bytes.Equal(got, whole) {
				t.Fatalf("cut at %d and %d: %d of %d bytes, %v", a, b, len(got), len(whole), err)
			}
		}
	}
	err := eachBatch([][]byte{whole[:len(whole)-1]}, frame, func(upload.Batch) error { return nil })
	if !errors.Is(err, logcache.ErrCorrupt) {
		t.Errorf("an end within a batch: %v", err)
	}
}

func TestSpans(t *testing.T) {
	s := newSpans()
	s.begin(1, 1, 0)
	s.end(1, 1, 10)
	s.begin(1, 4, 30) // it was elsewhere for [10, 30)
	for offset, want := range map[int64]bool{0: true, 9: true, 10: false, 29: false, 30: true, 1 << 40: true} {
		if _, ok := s.at(1, offset); ok != want {
			t.Errorf("offset %d is here: %v", offset, ok)
		}
	}
	if diff := cmp.Diff([]Span{{1, 5, 10}, {4, 30, 35}}, s.cut(1, 5, 35)); diff != "" {
		t.Error(diff)
	}
	s.forget(1, 10)
	if _, ok := s.at(1, 5); ok {
		t.Error("an opening that is in objects is still known")
	}
	s.end(1, 4, 35)
	s.forget(1, 35)
	if len(s.streams) != 0 {
		t.Errorf("left over: %v", s.streams)
	}
}

// The look at the triggers counts what is durable, so that the first may come
// too early.
func TestPokesUntilSealed(t *testing.T) {
	const bound = 1600
	var poked []int64
	for n := int64(0); n < 2000; n += 10 {
		if pokeDue(n, n+10, bound) {
			poked = append(poked, n+10)
		}
	}
	if want := []int64{1600, 1700, 1800, 1900, 2000}; !slices.Equal(poked, want) {
		t.Errorf("poked at %v, want %v", poked, want)
	}
	if !pokeDue(0, 5, 1) || pokeDue(0, 5, 10) {
		t.Error("a small bound")
	}
}
