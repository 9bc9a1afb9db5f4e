package objfmt

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// Sizes, in bytes.
const (
	// BlockBytesTarget is the usual size of a data block: what one ranged read
	// fetches at least.
	BlockBytesTarget = 512 << 10
	// BlockBytesMax bounds any block, so that a reader may allocate what an
	// index asks for.
	BlockBytesMax = 256 << 20
	// IndexBytesMax bounds an index: some 1.2 million blocks.
	IndexBytesMax = 64 << 20
	// TailBytes is what a reader fetches first of an object's end: footer and,
	// in all but the largest objects, the whole index.
	TailBytes = 64 << 10
	// EntrySize is the size of an index entry.
	EntrySize = 56
	// FooterSize is the size of the footer.
	FooterSize = 48
)

// Version is the version of the layout that this package writes, and the
// newest that it reads.
const Version = 1

var (
	// ErrCorrupt says that bytes are not what a Writer could have written.
	ErrCorrupt = errors.New("object is corrupt")
	// ErrNewer says that a newer version of Seawall wrote the object.
	ErrNewer = errors.New("object was written by a newer version")
	// ErrUnsupported says that the object is of a kind that is reserved.
	ErrUnsupported = errors.New("objects of this kind cannot be read yet")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("objfmt: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// ObjectKind says what an object holds.
type ObjectKind uint8

// The kinds of objects.
const (
	StreamObject    ObjectKind = 1 // blocks of one stream
	StreamSetObject ObjectKind = 2 // blocks of many streams
	ZoneObject      ObjectKind = 3 // reserved: produced in a zone, to be adopted
	CompositeObject ObjectKind = 4 // reserved: links to other objects
)

var objectKindNames = map[ObjectKind]string{
	StreamObject: "stream", StreamSetObject: "stream-set", ZoneObject: "zone", CompositeObject: "composite",
}

// String names the kind.
func (k ObjectKind) String() string {
	if name, ok := objectKindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// BlockKind says what a block holds.
type BlockKind uint8

// The kinds of blocks.
const (
	DataBlock       BlockKind = 1 // record batches
	ReferenceBlock  BlockKind = 2 // references to slices of zone objects
	AttachmentBlock BlockKind = 3 // a summarizer's note
)

// String names the kind.
func (k BlockKind) String() string {
	switch k {
	case DataBlock:
		return "data"
	case ReferenceBlock:
		return "reference"
	case AttachmentBlock:
		return "attachment"
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Entry describes one block: it is a line of the index.
type Entry struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch
	Start, End int64 // stream offsets, End exclusive
	Position   int64 // in the object
	Size       int   // bytes
	CRC32C     uint32
	Batches    uint32
	Kind       BlockKind
	Attachment uint8 // the summarizer's kind, in an AttachmentBlock
}

// check says what no entry of an object with blocks up to blocksEnd can be.
func (e *Entry) check(blocksEnd int64) error {
	switch {
	case e.Kind < DataBlock || e.Kind > AttachmentBlock:
		return corrupt("block of unknown %v", e.Kind)
	case e.Stream == 0:
		return corrupt("block of stream 0")
	case e.Start < 0 || e.End <= e.Start:
		return corrupt("block of offsets [%d, %d)", e.Start, e.End)
	case e.Size < 1 || e.Size > BlockBytesMax:
		return corrupt("block of %d bytes", e.Size)
	case e.Position < 0 || e.Position > blocksEnd-int64(e.Size):
		return corrupt("block of %d bytes at %d, the blocks end at %d", e.Size, e.Position, blocksEnd)
	case (e.Kind == AttachmentBlock) != (e.Batches == 0):
		return corrupt("%v block of %d batches", e.Kind, e.Batches)
	case e.Kind != AttachmentBlock && e.Attachment != 0:
		return corrupt("%v block with attachment kind %d", e.Kind, e.Attachment)
	}
	return nil
}

// isAttachment is the second key of the index's order.
func (e *Entry) isAttachment() bool { return e.Kind == AttachmentBlock }
