package batch

// FindTimestamp returns offset and timestamp of the first record, in the batch
// that b begins with, whose timestamp is at least tsMillis; found is false if
// there is none. scratch and maxBytes are as in [OpenRecords], and so are the
// errors. A batch with LogAppendTime is not decompressed.
func FindTimestamp(b []byte, tsMillis int64, scratch *[]byte, maxBytes int) (offset, timestamp int64, found bool, err error) {
	h, err := ParseHeader(b)
	if err != nil {
		return 0, 0, false, err
	}
	if h.MaxTimestamp < tsMillis || h.NumRecords <= 0 {
		return 0, 0, false, nil
	}
	if h.TimestampType() == LogAppendTime {
		return h.BaseOffset, h.MaxTimestamp, true, nil
	}
	records, err := OpenRecords(b, scratch, maxBytes)
	if err != nil {
		return 0, 0, false, err
	}
	for records.Next() {
		if r := records.Record(); r.Timestamp >= tsMillis {
			return r.Offset, r.Timestamp, true, nil
		}
	}
	return 0, 0, false, records.Err()
}

// FindMaxTimestamp returns offset and timestamp of the first record, in the
// batch that b begins with, that has the batch's largest timestamp; found is
// false if no record has it. scratch, maxBytes and errors are as in
// [FindTimestamp].
func FindMaxTimestamp(b []byte, scratch *[]byte, maxBytes int) (offset, timestamp int64, found bool, err error) {
	h, err := ParseHeader(b)
	if err != nil {
		return 0, 0, false, err
	}
	return FindTimestamp(b, h.MaxTimestamp, scratch, maxBytes)
}
