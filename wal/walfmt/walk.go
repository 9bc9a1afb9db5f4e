package walfmt

// walkBlock divides every block size: flushes begin at its multiples.
const walkBlock = 512

// Walker finds records in a stretch of the log that begins at a record, not at
// a flush: over the ends of flushes, their padding and the next headers. It
// trusts the bytes no further than to step from one record to the next; the
// reader verifies those it wants and knows which must be there.
type Walker struct {
	position int64
	rest     []byte
}

// WalkLog starts at the record that stands at position, the start of b.
func WalkLog(position int64, b []byte) Walker { return Walker{position: position, rest: b} }

// Next returns the next record, or false when there is none, whole, in what is
// left.
func (w *Walker) Next() (Record, bool) {
	for len(w.rest) >= RecordHeaderBytes {
		if w.position%walkBlock == 0 {
			if _, err := DecodeFlushHeader(w.rest); err == nil {
				w.skip(FlushHeaderBytes)
				continue
			}
		}
		if w.rest[0] == 0 { // padding, up to a block boundary
			w.skip(int(Padded(w.position+1, walkBlock) - w.position))
			continue
		}
		r, err := DecodeRecord(w.position, w.rest)
		if err != nil {
			return Record{}, false
		}
		w.skip(int(r.End() - w.position))
		return r, true
	}
	return Record{}, false
}

// Position is where the walk stands: at a record that is not whole in what was
// given, or at the end.
func (w *Walker) Position() int64 { return w.position }

func (w *Walker) skip(n int) {
	n = min(n, len(w.rest))
	w.rest = w.rest[n:]
	w.position += int64(n)
}
