package objfmt

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/seawallmq/seawall/internal/ids"
)

// FuzzObject gives the readers any bytes, with checksums made right so that
// what they guard is reached: no panic, no allocation beyond the input, and
// what parses is encoded to the same bytes again.
func FuzzObject(f *testing.F) {
	f.Add(sample(f))
	f.Add(build(f, StreamObject, data(3, 1, 5, 6, "x")))
	f.Add([]byte("SEAWALOB"))
	f.Fuzz(func(t *testing.T, object []byte) {
		if _, _, err := parse(object); err != nil && len(object) >= FooterSize {
			resealIfPossible(object)
		}
		footer, index, err := parse(object)
		if err != nil {
			return
		}
		var again []byte
		for i := range index.entries {
			again = index.entries[i].append(again)
		}
		again = footer.append(again)
		if tail := object[footer.IndexPosition:]; !bytes.Equal(again, tail) {
			t.Fatalf("parsed and written again:\n%x\nwas:\n%x", again, tail)
		}
		for _, e := range index.entries {
			if e.isAttachment() {
				continue
			}
			if got := index.Find(e.Stream, e.Start); len(got) == 0 || got[0] != e {
				t.Fatalf("Find(%v, %d) does not give %+v", e.Stream, e.Start, e)
			}
		}
	})
}

func resealIfPossible(object []byte) {
	defer func() { recover() }() // an index position outside of the object
	reseal(object)
}

// FuzzReferences: what parses is encoded to the same bytes again.
func FuzzReferences(f *testing.F) {
	f.Add(AppendReferences(nil, []Reference{{FirstOffset: 1, Offsets: 2, ZoneObject: 3, Position: 4, Length: 100}}))
	f.Add([]byte{0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, p []byte) {
		refs, err := ParseReferences(p)
		if err != nil {
			return
		}
		if again := AppendReferences(nil, refs); !bytes.Equal(again, p) {
			t.Fatalf("parsed and written again:\n%x\nwas:\n%x", again, p)
		}
	})
}

// Any blocks that a Writer takes are found again by stream and offset.
func TestRoundTripOfAnyObject(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := NewWriter(ids.ObjectID(rapid.Uint64Min(1).Draw(rt, "object")), StreamSetObject)
		stream := ids.StreamID(0)
		var want []Block
		for range rapid.IntRange(1, 8).Draw(rt, "streams") {
			stream += ids.StreamID(rapid.Uint64Range(1, 5).Draw(rt, "step"))
			offset := rapid.Int64Range(0, 1<<40).Draw(rt, "offset")
			for range rapid.IntRange(1, 6).Draw(rt, "blocks") {
				offset += rapid.Int64Range(0, 3).Draw(rt, "gap")
				end := offset + rapid.Int64Range(1, 1<<33).Draw(rt, "count")
				b := data(stream, 1, offset, end, rapid.StringN(1, 20, -1).Draw(rt, "content"))
				if _, err := w.AppendBlock(b); err != nil {
					rt.Fatal(err)
				}
				want = append(want, b)
				offset = end
			}
		}
		if _, err := w.Finish(); err != nil {
			rt.Fatal(err)
		}
		object := take(t, w)
		_, x, err := parse(object)
		if err != nil {
			rt.Fatal(err)
		}
		for _, b := range want {
			for _, offset := range []int64{b.Start, b.End - 1} {
				found := x.Find(b.Stream, offset)
				if len(found) == 0 || found[0].Start != b.Start || !bytes.Equal(object[found[0].Position:][:found[0].Size], b.Data[0]) {
					rt.Fatalf("Find(%v, %d) = %+v, want block [%d, %d)", b.Stream, offset, found, b.Start, b.End)
				}
			}
		}
	})
}
