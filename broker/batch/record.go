package batch

import (
	"encoding/binary"
	"iter"
)

// RecordHeader is a header of a record. A nil Value is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Record is one record of a batch. Its slices alias the batch, or the scratch
// buffer that the batch was decompressed into.
type Record struct {
	// Offset is the record's offset in its partition.
	Offset int64
	// Timestamp is in ms since 1970; in a batch with LogAppendTime it is the
	// batch's.
	Timestamp int64
	// Key and Value are nil where they are null.
	Key, Value []byte
	// NumHeaders is the number of headers.
	NumHeaders int

	headers []byte
}

// Headers returns the record's headers, key and value, in their order. The
// value is nil where it is null.
func (r *Record) Headers() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		rest := r.headers
		for range r.NumHeaders {
			key, n := bytesField(rest)
			value, m := bytesField(rest[n:])
			rest = rest[n+m:]
			if !yield(key, value) {
				return
			}
		}
	}
}

// rawRecord is one record as it stands in a batch.
type rawRecord struct {
	timestampDelta int64
	offsetDelta    int32
	headerCount    int32
	key, value     []byte // nil where null
	headers        []byte
}

// parse reads the record that p begins with and returns the bytes it took. It
// checks every bound, and that the record's length is exactly what its fields
// take. It does not allocate; the errors match ErrInvalidRecord.
func (r *rawRecord) parse(p []byte) (int, error) {
	length, n := varint32(p)
	if n == 0 || length < 1 || int(length) > len(p)-n {
		return 0, errRecordTruncated
	}
	size := n + int(length)
	p = p[n+1 : size] // past the attributes

	if r.timestampDelta, n = varint64(p); n == 0 {
		return 0, errRecordTruncated
	}
	p = p[n:]
	if r.offsetDelta, n = varint32(p); n == 0 {
		return 0, errRecordTruncated
	}
	p = p[n:]
	if r.key, n = bytesField(p); n == 0 {
		return 0, errRecordTruncated
	}
	p = p[n:]
	if r.value, n = bytesField(p); n == 0 {
		return 0, errRecordTruncated
	}
	p = p[n:]
	if len(p) == 1 && p[0] == 0 { // no headers
		r.headerCount, r.headers = 0, nil
		return size, nil
	}
	if err := r.parseHeaders(p); err != nil {
		return 0, err
	}
	return size, nil
}

// parseHeaders checks the headers, which are all that is left of the record.
func (r *rawRecord) parseHeaders(p []byte) error {
	var n int
	if r.headerCount, n = varint32(p); n == 0 {
		return errRecordTruncated
	}
	p = p[n:]
	if r.headerCount < 0 || int(r.headerCount) > len(p)/2 { // a header takes two bytes at least
		return errHeaderCount
	}
	r.headers = p
	for range r.headerCount {
		key, n := bytesField(p)
		if n == 0 {
			return errRecordTruncated
		}
		if key == nil {
			return errHeaderKey
		}
		p = p[n:]
		if _, n = bytesField(p); n == 0 {
			return errRecordTruncated
		}
		p = p[n:]
	}
	if len(p) != 0 {
		return errRecordLength
	}
	return nil
}

// bytesField reads a length and that many bytes, nil for the length -1, and
// returns the bytes taken in all, 0 if p does not begin with such a field.
func bytesField(p []byte) (field []byte, n int) {
	length, n := varint32(p)
	if n == 0 || length < -1 || int(length) > len(p)-n {
		return nil, 0
	}
	if length == -1 {
		return nil, n
	}
	end := n + int(length)
	return p[n:end:end], end
}

// appendRecord appends one record to dst.
func appendRecord(dst []byte, offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader) []byte {
	length := 1 + varintLen(timestampDelta) + varintLen(int64(offsetDelta)) +
		bytesFieldLen(key) + bytesFieldLen(value) + varintLen(int64(len(headers)))
	for _, h := range headers {
		length += varintLen(int64(len(h.Key))) + len(h.Key) + bytesFieldLen(h.Value)
	}
	dst = binary.AppendVarint(dst, int64(length))
	dst = append(dst, 0) // attributes
	dst = binary.AppendVarint(dst, timestampDelta)
	dst = binary.AppendVarint(dst, int64(offsetDelta))
	dst = appendBytesField(dst, key)
	dst = appendBytesField(dst, value)
	dst = binary.AppendVarint(dst, int64(len(headers)))
	for _, h := range headers {
		dst = binary.AppendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendBytesField(dst, h.Value)
	}
	return dst
}

func bytesFieldLen(p []byte) int {
	if p == nil {
		return varintLen(-1)
	}
	return varintLen(int64(len(p))) + len(p)
}

func appendBytesField(dst, p []byte) []byte {
	if p == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(p))), p...)
}
