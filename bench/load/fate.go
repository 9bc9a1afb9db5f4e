package load

// fate is what one producer was told of its records.
type fate struct {
	sent   uint64 // sequence numbers below
	failed bits   // not acknowledged
	first  error  // why one failed
}

// fail notes that a record was not acknowledged.
func (f *fate) fail(seq uint64, why error) {
	if f.first == nil {
		f.first = why
	}
	f.failed.set(seq)
}

// bits is a set of sequence numbers, a bit for each below the highest.
type bits struct {
	words []uint64
	n     int64
}

func (b *bits) set(seq uint64) {
	for uint64(len(b.words)) <= seq/64 {
		b.words = append(b.words, 0)
	}
	if !b.has(seq) {
		b.words[seq/64] |= 1 << (seq % 64)
		b.n++
	}
}

func (b *bits) has(seq uint64) bool {
	return seq/64 < uint64(len(b.words)) && b.words[seq/64]&(1<<(seq%64)) != 0
}
