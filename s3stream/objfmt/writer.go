package objfmt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
)

// Block is a block to be written.
type Block struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch
	Start, End int64    // stream offsets, End exclusive
	Data       [][]byte // not copied: must stay unchanged until it is uploaded
	CRC32C     uint32   // of Data, one after another
	Batches    uint32
	Kind       BlockKind
	Attachment uint8 // the summarizer's kind, in an AttachmentBlock
}

// Segment is a part of an object, ready to be sent: objstore.Body has the same
// fields.
type Segment struct {
	Parts  [][]byte
	Size   int64
	CRC32C uint32
}

// append adds p, whose checksum is known.
func (s *Segment) append(p [][]byte, size int, sum uint32) {
	s.Parts = append(s.Parts, p...)
	s.Size += int64(size)
	s.CRC32C = crc.Combine(s.CRC32C, sum, size)
}

// Writer lays out one object. Record bytes are neither copied nor read: their
// checksums come with them, and all others are combined from these.
//
// Blocks are appended, Take gives what has gathered whenever a caller wants to
// send it, Finish adds index and footer. A caller that never takes before
// Finish gets the whole object at once.
type Writer struct {
	object  ids.ObjectID
	kind    ObjectKind
	entries []Entry
	pending Segment // appended and not taken
	last    Segment // the end of pending that was appended last
	before  uint32  // checksum of what pending has before last
	size    int64   // of the object so far
	sum     uint32  // of the object so far
	done    bool
}

// NewWriter begins an object of kind StreamObject or StreamSetObject.
func NewWriter(object ids.ObjectID, kind ObjectKind) *Writer {
	return &Writer{object: object, kind: kind}
}

// AppendBlock adds a block behind all others and returns its position. Streams
// come in the order of their ids, a stream's blocks in the order of their
// offsets. After an error the object is as before.
func (w *Writer) AppendBlock(b Block) (position int64, err error) {
	if w.done {
		return 0, errors.New("objfmt: block after Finish")
	}
	size := 0
	for _, p := range b.Data {
		size += len(p)
	}
	e := Entry{
		Stream: b.Stream, Epoch: b.Epoch, Start: b.Start, End: b.End, Position: w.size, Size: size,
		CRC32C: b.CRC32C, Batches: b.Batches, Kind: b.Kind, Attachment: b.Attachment,
	}
	if err := e.check(w.size + int64(size)); err != nil {
		return 0, err
	}
	if err := w.checkNext(&e); err != nil {
		return 0, err
	}
	w.entries = append(w.entries, e)
	w.append(b.Data, size, b.CRC32C)
	return e.Position, nil
}

// checkNext looks back to the block that e has to follow, which at most its
// stream's attachments or records stand before.
func (w *Writer) checkNext(e *Entry) error {
	if (len(w.entries)+1)*EntrySize > IndexBytesMax {
		return fmt.Errorf("objfmt: more than %d blocks in an object", len(w.entries))
	}
	for _, prev := range slices.Backward(w.entries) {
		switch {
		case prev.Stream > e.Stream || prev.Stream < e.Stream && w.kind == StreamObject:
			return fmt.Errorf("objfmt: stream %v after %v in a %v object", e.Stream, prev.Stream, w.kind)
		case prev.Stream < e.Stream:
			return nil
		case follows(&prev, e):
			return checkOrder(w.kind, []Entry{prev, *e})
		}
	}
	return nil
}

func (w *Writer) append(p [][]byte, size int, sum uint32) {
	w.before = w.pending.CRC32C
	w.last = Segment{Parts: p, Size: int64(size), CRC32C: sum}
	w.pending.append(p, size, sum)
	w.size += int64(size)
	w.sum = crc.Combine(w.sum, sum, size)
}

// Pending is how many bytes Take would give.
func (w *Writer) Pending() int64 { return w.pending.Size }

// Take gives the bytes appended since the last Take.
func (w *Writer) Take() Segment {
	s := w.pending
	w.pending, w.last, w.before = Segment{}, Segment{}, 0
	return s
}

// TakeFirst gives the first n of the pending bytes. The cut lies in what was
// appended last, or at its beginning; only the bytes up to it are read for
// their checksum.
func (w *Writer) TakeFirst(n int64) Segment {
	older := len(w.pending.Parts) - len(w.last.Parts)
	head := int(n - (w.pending.Size - w.last.Size)) // bytes of last before the cut
	invariant.Check(head >= 0 && n <= w.pending.Size, "objfmt: cut at %d of %d bytes, the last %d of them new", n, w.pending.Size, w.last.Size)
	first, rest := Segment{Parts: w.pending.Parts[:older:older], Size: n}, Segment{Size: w.pending.Size - n}
	sum := uint32(0) // of the head
	left := head
	for _, p := range w.last.Parts {
		k := min(left, len(p))
		left -= k
		if k > 0 {
			first.Parts = append(first.Parts, p[:k])
			sum = crc.Update(sum, p[:k])
		}
		if k < len(p) {
			rest.Parts = append(rest.Parts, p[k:])
		}
	}
	first.CRC32C = crc.Combine(w.before, sum, head)
	rest.CRC32C = crc.Combine(sum, w.last.CRC32C, int(rest.Size)) // which takes the head's share out
	w.pending, w.last, w.before = rest, rest, 0
	return first
}

// Finish adds the index and the footer and returns the index, as a reader will
// find it. An object without blocks is an error.
func (w *Writer) Finish() (Index, error) {
	if w.done || len(w.entries) == 0 {
		return Index{}, errors.New("objfmt: Finish of an object that is empty or finished")
	}
	slices.SortFunc(w.entries, compareEntries)
	index := make([]byte, 0, len(w.entries)*EntrySize+FooterSize)
	for i := range w.entries {
		index = w.entries[i].append(index)
	}
	f := Footer{
		Object: w.object, Kind: w.kind,
		IndexPosition: w.size, IndexSize: len(index), IndexCRC32C: crc.Of(index),
	}
	if err := f.check(nil, w.size+int64(len(index))+FooterSize); err != nil {
		return Index{}, err
	}
	w.done = true
	tail := f.append(index)
	w.append([][]byte{tail}, len(tail), crc.Of(tail))
	return Index{entries: w.entries}, nil
}

// Size is how large the object is so far, in bytes.
func (w *Writer) Size() int64 { return w.size }

// CRC32C is the checksum of the object so far.
func (w *Writer) CRC32C() uint32 { return w.sum }
