package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

// everything has a field of each form.
type everything struct {
	u8   uint8
	u64  uint64
	i32  int32
	i64  int64
	b    bool
	s    string
	blob []byte
	id   ids.UUID
	list []uint16
	opt  *int64
}

func (e *everything) fields(c *Coder) {
	Uint(c, &e.u8)
	Uint(c, &e.u64)
	Int(c, &e.i32)
	Int(c, &e.i64)
	c.Bool(&e.b)
	String(c, &e.s)
	c.Blob(&e.blob)
	c.UUID(&e.id)
	List(c, &e.list, 1, Uint[uint16])
	Optional(c, &e.opt, Int[int64])
}

func TestEdgesSurvive(t *testing.T) {
	least := int64(math.MinInt64)
	for _, want := range []everything{
		{},
		{math.MaxUint8, math.MaxUint64, math.MinInt32, math.MinInt64, true, "ü", []byte{0, 255}, ids.UUID{1, 15: 2}, []uint16{0, 65535}, &least},
		{1, 128, math.MaxInt32, math.MaxInt64, false, strings.Repeat("x", 300), nil, ids.UUID{}, make([]uint16, 5000), new(int64)},
	} {
		b := AppendFrame([]byte("before"), 7, 1, want.fields)
		f, rest, err := NextFrame(b[len("before"):])
		if err != nil || f.Kind != 7 || f.Version != 1 || len(rest) != 0 {
			t.Fatalf("frame %+v, %d left, %v", f, len(rest), err)
		}
		var got everything
		if err := f.Decode("test", 1, got.fields); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestVersionsAreChecked(t *testing.T) {
	var e everything
	for _, version := range []uint8{0, 3} {
		f, _, err := NextFrame(AppendFrame(nil, 1, version, e.fields))
		if err != nil {
			t.Fatal(err)
		}
		var v *VersionError
		if err := f.Decode("thing", 2, e.fields); !errors.As(err, &v) || v.Got != version || v.Known != 2 {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// TestLyingLengthsAllocateNothing: a length that the bytes cannot hold is
// refused before anything is made of it.
func TestLyingLengthsAllocateNothing(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<40)
	for name, read := range map[string]func(*Coder){
		"list":   func(c *Coder) { var v []everything; List(c, &v, 30, func(c *Coder, e *everything) { e.fields(c) }) },
		"string": func(c *Coder) { var v string; String(c, &v) },
		"blob":   func(c *Coder) { var v []byte; c.Blob(&v) },
	} {
		allocated := testing.AllocsPerRun(10, func() {
			c := &Coder{buf: huge, decoding: true}
			if read(c); !errors.Is(c.Err(), ErrShort) {
				t.Errorf("%s: %v, want ErrShort", name, c.Err())
			}
		})
		if allocated > 2 {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}

func TestMalformedValuesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		read  func(*Coder)
	}{
		"bool of 2":         {[]byte{2}, func(c *Coder) { var v bool; c.Bool(&v) }},
		"uint8 of 256":      {[]byte{0x80, 2}, func(c *Coder) { var v uint8; Uint(c, &v) }},
		"int8 of 128":       {[]byte{0x80, 2}, func(c *Coder) { var v int8; Int(c, &v) }},
		"varint of 11 B":    {bytes.Repeat([]byte{0x80}, 11), func(c *Coder) { var v uint64; Uint(c, &v) }},
		"unfinished varint": {[]byte{0x80}, func(c *Coder) { var v uint64; Uint(c, &v) }},
		"short UUID":        {make([]byte, 15), func(c *Coder) { var v ids.UUID; c.UUID(&v) }},
		"left over":         {[]byte{1, 1}, func(c *Coder) { var v uint8; Uint(c, &v) }},
	} {
		d := &Coder{buf: c.bytes, decoding: true}
		if c.read(d); d.Finish() == nil {
			t.Errorf("%s was decoded", name)
		}
	}
}
