package batch

// Records walks over the records of one batch:
//
//	rs, err := batch.OpenRecords(b, &scratch, limit)
//	…
//	for rs.Next() {
//		use(rs.Record())
//	}
//	if err := rs.Err(); err != nil { … }
//
// It takes batches as logs hold them: compaction may have left gaps in the
// offsets. It checks bounds but not the CRC.
type Records struct {
	header Header
	rest   []byte
	left   int32
	raw    rawRecord
	record Record
	err    error
}

// OpenRecords returns a Records before the first record of the batch that b
// begins with. A compressed batch is decompressed into *scratch, which is
// replaced where it is too small; its records are valid until scratch is used
// again. A nil scratch means new memory. maxBytes bounds what is decompressed; 0
// means DefaultDecompressedBytesMax. The errors are those of [ParseHeader] and
// [Decompress].
func OpenRecords(b []byte, scratch *[]byte, maxBytes int) (Records, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return Records{}, err
	}
	if h.Size() > len(b) {
		return Records{}, ErrTruncated
	}
	records := b[HeaderSize:h.Size()]
	if h.Codec() != CodecNone {
		if scratch == nil {
			scratch = new([]byte)
		}
		if maxBytes == 0 {
			maxBytes = DefaultDecompressedBytesMax
		}
		if records, err = Decompress(*scratch, records, h.Codec(), maxBytes); err != nil {
			return Records{}, err
		}
		*scratch = records
	}
	return Records{header: h, rest: records, left: h.NumRecords}, nil
}

// Header returns the batch's header.
func (r *Records) Header() *Header { return &r.header }

// Next advances to the next record and reports whether there is one. It does
// not allocate.
func (r *Records) Next() bool {
	if r.left <= 0 || r.err != nil {
		if r.err == nil && len(r.rest) != 0 {
			r.err = errRecordCount
		}
		return false
	}
	n, err := r.raw.parse(r.rest)
	if err != nil {
		r.err = err
		return false
	}
	r.rest = r.rest[n:]
	r.left--
	r.record = Record{
		Offset:     r.header.BaseOffset + int64(r.raw.offsetDelta),
		Timestamp:  r.timestamp(),
		Key:        r.raw.key,
		Value:      r.raw.value,
		NumHeaders: int(r.raw.headerCount),
		headers:    r.raw.headers,
	}
	return true
}

// timestamp returns the timestamp of the record just parsed.
func (r *Records) timestamp() int64 {
	if r.header.TimestampType() == LogAppendTime {
		return r.header.MaxTimestamp
	}
	return r.header.BaseTimestamp + r.raw.timestampDelta
}

// Record returns the current record; Next overwrites it.
func (r *Records) Record() *Record { return &r.record }

// Err returns what ended the walk early; it matches ErrInvalidRecord.
func (r *Records) Err() error { return r.err }
