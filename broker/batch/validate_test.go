package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestValidateAcceptsEveryCodec(t *testing.T) {
	for _, codec := range allCodecs {
		b := buildBatch(codec, 50, 100)
		SetBaseOffset(b, 1234) // a producer's base offset need not be 0
		before := bytes.Clone(b)
		info, err := Validate(b, Options{RequireKey: true})
		if err != nil {
			t.Fatalf("%v: %v", codec, err)
		}
		if info.Header != mustParse(t, b) || info.MaxTimestamp != 1_700_000_000_049 || info.MaxTimestampDelta != 49 {
			t.Errorf("%v: got %+v", codec, info)
		}
		if want := len(buildBatch(CodecNone, 50, 100)) - HeaderSize; info.RecordsBytes != want {
			t.Errorf("%v: %d bytes of records, want %d", codec, info.RecordsBytes, want)
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%v: the batch was changed", codec)
		}
	}
}

func TestValidateFindsRealMaxTimestamp(t *testing.T) {
	b := NewBuilder()
	for _, ts := range []int64{100, 300, 200, 300} {
		b.Add(ts, nil, nil)
	}
	built := b.AppendTo(nil)
	SetMaxTimestamp(built, 999) // the producer lies
	info, err := Validate(built, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if info.MaxTimestamp != 300 || info.MaxTimestampDelta != 1 || info.Header.MaxTimestamp != 999 {
		t.Fatalf("got %+v", info)
	}
	info, err = Validate(built, Options{SkipRecords: true})
	if err != nil {
		t.Fatal(err)
	}
	if info.MaxTimestamp != 999 || info.MaxTimestampDelta != 3 {
		t.Fatalf("skipping records: got %+v", info)
	}
}

func TestValidateHeaderFaults(t *testing.T) {
	change := func(at int, value ...byte) []byte {
		b := buildBatch(CodecNone, 3, 10)
		copy(b[at:], value)
		return fixCRC(b)
	}
	flip := buildBatch(CodecNone, 3, 10)
	flip[len(flip)-1] ^= 0x40
	whole := buildBatch(CodecNone, 3, 10)
	idempotent := func(epoch int16, sequence int32) []byte {
		b := NewBuilder()
		b.ProducerID, b.ProducerEpoch, b.BaseSequence = 9, epoch, sequence
		b.Add(1, nil, nil)
		return b.AppendTo(nil)
	}
	marker := NewBuilder()
	marker.ProducerID, marker.ProducerEpoch, marker.BaseSequence = 9, 0, 0
	marker.AddEndTxn(1, EndTxnMarker{Type: ControlCommit})
	stamped := buildBatch(CodecNone, 1, 1)
	SetLogAppendTime(stamped, 1)

	for name, c := range map[string]struct {
		b    []byte
		opts Options
		want error
	}{
		"empty":                 {nil, Options{}, ErrTruncated},
		"truncated":             {whole[:len(whole)-1], Options{}, ErrTruncated},
		"two batches":           {append(bytes.Clone(whole), whole...), Options{}, ErrInvalidRecord},
		"flipped bit":           {flip, Options{}, ErrCorrupt},
		"magic 1":               {change(atMagic, 1), Options{}, ErrUnsupportedFormat},
		"no records":            {change(atNumRecords, 0, 0, 0, 0), Options{}, ErrInvalidRecord},
		"negative count":        {change(atNumRecords, 0xff, 0xff, 0xff, 0xff), Options{}, ErrInvalidRecord},
		"count and last delta":  {change(atLastOffsetDelta, 0, 0, 0, 9), Options{}, ErrInvalidRecord},
		"last delta overflows":  {change(atLastOffsetDelta, 0x7f, 0xff, 0xff, 0xff), Options{}, ErrInvalidRecord},
		"unknown codec":         {change(atAttributes+1, 5), Options{}, ErrUnsupportedCodec},
		"zstd before v7":        {buildBatch(CodecZstd, 3, 10), Options{ForbidZstd: true}, ErrUnsupportedCodec},
		"control batch":         {marker.AppendTo(nil), Options{}, ErrInvalidRecord},
		"log append time":       {stamped, Options{}, ErrInvalidTimestamp},
		"negative sequence":     {idempotent(0, -1), Options{}, ErrInvalidRecord},
		"negative epoch":        {idempotent(-1, 0), Options{}, ErrInvalidRecord},
		"transaction of nobody": {change(atAttributes+1, attrTransactional), Options{}, ErrInvalidRecord},
		"too large":             {whole, Options{BatchBytesMax: len(whole) - 1}, ErrTooLarge},
		"large by default":      {buildBatch(CodecNone, 1, 2<<20), Options{}, ErrTooLarge},
	} {
		if _, err := Validate(c.b, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}

	if _, err := Validate(whole, Options{BatchBytesMax: len(whole)}); err != nil {
		t.Errorf("exactly as large as allowed: %v", err)
	}
	if _, err := Validate(marker.AppendTo(nil), Options{AllowControl: true}); err != nil {
		t.Errorf("allowed control batch: %v", err)
	}
}

func TestValidateRecordFaults(t *testing.T) {
	record := func(delta int32) []byte { return appendRecord(nil, delta, 0, []byte("k"), []byte("v"), nil) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		n       int32
		records []byte
	}{
		"none":                      {1, nil},
		"fewer than counted":        {2, record(0)},
		"more than counted":         {1, join(record(0), record(1))},
		"bytes after the last":      {1, join(record(0), []byte{0})},
		"delta does not start at 0": {1, record(1)},
		"delta repeats":             {2, join(record(0), record(0))},
		"delta skips":               {2, join(record(0), record(2))},
		"length beyond the batch":   {1, []byte{40, 0, 0, 0, 1, 1, 0}},
		"length negative":           {1, []byte{1, 0, 0, 0, 1, 1, 0}},
		"length zero":               {1, []byte{0, 0, 0, 0, 1, 1, 0}},
		"length one too long":       {1, []byte{14, 0, 0, 0, 1, 1, 0, 0}},
		"length one too short":      {1, []byte{10, 0, 0, 0, 1, 1, 0}},
		"length over five bytes":    {1, []byte{0x8c, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 1, 1, 0}},
		"key length -2":             {1, []byte{12, 0, 0, 0, 3, 1, 0}},
		"key beyond the record":     {1, []byte{12, 0, 0, 0, 20, 1, 0}},
		"value beyond the record":   {1, []byte{12, 0, 0, 0, 1, 20, 0}},
		"negative headers":          {1, []byte{12, 0, 0, 0, 1, 1, 1}},
		"headers without bytes":     {1, []byte{12, 0, 0, 0, 1, 1, 2}},
		"millions of headers":       {1, []byte{18, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0x0f}},
		"null header key":           {1, []byte{16, 0, 0, 0, 1, 1, 2, 1, 1}},
		"header value too long":     {1, []byte{16, 0, 0, 0, 1, 1, 2, 0, 4}},
		"varint never ends":         {1, bytes.Repeat([]byte{0xff}, 20)},
		"timestamp never ends":      {1, append([]byte{26, 0}, bytes.Repeat([]byte{0xff}, 12)...)},
	} {
		for _, codec := range []Codec{CodecNone, CodecZstd} {
			compressed, err := Compress(nil, c.records, codec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Validate(wrapRecords(c.n, codec, compressed), Options{}); !errors.Is(err, ErrInvalidRecord) {
				t.Errorf("%s, %v: got %v", name, codec, err)
			}
		}
	}
}

func TestValidateNamesTheRecord(t *testing.T) {
	records := append(appendRecord(nil, 0, 0, nil, nil, nil), 12, 0, 0, 2, 20, 1, 0)
	_, err := Validate(wrapRecords(2, CodecNone, records), Options{})
	var faults *RecordsError
	if !errors.As(err, &faults) || len(faults.Records) != 1 || faults.Records[0].Index != 1 {
		t.Fatalf("got %v", err)
	}
}

func TestValidateRequiresKeys(t *testing.T) {
	b := NewBuilder()
	for i := range 300 {
		key := []byte("k")
		if i%2 == 1 {
			key = nil
		}
		b.Add(int64(i), key, nil)
	}
	built := b.AppendTo(nil)
	if _, err := Validate(built, Options{}); err != nil {
		t.Fatal(err)
	}
	_, err := Validate(built, Options{RequireKey: true})
	var faults *RecordsError
	if !errors.As(err, &faults) || !errors.Is(err, ErrInvalidRecord) {
		t.Fatalf("got %v", err)
	}
	if faults.Total != 150 || len(faults.Records) != recordErrorsMax {
		t.Fatalf("%d faults, %d listed", faults.Total, len(faults.Records))
	}
	if faults.Records[0].Index != 1 || faults.Records[1].Index != 3 || !strings.Contains(faults.Records[0].Message, "key") {
		t.Fatalf("got %+v", faults.Records[:2])
	}
	if msg := err.Error(); !strings.Contains(msg, "150") {
		t.Errorf("message %q does not count the faults", msg)
	}
}

func TestValidateTimestamps(t *testing.T) {
	const now = 1_700_000_000_000
	at := func(timestamps ...int64) []byte {
		b := NewBuilder()
		for _, ts := range timestamps {
			b.Add(ts, nil, nil)
		}
		return b.AppendTo(nil)
	}
	opts := Options{CheckTimestamps: true}
	opts.TimestampMin, opts.TimestampMax = TimestampWindow(now, 1000, 500)
	for _, ok := range []int64{now, now - 1000, now + 500, NoTimestamp} {
		if _, err := Validate(at(ok), opts); err != nil {
			t.Errorf("%d: %v", ok-now, err)
		}
	}
	_, err := Validate(at(now, now-1001, now+501), opts)
	var faults *RecordsError
	if !errors.As(err, &faults) || !errors.Is(err, ErrInvalidTimestamp) || faults.Total != 2 {
		t.Fatalf("got %v", err)
	}
	// A missing key and a bad timestamp together are a bad timestamp.
	opts.RequireKey = true
	if _, err := Validate(at(now, now-1001), opts); !errors.Is(err, ErrInvalidTimestamp) {
		t.Fatalf("got %v", err)
	}
}

func TestTimestampWindowDoesNotOverflow(t *testing.T) {
	low, high := TimestampWindow(1_700_000_000_000, math.MaxInt64, math.MaxInt64)
	if low > -1 || high != math.MaxInt64 {
		t.Fatalf("got [%d, %d]", low, high)
	}
	if low, high = TimestampWindow(100, 10, 20); low != 90 || high != 120 {
		t.Fatalf("got [%d, %d]", low, high)
	}
}

func TestValidateBoundsDecompression(t *testing.T) {
	for _, codec := range allCodecs[1:] {
		b := NewBuilder()
		b.Codec = codec
		b.Add(1, nil, make([]byte, 4<<20))
		built := b.AppendTo(nil)
		if _, err := Validate(built, Options{BatchBytesMax: 1 << 20, DecompressedBytesMax: 4 << 20}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v: got %v, want %v", codec, err, ErrTooLarge)
		}
		if _, err := Validate(built, Options{BatchBytesMax: 1 << 20, DecompressedBytesMax: b.Size() - HeaderSize}); err != nil {
			t.Errorf("%v: exactly as large as allowed: %v", codec, err)
		}
	}
}

func TestDecompressedLimits(t *testing.T) {
	for _, c := range []struct{ batchMax, decompressedMax, want int }{
		{0, 0, 16 * DefaultBatchBytesMax},
		{1000, 0, 1 << 20},
		{100 << 20, 0, 128 << 20},
		{math.MaxInt, 0, 128 << 20},
		{1000, 5, 5},
	} {
		opts := Options{BatchBytesMax: c.batchMax, DecompressedBytesMax: c.decompressedMax}
		if got := opts.decompressedBytesMax(); got != c.want {
			t.Errorf("%+v: got %d, want %d", c, got, c.want)
		}
	}
}

func TestValidateAllocations(t *testing.T) {
	// The collector, and the race detector on purpose, may empty the pools.
	for codec, limit := range map[Codec]float64{CodecNone: 0, CodecGzip: 4, CodecSnappy: 4, CodecLZ4: 4, CodecZstd: 4} {
		b := buildBatch(codec, 10, 1000)
		opts := Options{RequireKey: true, CheckTimestamps: true, TimestampMax: math.MaxInt64}
		n := testing.AllocsPerRun(200, func() {
			if _, err := Validate(b, opts); err != nil {
				t.Fatal(err)
			}
		})
		if n > limit {
			t.Errorf("%v: %v allocations, at most %v expected", codec, n, limit)
		}
	}
}

// What passes can be walked, agrees with its header and survives being patched.
func FuzzValidate(f *testing.F) {
	for _, codec := range allCodecs {
		f.Add(buildBatch(codec, 3, 20), true)
	}
	f.Add(goldenBuilder().AppendTo(nil), false)
	f.Fuzz(func(t *testing.T, b []byte, requireKey bool) {
		if len(b) >= HeaderSize { // else hardly any input gets past the CRC
			b = bytes.Clone(b)
			binary.BigEndian.PutUint32(b[atBatchLength:], uint32(len(b)-uncountedSize))
			b[atMagic] = Magic
			fixCRC(b)
		}
		info, err := Validate(b, Options{RequireKey: requireKey})
		if err != nil {
			return
		}
		SetBaseOffset(b, 100)
		records := readAllRecords(t, b)
		if len(records) != int(info.Header.NumRecords) {
			t.Fatalf("%d records, the header says %d", len(records), info.Header.NumRecords)
		}
		for i, r := range records {
			if r.offset != 100+int64(i) || r.timestamp > info.MaxTimestamp || requireKey && r.nullKey {
				t.Fatalf("record %d is %+v, info %+v", i, r, info)
			}
		}
		if got := records[info.MaxTimestampDelta].timestamp; got != info.MaxTimestamp {
			t.Fatalf("record %d has timestamp %d, not %d", info.MaxTimestampDelta, got, info.MaxTimestamp)
		}
		SetLogAppendTime(b, 7)
		h := mustParse(t, b)
		if err := CheckCRC(b, &h); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	for _, codec := range allCodecs {
		for _, size := range []struct {
			name       string
			n, valueSz int
		}{{"1KiB", 1, 1000}, {"1MiB", 1000, 1000}} {
			p := buildBatch(codec, size.n, size.valueSz)
			b.Run(fmt.Sprintf("%v/%s", codec, size.name), func(b *testing.B) {
				b.SetBytes(int64(size.n * size.valueSz))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Validate(p, Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
