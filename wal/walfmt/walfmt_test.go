package walfmt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

var testInstance = ids.WALInstance{0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// testFlush builds a flush at position with the given payloads.
func testFlush(position int64, payloads ...string) (FlushHeader, []byte) {
	h := FlushHeader{Instance: testInstance, NodeEpoch: 3, Position: position, DurableUpTo: position / 2}
	b := make([]byte, FlushHeaderBytes)
	for i, p := range payloads {
		r := RecordHeader{Kind: KindData, Stream: ids.StreamID(7 + i), StreamEpoch: 2, BaseOffset: 100, EndOffset: 103, PayloadBytes: uint32(len(p))}
		var rh [RecordHeaderBytes]byte
		EncodeRecord(&rh, SeedOf(testInstance), position+int64(len(b)), &r, []byte(p), nil)
		b = append(append(b, rh[:]...), p...)
		h.BodyDigest = AddToDigest(h.BodyDigest, r.CRC)
		h.Records++
	}
	h.BodyBytes = uint32(len(b) - FlushHeaderBytes)
	h.Encode(b)
	return h, b
}

func testHeader() Header {
	return Header{
		Cluster: ids.UUID{1, 2, 3}, Node: 5, Fence: FenceExclusive, BlockBytes: 512, Generation: 9, Capacity: 8 << 20,
		Life:     Life{Instance: testInstance, NodeEpoch: 4, Base: 3 << 20, WindowBytes: 1 << 20},
		TrimHint: 4096,
		Earlier: []Earlier{
			{Life: Life{Instance: ids.UUID{7}, NodeEpoch: 3, Base: 1 << 20, WindowBytes: 1 << 20}, From: 512, End: 2048},
		},
	}
}

// The bytes of version 1. A change here is a change of the format: it needs a
// new version.
const (
	goldenFlush = "5357464c01000040" + "a00102030405060708090a0b0c0d0e0f" + "0000000000000003" + "0000000000001000" + "0000000000000800" +
		"0000002d" + "00000001" + "34b3bdc3" + "2f504a24" +
		"52010000" + "00000005" + "0000000000000007" + "0000000000000002" + "0000000000000064" + "00000003" + "a1619d51" + "68656c6c6f"
	goldenHeader = "53454157414c4c0a" + "0001" + "01" + "00" + "00000200" + "01020300000000000000000000000000" + "00000005" + "00000000" +
		"0000000000000004" + "0000000000000009" + "0000000000800000" + "a00102030405060708090a0b0c0d0e0f" + "0000000000300000" +
		"0000000000100000" + "0000000000001000" + "00000001" + "00000000" +
		"07000000000000000000000000000000" + "0000000000000003" + "0000000000100000" + "0000000000100000" + "0000000000000200" + "0000000000000800" + "0000000000000000"
)

func TestGoldenFlush(t *testing.T) {
	_, b := testFlush(4096, "hello")
	if got := hex.EncodeToString(b); got != goldenFlush {
		t.Fatalf("encoded\n%s\nwant\n%s", got, goldenFlush)
	}
}

func TestGoldenHeader(t *testing.T) {
	h := testHeader()
	b := make([]byte, SlotBytes)
	if err := h.Encode(b); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b[:176]); got != goldenHeader {
		t.Fatalf("encoded\n%s\nwant\n%s", got, goldenHeader)
	}
	if !bytes.Equal(b[176:SlotBytes-4], make([]byte, SlotBytes-4-176)) || binary.BigEndian.Uint32(b[SlotBytes-4:]) != 0xb6da697f {
		t.Fatalf("rest of the slot: CRC %#x", b[SlotBytes-4:])
	}
	got, err := DecodeHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestFlushRoundTrip(t *testing.T) {
	want, b := testFlush(8192, "", "a", strings.Repeat("b", 20_000))
	got, err := DecodeFlushHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if err := got.VerifyBody(SeedOf(testInstance), b[FlushHeaderBytes:]); err != nil {
		t.Fatal(err)
	}
	if got.End() != 8192+int64(len(b)) {
		t.Fatalf("ends at %d", got.End())
	}
}

// Every bit of a flush is covered: rot anywhere is found.
func TestEveryBitIsCovered(t *testing.T) {
	_, b := testFlush(4096, "hello", "world")
	want := Expect{Instance: testInstance, NodeEpoch: 3, Position: 4096}
	for bit := range 8 * len(b) {
		rotten := bytes.Clone(b)
		rotten[bit/8] ^= 1 << (bit % 8)
		h, err := DecodeFlushHeader(rotten)
		if err == nil {
			err = h.Check(want)
		}
		if err == nil && int(h.BodyBytes) == len(b)-FlushHeaderBytes {
			err = h.VerifyBody(SeedOf(testInstance), rotten[FlushHeaderBytes:])
		}
		if !errors.Is(err, ErrInvalid) {
			t.Fatalf("bit %d of byte %d: %v", bit%8, bit/8, err)
		}
	}
}

func TestRecordsAreBoundToInstanceAndPosition(t *testing.T) {
	h, b := testFlush(4096, "hello")
	body := b[FlushHeaderBytes:]
	if err := h.VerifyBody(SeedOf(ids.UUID{1}), body); !errors.Is(err, ErrInvalid) {
		t.Fatalf("body of another instance: %v", err)
	}
	h.Position += 512
	if err := h.VerifyBody(SeedOf(testInstance), body); !errors.Is(err, ErrInvalid) {
		t.Fatalf("body of another position: %v", err)
	}
}

func TestExpect(t *testing.T) {
	h, _ := testFlush(4096, "x")
	for name, want := range map[string]Expect{
		"another instance": {ids.UUID{1}, 3, 4096},
		"lower epoch":      {testInstance, 4, 4096},
		"higher epoch":     {testInstance, 2, 4096},
		"another place":    {testInstance, 3, 4096 + 8<<20},
	} {
		if err := h.Check(want); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.Check(Expect{testInstance, 3, 4096}); err != nil {
		t.Fatal(err)
	}
}

func TestKnownPayloadCRCGivesTheSameRecord(t *testing.T) {
	for _, n := range []int{0, 1, combineBytesMin - 1, combineBytesMin, 1_000_003} {
		payload := bytes.Repeat([]byte{0x5a, 1, 9}, n/3+1)[:n]
		sum := crc.Of(payload)
		var a, b [RecordHeaderBytes]byte
		h := RecordHeader{Kind: KindData, PayloadBytes: uint32(n)}
		EncodeRecord(&a, SeedOf(testInstance), 12345, &h, payload, nil)
		EncodeRecord(&b, SeedOf(testInstance), 12345, &h, payload, &sum)
		if a != b {
			t.Fatalf("payload of %d bytes", n)
		}
		r, err := DecodeRecord(12345, append(a[:], payload...))
		if err != nil || !r.Verify(SeedOf(testInstance)) {
			t.Fatalf("payload of %d bytes: %v", n, err)
		}
	}
}

func TestNewerVersionsAreRefused(t *testing.T) {
	_, b := testFlush(4096, "x")
	b[4] = flushVersion + 1
	binary.BigEndian.PutUint32(b[60:], crc.Of(b[:60]))
	_, err := DecodeFlushHeader(b)
	checkVersionError(t, err, "flush", flushVersion+1)

	h := testHeader()
	slot := make([]byte, SlotBytes)
	if err := h.Encode(slot); err != nil {
		t.Fatal(err)
	}
	older := bytes.Clone(slot)
	binary.BigEndian.PutUint16(slot[8:], headerVersion+1)
	binary.BigEndian.PutUint32(slot[SlotBytes-4:], crc.Of(slot[:SlotBytes-4]))
	_, err = DecodeHeader(slot)
	checkVersionError(t, err, "header", headerVersion+1)
	_, _, err = PickHeader([2][]byte{older, slot})
	checkVersionError(t, err, "header", headerVersion+1)
}

func checkVersionError(t *testing.T, err error, what string, version int) {
	t.Helper()
	var v *VersionError
	if !errors.As(err, &v) || v.What != what || v.Version != version || errors.Is(err, ErrInvalid) {
		t.Fatalf("%s of version %d: %v", what, version, err)
	}
	if !strings.Contains(err.Error(), "newer") {
		t.Fatalf("no advice in %q", err)
	}
}

func TestPickHeader(t *testing.T) {
	slot := func(epoch ids.NodeEpoch, generation uint64) []byte {
		h := testHeader()
		h.NodeEpoch, h.Generation = epoch, generation
		b := make([]byte, SlotBytes)
		if err := h.Encode(b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	torn := slot(9, 99)
	clear(torn[100:600])
	blank := make([]byte, SlotBytes)
	for name, c := range map[string]struct {
		a, b []byte
		want int // slot; -1 for none
	}{
		"higher generation":        {slot(1, 5), slot(1, 6), 1},
		"epoch before generation":  {slot(2, 5), slot(1, 6), 0},
		"torn slot is passed over": {torn, slot(1, 1), 1},
		"only one was written":     {slot(1, 1), blank, 0},
		"none":                     {blank, torn, -1},
	} {
		_, at, err := PickHeader([2][]byte{c.a, c.b})
		if at != c.want || (err == nil) != (c.want >= 0) {
			t.Errorf("%s: slot %d, %v", name, at, err)
		}
	}
}

func TestHeaderRefusesNonsense(t *testing.T) {
	for name, change := range map[string]func(*Header){
		"capacity not in units": func(h *Header) { h.Capacity++ },
		"no capacity":           func(h *Header) { h.Capacity = 0 },
		"block of no power":     func(h *Header) { h.BlockBytes = 1000 },
		"no instance":           func(h *Header) { h.Instance = ids.UUID{} },
		"base not in units":     func(h *Header) { h.Base = 5 },
		"negative trim hint":    func(h *Header) { h.TrimHint = -1 },
		"earlier ends early":    func(h *Header) { h.Earlier[0].End = 0 },
		"negative window":       func(h *Header) { h.Earlier[0].WindowBytes = -1 },
	} {
		h := testHeader()
		change(&h)
		b := make([]byte, SlotBytes)
		if err := h.Encode(b); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeHeader(b); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := testHeader()
	h.Earlier = make([]Earlier, EarlierMax+1)
	if err := h.Encode(make([]byte, SlotBytes)); err == nil {
		t.Error("a table too long was encoded")
	}
}

func TestRecordHeaderCheck(t *testing.T) {
	good := RecordHeader{Kind: KindMark, BaseOffset: 5, EndOffset: 5}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]RecordHeader{
		"no kind":       {},
		"unknown kind":  {Kind: 5},
		"backwards":     {Kind: KindData, BaseOffset: 2, EndOffset: 1},
		"delta too far": {Kind: KindData, EndOffset: math.MaxUint32 + 1},
		"too large":     {Kind: KindData, PayloadBytes: PayloadBytesMax + 1},
	} {
		if h.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A walk from a record on finds all later ones over the ends of flushes.
func TestWalkCrossesFlushes(t *testing.T) {
	for _, block := range []int64{512, 4096} {
		var log []byte
		var want []int64
		for i := range 6 {
			payloads := []string{strings.Repeat("x", 100*i), "y", strings.Repeat("z", 400)}
			h, b := testFlush(int64(len(log)), payloads...)
			if i == 2 { // a flush that ends at a block boundary, without padding
				short := int(Padded(int64(len(b)), block)) - len(b)
				payloads[2] += strings.Repeat("z", short)
				h, b = testFlush(int64(len(log)), payloads...)
			}
			for it := IterateRecords(h.Position+FlushHeaderBytes, b[FlushHeaderBytes:]); ; {
				r, ok, err := it.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				want = append(want, r.Position)
			}
			log = append(log, make([]byte, Padded(int64(len(b)), block))...)
			copy(log[h.Position:], b)
		}
		for start, from := range want {
			var got []int64
			for walk := WalkLog(from, log[from:]); ; {
				r, ok := walk.Next()
				if !ok {
					break
				}
				if !r.Verify(SeedOf(testInstance)) {
					t.Fatalf("record at %d does not verify", r.Position)
				}
				got = append(got, r.Position)
			}
			if diff := cmp.Diff(want[start:], got); diff != "" {
				t.Fatalf("block %d, from %d: %s", block, from, diff)
			}
		}
	}
}
