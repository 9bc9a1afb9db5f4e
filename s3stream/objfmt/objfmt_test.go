package objfmt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

// data is a block of one part.
func data(stream ids.StreamID, epoch ids.StreamEpoch, start, end int64, content string) Block {
	return Block{
		Stream: stream, Epoch: epoch, Start: start, End: end, Kind: DataBlock, Batches: 1,
		Data: [][]byte{[]byte(content)}, CRC32C: crc.Of([]byte(content)),
	}
}

func attachment(stream ids.StreamID, kind uint8, start, end int64, content string) Block {
	b := data(stream, 1, start, end, content)
	b.Kind, b.Attachment, b.Batches = AttachmentBlock, kind, 0
	return b
}

// build writes an object of blocks and returns its bytes.
func build(t testing.TB, kind ObjectKind, blocks ...Block) []byte {
	t.Helper()
	w := NewWriter(0x1122, kind)
	for _, b := range blocks {
		if _, err := w.AppendBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return take(t, w)
}

// take joins what is pending and checks what the Writer says of it.
func take(t testing.TB, w *Writer) []byte {
	t.Helper()
	s := w.Take()
	p := slices.Concat(s.Parts...)
	if s.Size != int64(len(p)) || s.CRC32C != crc.Of(p) {
		t.Errorf("segment says %d bytes, CRC %08x; it has %d, %08x", s.Size, s.CRC32C, len(p), crc.Of(p))
	}
	return p
}

// parse reads an object whole.
func parse(object []byte) (Footer, Index, error) {
	f, err := ParseFooter(object, int64(len(object)))
	if err != nil {
		return f, Index{}, err
	}
	p, ok := f.Index(object)
	if !ok {
		return f, Index{}, errors.New("the whole object does not hold the index")
	}
	x, err := ParseIndex(f, p)
	return f, x, err
}

func sample(t testing.TB) []byte {
	return build(t, StreamSetObject,
		data(1, 1, 0, 10, "stream 1, epoch 1"), data(1, 2, 10, 15, "stream 1, epoch 2"),
		attachment(1, 1, 0, 15, "note"), data(7, 3, 100, 101, "stream 7"))
}

func TestGoldenBytes(t *testing.T) {
	golden := filepath.Join("testdata", "stream-set-v1.hex")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.Dump(sample(t)); got != string(want) {
		t.Errorf("the layout has changed; objects already written must stay readable.\ngot:\n%s\nwant (%s):\n%s", got, golden, want)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	object := sample(t)
	f, x, err := parse(object)
	if err != nil {
		t.Fatal(err)
	}
	if f.Object != 0x1122 || f.Kind != StreamSetObject {
		t.Errorf("footer %+v", f)
	}
	var got []string
	for _, e := range x.Entries() {
		p := object[e.Position:][:e.Size]
		if err := e.CheckBlock(p); err != nil {
			t.Error(err)
		}
		got = append(got, string(p))
	}
	want := []string{"stream 1, epoch 1", "stream 1, epoch 2", "note", "stream 7"}
	if !slices.Equal(got, want) {
		t.Errorf("blocks %q, want %q", got, want)
	}
	e := x.Entries()[0]
	if e.CheckBlock([]byte("stream 1, epoch 9")) == nil || e.CheckBlock([]byte("short")) == nil {
		t.Error("CheckBlock took other bytes")
	}
}

func TestFind(t *testing.T) {
	_, x, err := parse(build(t, StreamSetObject,
		data(2, 1, 10, 20, "a"), data(2, 1, 20, 25, "b"), data(2, 1, 40, 50, "c"),
		attachment(2, 1, 10, 25, "n"), attachment(2, 1, 40, 50, "m"), attachment(2, 2, 10, 50, "o"), data(5, 1, 0, 5, "d")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stream ids.StreamID
		offset int64
		want   []int64
	}{
		{2, 0, []int64{10, 20, 40}}, {2, 10, []int64{10, 20, 40}}, {2, 19, []int64{10, 20, 40}}, {2, 20, []int64{20, 40}},
		{2, 25, []int64{40}}, {2, 49, []int64{40}}, {2, 50, nil}, {5, 0, []int64{0}}, {5, 5, nil}, {1, 0, nil}, {3, 0, nil}, {9, 0, nil},
	} {
		var got []int64
		for _, e := range x.Find(c.stream, c.offset) {
			got = append(got, e.Start)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("Find(%d, %d) begins at %v, want %v", c.stream, c.offset, got, c.want)
		}
	}
	if a := x.Attachments(2); len(a) != 3 || a[0].Start != 10 || a[1].Start != 40 || a[2].Attachment != 2 {
		t.Errorf("Attachments = %+v", a)
	}
	if a := x.Attachments(5); len(a) != 0 {
		t.Errorf("Attachments of a stream without any = %+v", a)
	}
}

func TestWriterInPieces(t *testing.T) {
	w := NewWriter(0x1122, StreamSetObject)
	var got []byte
	for _, b := range []Block{data(1, 1, 0, 10, "stream 1, epoch 1"), data(1, 2, 10, 15, "stream 1, epoch 2"),
		attachment(1, 1, 0, 15, "note"), data(7, 3, 100, 101, "stream 7")} {
		pos, err := w.AppendBlock(b)
		if err != nil || pos != int64(len(got)) {
			t.Fatalf("AppendBlock = %d, %v; want %d", pos, err, len(got))
		}
		got = append(got, take(t, w)...)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	got = append(got, take(t, w)...)
	if !bytes.Equal(got, sample(t)) {
		t.Error("an object taken in pieces differs from one taken whole")
	}
	if w.Size() != int64(len(got)) || w.CRC32C() != crc.Of(got) || w.Pending() != 0 {
		t.Errorf("writer says %d bytes, CRC %08x, %d pending", w.Size(), w.CRC32C(), w.Pending())
	}
}

func TestWriterRefusesWhatReadersWould(t *testing.T) {
	for name, blocks := range map[string][]Block{
		"streams out of order":    {data(2, 1, 0, 1, "x"), data(1, 1, 0, 1, "x")},
		"offsets out of order":    {data(1, 1, 5, 9, "x"), data(1, 1, 0, 5, "x")},
		"overlap":                 {data(1, 1, 0, 5, "x"), data(1, 1, 4, 9, "x")},
		"overlap past attachment": {data(1, 1, 0, 5, "x"), attachment(1, 1, 0, 5, "x"), data(1, 1, 4, 9, "x")},
		"attachments overlap":     {attachment(1, 1, 0, 5, "x"), data(1, 1, 0, 5, "x"), attachment(1, 1, 4, 9, "x")},
		"epoch falls":             {data(1, 2, 0, 5, "x"), data(1, 1, 5, 9, "x")},
		"stream 0":                {data(0, 1, 0, 1, "x")},
		"no offsets":              {data(1, 1, 3, 3, "x")},
		"no bytes":                {data(1, 1, 0, 1, "")},
		"no kind":                 {{Stream: 1, Epoch: 1, End: 1, Batches: 1, Data: [][]byte{{1}}}},
	} {
		w := NewWriter(1, StreamSetObject)
		var err error
		for i, b := range blocks {
			if _, err = w.AppendBlock(b); err != nil && i < len(blocks)-1 {
				t.Errorf("%s: block %d already refused: %v", name, i, err)
			}
		}
		if err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	w := NewWriter(1, StreamObject)
	if _, err := w.Finish(); err == nil {
		t.Error("an empty object was finished")
	}
	if _, err := w.AppendBlock(data(1, 1, 0, 1, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AppendBlock(data(2, 1, 0, 1, "x")); err == nil {
		t.Error("a stream object took a second stream")
	}
	if _, err := w.Finish(); err != nil {
		t.Errorf("a refused block spoiled the object: %v", err)
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	object := sample(t)
	f, x, err := parse(object)
	if err != nil {
		t.Fatal(err)
	}
	for i := int(f.IndexPosition); i < len(object); i++ {
		for bit := range 8 {
			bad := bytes.Clone(object)
			bad[i] ^= 1 << bit
			if _, _, err := parse(bad); err == nil {
				t.Fatalf("bit %d of byte %d flipped and nothing noticed", bit, i)
			}
		}
	}
	for _, n := range []int{0, 1, FooterSize - 1, FooterSize, len(object) - 1} {
		if _, _, err := parse(object[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d bytes parse: %v", n, err)
		}
	}
	if len(x.Entries()) != 4 {
		t.Fatal("the sample changed")
	}
}

// reseal recomputes the checksums of an object that a test has changed.
func reseal(object []byte) {
	p := object[len(object)-FooterSize:]
	index := object[binary.BigEndian.Uint64(p[8:]) : len(object)-FooterSize]
	binary.BigEndian.PutUint32(p[20:], crc.Of(index))
	binary.BigEndian.PutUint32(p[36:], crc.Of(p[:36]))
}

func TestRefusals(t *testing.T) {
	object := sample(t)
	foot := len(object) - FooterSize
	first := foot - 4*EntrySize
	for _, c := range []struct {
		name   string
		change func(p []byte)
		want   error
		says   string
	}{
		{"version N+1", func(p []byte) { binary.BigEndian.PutUint16(p[foot+34:], Version+1) }, ErrNewer, "version 2, this build reads up to 1"},
		{"zone object", func(p []byte) { p[foot+24] = byte(ZoneObject) }, ErrUnsupported, "zone"},
		{"composite object", func(p []byte) { p[foot+24] = byte(CompositeObject) }, ErrUnsupported, "composite"},
		{"unknown object kind", func(p []byte) { p[foot+24] = 9 }, ErrCorrupt, "kind-9"},
		{"reserved footer bytes", func(p []byte) { p[foot+31] = 1 }, ErrCorrupt, "reserved"},
		{"object id 0", func(p []byte) { clear(p[foot : foot+8]) }, ErrCorrupt, "object id 0"},
		{"two streams in a stream object", func(p []byte) { p[foot+24] = byte(StreamObject) }, ErrCorrupt, "stream object"},
		{"block past the index", func(p []byte) { binary.BigEndian.PutUint64(p[first+32:], uint64(first)) }, ErrCorrupt, "the blocks end at"},
		{"position overflows", func(p []byte) { binary.BigEndian.PutUint64(p[first+32:], 1<<63-1) }, ErrCorrupt, "the blocks end at"},
		{"negative position", func(p []byte) { p[first+32] = 0x80 }, ErrCorrupt, "the blocks end at"},
		{"huge block", func(p []byte) { binary.BigEndian.PutUint32(p[first+40:], 1<<31) }, ErrCorrupt, "block of 2147483648 bytes"},
		{"offsets reversed", func(p []byte) { binary.BigEndian.PutUint64(p[first+24:], 0) }, ErrCorrupt, "offsets [0, 0)"},
		{"overlap", func(p []byte) { binary.BigEndian.PutUint64(p[first+24:], 11) }, ErrCorrupt, "after [0, 11)"},
		{"unsorted", func(p []byte) { binary.BigEndian.PutUint64(p[first:], 8) }, ErrCorrupt, "not sorted"},
		{"unknown block kind", func(p []byte) { p[first+52] = 4 }, ErrCorrupt, "kind-4"},
		{"reserved entry bytes", func(p []byte) { p[first+55] = 1 }, ErrCorrupt, "reserved"},
		{"data without batches", func(p []byte) { binary.BigEndian.PutUint32(p[first+48:], 0) }, ErrCorrupt, "0 batches"},
	} {
		p := bytes.Clone(object)
		c.change(p)
		reseal(p)
		if _, _, err := parse(p); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v that says %q", c.name, err, c.want, c.says)
		}
	}
}

// An index larger than the first fetch is read by a second one.
func TestLargeIndexTakesASecondFetch(t *testing.T) {
	w := NewWriter(9, StreamObject)
	const blocks = 2 * TailBytes / EntrySize
	for i := range int64(blocks) {
		if _, err := w.AppendBlock(data(1, 1, i, i+1, "x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	object := take(t, w)
	off, n := FirstFetch(int64(len(object)))
	if n != TailBytes || off+int64(n) != int64(len(object)) {
		t.Fatalf("FirstFetch = %d, %d", off, n)
	}
	f, err := ParseFooter(object[off:], int64(len(object)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Index(object[off:]); ok {
		t.Error("the first fetch claims to hold the index")
	}
	x, err := ParseIndex(f, object[f.IndexPosition:][:f.IndexSize])
	if err != nil || len(x.Find(1, blocks-1)) != 1 {
		t.Errorf("ParseIndex of the second fetch: %v", err)
	}
	if off, n := FirstFetch(100); off != 0 || n != 100 {
		t.Errorf("FirstFetch of a small object = %d, %d", off, n)
	}
}

// However an object is cut into parts of one size, they are the object, and
// each has its checksum.
func TestTakeFirstCutsAnywhere(t *testing.T) {
	for _, size := range []int64{1, 7, 64, 100, 1000} {
		w := NewWriter(1, StreamObject)
		var whole []byte
		var parts []Segment
		cut := func() {
			for w.Pending() > size {
				parts = append(parts, w.TakeFirst(size))
			}
		}
		for i := range 20 {
			a, b := bytes.Repeat([]byte{byte(i)}, 1+i*13%70), bytes.Repeat([]byte{byte(i + 99)}, 1+i*29%90)
			data := append(slices.Clone(a), b...)
			_, err := w.AppendBlock(Block{
				Stream: 1, Start: int64(i), End: int64(i + 1), Data: [][]byte{a, b}, CRC32C: crc.Of(data), Batches: 1, Kind: DataBlock,
			})
			if err != nil {
				t.Fatal(err)
			}
			whole = append(whole, data...)
			cut()
		}
		parts = append(parts, w.Take())
		var got []byte
		for i, p := range parts {
			content := slices.Concat(p.Parts...)
			if p.Size != int64(len(content)) || p.CRC32C != crc.Of(content) || i < len(parts)-1 && p.Size != size {
				t.Fatalf("part %d of %d: %d bytes, says %d, or a wrong checksum", i, size, len(content), p.Size)
			}
			got = append(got, content...)
		}
		if !bytes.Equal(got, whole) {
			t.Fatalf("parts of %d bytes do not make up the object", size)
		}
	}
}
