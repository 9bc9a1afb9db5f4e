package batch

// Tail says what an [Iter] makes of bytes that end inside a batch.
type Tail uint8

const (
	// TailStrict takes a partial last batch for an error, ErrTruncated: what
	// a producer sends must be whole.
	TailStrict Tail = iota
	// TailPartial ends before a partial last batch: what was read by the
	// byte, not by the batch, may end anywhere.
	TailPartial
)

// Iter walks over batches that follow one another in a byte slice:
//
//	it := batch.NewIter(b, batch.TailStrict)
//	for it.Next() {
//		use(it.Header(), it.Batch())
//	}
//	if err := it.Err(); err != nil { … }
//
// It checks bounds and nothing else; see [Validate] and [CheckCRC].
type Iter struct {
	rest   []byte
	batch  []byte
	header Header
	err    error
	tail   Tail
}

// NewIter returns an Iter before the first batch of b.
func NewIter(b []byte, tail Tail) Iter { return Iter{rest: b, tail: tail} }

// Next advances to the next batch and reports whether there is one. It does
// not allocate unless there is an error.
func (it *Iter) Next() bool {
	it.batch = nil
	if len(it.rest) == 0 || it.err != nil {
		return false
	}
	var err error
	it.header, err = ParseHeader(it.rest)
	if err == nil && it.header.Size() > len(it.rest) {
		err = ErrTruncated
	}
	if err != nil {
		if err != ErrTruncated || it.tail == TailStrict {
			it.err = err
		}
		return false
	}
	size := it.header.Size()
	it.batch, it.rest = it.rest[:size:size], it.rest[size:]
	return true
}

// Header returns the header of the current batch; it is overwritten by Next.
func (it *Iter) Header() *Header { return &it.header }

// Batch returns the bytes of the current batch, header included. They alias
// the slice that is iterated over.
func (it *Iter) Batch() []byte { return it.batch }

// Rest returns the bytes after the current batch: at the end, the partial
// batch, if any.
func (it *Iter) Rest() []byte { return it.rest }

// Err returns what ended the iteration early: ErrTruncated,
// ErrUnsupportedFormat or ErrCorrupt.
func (it *Iter) Err() error { return it.err }
