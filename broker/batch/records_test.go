package batch

import (
	"errors"
	"testing"
)

func TestRecordsReuseScratch(t *testing.T) {
	b := buildBatch(CodecLZ4, 20, 100)
	var scratch []byte
	walk := func() {
		rs, err := OpenRecords(b, &scratch, testDecompressedMax)
		if err != nil {
			t.Fatal(err)
		}
		n, headers := 0, 0
		for rs.Next() {
			n++
			for range rs.Record().Headers() {
				headers++
			}
		}
		if rs.Err() != nil || n != 20 || headers != 20 {
			t.Fatalf("%d records, %d headers, err %v", n, headers, rs.Err())
		}
	}
	walk()
	if n := testing.AllocsPerRun(100, walk); n > 1 {
		t.Fatalf("%v allocations", n)
	}
}

func TestRecordsLogAppendTime(t *testing.T) {
	b := buildBatch(CodecNone, 3, 10)
	SetLogAppendTime(b, 77)
	for _, r := range readAllRecords(t, b) {
		if r.timestamp != 77 {
			t.Errorf("offset %d has timestamp %d", r.offset, r.timestamp)
		}
	}
}

func TestRecordsFaults(t *testing.T) {
	whole := buildBatch(CodecNone, 2, 10)
	if _, err := OpenRecords(whole[:len(whole)-1], nil, 0); !errors.Is(err, ErrTruncated) {
		t.Errorf("truncated: %v", err)
	}
	if _, err := OpenRecords(buildBatch(CodecZstd, 100, 100), nil, 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("past the bound: %v", err)
	}
	record := appendRecord(nil, 0, 0, nil, nil, nil)
	for name, b := range map[string][]byte{
		"too few":  wrapRecords(2, CodecNone, record),
		"too many": wrapRecords(1, CodecNone, append(record, record...)),
	} {
		rs, err := OpenRecords(b, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for rs.Next() {
		}
		if !errors.Is(rs.Err(), ErrInvalidRecord) {
			t.Errorf("%s: %v", name, rs.Err())
		}
		if rs.Next() {
			t.Errorf("%s: goes on after an error", name)
		}
	}
}

func TestHeadersCanBeLeftEarly(t *testing.T) {
	b := NewBuilder()
	b.Add(0, nil, nil, RecordHeader{Key: "a"}, RecordHeader{Key: "b"})
	rs, err := OpenRecords(b.AppendTo(nil), nil, 0)
	if err != nil || !rs.Next() {
		t.Fatal(err)
	}
	for key := range rs.Record().Headers() {
		if string(key) != "a" {
			t.Fatalf("got %q", key)
		}
		break
	}
}

func TestFindTimestamp(t *testing.T) {
	b := NewBuilder()
	b.BaseOffset = 100
	b.Codec = CodecZstd
	for _, ts := range []int64{10, 30, 20, 30} {
		b.Add(ts, nil, nil)
	}
	built := b.AppendTo(nil)
	for _, c := range []struct {
		ts, offset, timestamp int64
		found                 bool
	}{
		{0, 100, 10, true}, {10, 100, 10, true}, {11, 101, 30, true}, {30, 101, 30, true}, {31, 0, 0, false},
	} {
		offset, timestamp, found, err := FindTimestamp(built, c.ts, nil, testDecompressedMax)
		if err != nil || offset != c.offset || timestamp != c.timestamp || found != c.found {
			t.Errorf("at %d: %d, %d, %v, %v", c.ts, offset, timestamp, found, err)
		}
	}
	offset, timestamp, found, err := FindMaxTimestamp(built, nil, testDecompressedMax)
	if err != nil || offset != 101 || timestamp != 30 || !found {
		t.Errorf("max: %d, %d, %v, %v", offset, timestamp, found, err)
	}

	SetLogAppendTime(built, 50)
	offset, timestamp, found, err = FindTimestamp(built, 40, nil, 1) // too little to decompress anything
	if err != nil || offset != 100 || timestamp != 50 || !found {
		t.Errorf("log append time: %d, %d, %v, %v", offset, timestamp, found, err)
	}
}
