package objfmt

import (
	"cmp"
	"encoding/binary"
	"sort"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

// Index says where each block of an object lies. It is not changed once made
// and may be shared.
type Index struct {
	entries []Entry // in the order of compareEntries
}

// ParseIndex reads the index that f describes. p is not kept.
func ParseIndex(f Footer, p []byte) (Index, error) {
	if len(p) != f.IndexSize {
		return Index{}, corrupt("%d bytes of an index of %d", len(p), f.IndexSize)
	}
	if sum := crc.Of(p); sum != f.IndexCRC32C {
		return Index{}, corrupt("index CRC %08x, computed %08x", f.IndexCRC32C, sum)
	}
	entries := make([]Entry, len(p)/EntrySize)
	for i := range entries {
		e, err := parseEntry(p[i*EntrySize:])
		if err == nil {
			err = e.check(f.IndexPosition)
		}
		if err != nil {
			return Index{}, err
		}
		entries[i] = e
	}
	return Index{entries: entries}, checkOrder(f.Kind, entries)
}

func parseEntry(p []byte) (Entry, error) {
	if r := binary.BigEndian.Uint16(p[54:]); r != 0 {
		return Entry{}, corrupt("reserved %04x in an index entry", r)
	}
	return Entry{
		Stream:     ids.StreamID(binary.BigEndian.Uint64(p)),
		Epoch:      ids.StreamEpoch(binary.BigEndian.Uint64(p[8:])),
		Start:      int64(binary.BigEndian.Uint64(p[16:])),
		End:        int64(binary.BigEndian.Uint64(p[24:])),
		Position:   int64(binary.BigEndian.Uint64(p[32:])),
		Size:       int(binary.BigEndian.Uint32(p[40:])),
		CRC32C:     binary.BigEndian.Uint32(p[44:]),
		Batches:    binary.BigEndian.Uint32(p[48:]),
		Kind:       BlockKind(p[52]),
		Attachment: p[53],
	}, nil
}

func (e *Entry) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Stream))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Epoch))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Start))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.End))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Position))
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.Size))
	dst = binary.BigEndian.AppendUint32(dst, e.CRC32C)
	dst = binary.BigEndian.AppendUint32(dst, e.Batches)
	return append(dst, byte(e.Kind), e.Attachment, 0, 0)
}

// compareEntries is the order of the index.
func compareEntries(a, b Entry) int {
	class := func(e *Entry) int {
		if e.isAttachment() {
			return 1 + int(e.Attachment)
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(class(&a), class(&b)), cmp.Compare(a.Start, b.Start))
}

// checkOrder says what is wrong with the entries taken together.
func checkOrder(kind ObjectKind, entries []Entry) error {
	for i := 1; i < len(entries); i++ {
		prev, e := &entries[i-1], &entries[i]
		if kind == StreamObject && e.Stream != prev.Stream {
			return corrupt("streams %v and %v in a stream object", prev.Stream, e.Stream)
		}
		if compareEntries(*prev, *e) >= 0 {
			return corrupt("the index is not sorted at entry %d", i)
		}
		if follows(prev, e) && (e.Start < prev.End || e.Epoch < prev.Epoch) {
			return corrupt("stream %v: block [%d, %d) of epoch %v after [%d, %d) of epoch %v",
				e.Stream, e.Start, e.End, e.Epoch, prev.Start, prev.End, prev.Epoch)
		}
	}
	return nil
}

// follows says whether e continues the run of blocks that prev stands in: the
// records of a stream, or its attachments of one kind.
func follows(prev, e *Entry) bool {
	return prev.Stream == e.Stream && prev.isAttachment() == e.isAttachment() && prev.Attachment == e.Attachment
}

// Entries are all blocks, sorted by stream, records before attachments, then
// offset. The slice is the Index's own.
func (x Index) Entries() []Entry { return x.entries }

// Bytes is about how much memory the Index takes.
func (x Index) Bytes() int { return 64 * len(x.entries) }

// Find gives the stream's data and reference blocks from offset on: the first
// of them holds offset, or, where offset is in a gap, begins after it. It is
// empty when the object has nothing of the stream from offset on. The slice is
// the Index's own.
func (x Index) Find(stream ids.StreamID, offset int64) []Entry {
	from := sort.Search(len(x.entries), func(i int) bool {
		e := &x.entries[i]
		return e.Stream > stream || e.Stream == stream && (e.isAttachment() || e.End > offset)
	})
	rest := x.entries[from:]
	return rest[:sort.Search(len(rest), func(i int) bool {
		return rest[i].Stream > stream || rest[i].isAttachment()
	})]
}

// Attachments gives the stream's attachment blocks, by kind, then offset. The
// slice is the Index's own.
func (x Index) Attachments(stream ids.StreamID) []Entry {
	from := sort.Search(len(x.entries), func(i int) bool {
		e := &x.entries[i]
		return e.Stream > stream || e.Stream == stream && e.isAttachment()
	})
	rest := x.entries[from:]
	return rest[:sort.Search(len(rest), func(i int) bool { return rest[i].Stream > stream })]
}

// CheckBlock compares the block's bytes with its entry.
func (e *Entry) CheckBlock(p []byte) error {
	if len(p) != e.Size {
		return corrupt("%d bytes of a block of %d", len(p), e.Size)
	}
	if sum := crc.Of(p); sum != e.CRC32C {
		return corrupt("stream %v: block [%d, %d) at %d has CRC %08x, computed %08x",
			e.Stream, e.Start, e.End, e.Position, e.CRC32C, sum)
	}
	return nil
}
