package batch

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestBuilderRecordsAgreeWithKmsg(t *testing.T) {
	b := NewBuilder()
	long := bytes.Repeat([]byte("x"), 300)
	b.Add(1000, []byte("k"), long, RecordHeader{Key: "a", Value: []byte{}}, RecordHeader{Key: "", Value: nil})
	b.Add(1<<50, nil, nil)
	b.Add(-5, []byte{}, []byte("v"))
	built := b.AppendTo(nil)

	var rest = built[HeaderSize:]
	var got []kmsg.Record
	for range b.NumRecords() {
		length, n := varint32(rest)
		var r kmsg.Record
		if err := r.ReadFrom(rest[:n+int(length)]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n+int(length):]
		got = append(got, r)
	}
	if len(rest) != 0 {
		t.Fatalf("%d bytes left", len(rest))
	}
	if string(got[0].Value) != string(long) || len(got[0].Headers) != 2 || got[0].Headers[0].Value == nil || got[0].Headers[1].Value != nil {
		t.Errorf("record 0: %+v", got[0])
	}
	if got[1].TimestampDelta64 != 1<<50-1000 || got[1].OffsetDelta != 1 || got[1].Key != nil || got[1].Value != nil {
		t.Errorf("record 1: %+v", got[1])
	}
	if got[2].TimestampDelta64 != -1005 || got[2].Key == nil {
		t.Errorf("record 2: %+v", got[2])
	}
	if h := mustParse(t, built); h.MaxTimestamp != 1<<50 || h.BaseTimestamp != 1000 {
		t.Errorf("header %+v", h)
	}
}

// Records come back as they were added, whatever the codec.
func TestBuilderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder()
		b.BaseOffset = rapid.Int64Range(0, 1<<60).Draw(t, "base offset")
		b.Codec = rapid.SampledFrom(allCodecs).Draw(t, "codec")
		var want []copyOf
		delta := int32(-1)
		nullable := rapid.Custom(func(t *rapid.T) []byte {
			if rapid.Bool().Draw(t, "null") {
				return nil
			}
			return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		})
		for range rapid.IntRange(1, 10).Draw(t, "records") {
			delta += rapid.Int32Range(1, 1000).Draw(t, "gap")
			ts := rapid.Int64Range(-1, 1<<50).Draw(t, "timestamp")
			key, value := nullable.Draw(t, "key"), nullable.Draw(t, "value")
			headers := make([]RecordHeader, rapid.IntRange(0, 3).Draw(t, "headers"))
			c := copyOf{offset: b.BaseOffset + int64(delta), timestamp: ts, key: string(key), value: string(value), nullKey: key == nil, nullVal: value == nil}
			for i := range headers {
				headers[i] = RecordHeader{Key: rapid.String().Draw(t, "header key"), Value: nullable.Draw(t, "header value")}
				c.headers += fmt.Sprintf("%s=%s(%v);", headers[i].Key, headers[i].Value, headers[i].Value == nil)
			}
			b.AddAt(delta, ts, key, value, headers...)
			want = append(want, c)
		}
		built := b.AppendTo([]byte("before"))[len("before"):]
		h, err := ParseHeader(built)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckCRC(built, &h); err != nil {
			t.Fatal(err)
		}
		got := readAllRecords(t, built)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestBuilderResetKeepsFields(t *testing.T) {
	b := goldenBuilder()
	first := b.AppendTo(nil)
	b.Reset()
	b.Add(1_700_000_000_000, []byte("k"), []byte("hello"))
	b.Add(1_700_000_000_005, []byte("k"), nil, RecordHeader{Key: "h", Value: []byte("x")})
	if !bytes.Equal(b.AppendTo(nil), first) {
		t.Fatal("a builder does not build the same twice")
	}
}

func TestBuilderPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"no records":      func() { NewBuilder().AppendTo(nil) },
		"falling offsets": func() { b := NewBuilder(); b.AddAt(3, 0, nil, nil); b.AddAt(3, 0, nil, nil) },
		"negative offset": func() { NewBuilder().AddAt(-1, 0, nil, nil) },
		"unknown codec":   func() { b := NewBuilder(); b.Codec = 5; b.Add(0, nil, nil); b.AppendTo(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestEndTxnMarker(t *testing.T) {
	for _, want := range []EndTxnMarker{{ControlCommit, 7}, {ControlAbort, math.MaxInt32}} {
		b := NewBuilder()
		b.ProducerID, b.ProducerEpoch = 5, 1
		b.AddEndTxn(1234, want)
		built := b.AppendTo(nil)
		h := mustParse(t, built)
		if !h.IsControl() || !h.IsTransactional() || h.BaseSequence != NoSequence {
			t.Errorf("header %+v", h)
		}
		rs, err := OpenRecords(built, nil, 0)
		if err != nil || !rs.Next() {
			t.Fatal(err, rs.Err())
		}
		got, err := ParseEndTxn(rs.Record())
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestParseEndTxnRefuses(t *testing.T) {
	for _, r := range []Record{
		{},
		{Key: []byte{0, 0, 0}},
		{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0}},
	} {
		if _, err := ParseEndTxn(&r); !errors.Is(err, ErrInvalidRecord) {
			t.Errorf("%+v: got %v", r, err)
		}
	}
	// A later version may be longer, other markers have other values.
	m, err := ParseEndTxn(&Record{Key: []byte{0, 1, 0, 1, 9}, Value: []byte{0, 1, 0, 0, 0, 3, 9, 9}})
	if err != nil || m != (EndTxnMarker{ControlCommit, 3}) {
		t.Errorf("later version: %+v, %v", m, err)
	}
	if m, err = ParseEndTxn(&Record{Key: []byte{0, 0, 0, 2}}); err != nil || m.Type != 2 {
		t.Errorf("other marker: %+v, %v", m, err)
	}
}

func FuzzBuilderRoundTrip(f *testing.F) {
	f.Add(uint8(0), int64(0), []byte("key"), []byte("value"), "header", []byte("x"))
	f.Add(uint8(4), int64(-1), []byte(nil), []byte(nil), "", []byte(nil))
	f.Fuzz(func(t *testing.T, codec uint8, ts int64, key, value []byte, headerKey string, headerValue []byte) {
		b := NewBuilder()
		b.Codec = allCodecs[int(codec)%len(allCodecs)]
		b.Add(ts, key, value, RecordHeader{Key: headerKey, Value: headerValue})
		b.Add(ts, value, key)
		built := b.AppendTo(nil)
		if _, err := Validate(built, Options{}); err != nil {
			t.Fatal(err)
		}
		got := readAllRecords(t, built)
		header := fmt.Sprintf("%s=%s(%v);", headerKey, headerValue, headerValue == nil)
		want := []copyOf{
			{0, ts, string(key), string(value), key == nil, value == nil, header},
			{1, ts, string(value), string(key), value == nil, key == nil, ""},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func BenchmarkBuilder100x100(b *testing.B) {
	builder := NewBuilder()
	value := make([]byte, 100)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset()
		for i := range 100 {
			builder.Add(int64(i), value[:8], value)
		}
		dst = builder.AppendTo(dst[:0])
	}
}
