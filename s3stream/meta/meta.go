package meta

import (
	"errors"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
)

// Reasons for which metadata refuses a command about a stream. Adapters return
// them, wrapped or not.
var (
	// ErrUnknownStream: there is no such stream (any more).
	ErrUnknownStream = errors.New("unknown stream")
	// ErrFenced: another leader has opened the stream, or this node's epoch was
	// raised by a rescuer.
	ErrFenced = errors.New("fenced")
	// ErrStillOpen: the stream is held by a leader that has not closed it and
	// whose WAL has not been rescued.
	ErrStillOpen = errors.New("stream is open elsewhere")
	// ErrNotPrepared: an object to be committed is not prepared (any more). The
	// whole command is refused.
	ErrNotPrepared = errors.New("object is not prepared")
)

// OpenStream asks to open a stream for appending under the next epoch.
type OpenStream struct {
	Stream ids.StreamID
	// ExpectedEpoch is the stream's epoch before the open; another one refuses
	// it, so that two openers never both win.
	ExpectedEpoch ids.StreamEpoch
}

// OpenedStream is the answer to one OpenStream.
type OpenedStream struct {
	Stream       ids.StreamID
	Epoch        ids.StreamEpoch // the new epoch
	Start        int64           // first offset that may be read
	CommittedEnd int64           // below it everything is in objects
	End          int64           // where appending goes on: the end of the last tail
	Err          error           // nil, or why this stream was not opened
}

// CloseStream ends a stream's open tail: appends under Epoch stop at End.
type CloseStream struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	End    int64
}

// Tail is a part of a stream that is acknowledged in a WAL and not yet all in
// committed objects.
type Tail struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	WAL    ids.WALInstance
	Start  int64
	End    int64 // OpenEnd while the tail is being appended to
	// CommittedEnd is the stream's, so that a rescuer knows what it may skip.
	CommittedEnd int64
}

// HeldTail is a closed tail that is not in objects yet, and who serves it.
type HeldTail struct {
	Epoch      ids.StreamEpoch // that wrote it
	Start, End int64
	// Holder is the node that has the tail's WAL; NoNode while that waits for
	// its rescue.
	Holder ids.NodeID
}

// NoNode is no node.
const NoNode ids.NodeID = -1

// OpenEnd is the End of a tail that is not closed.
const OpenEnd = -1

// TailEnd is a rescuer's finding: where the stream's tail in the WAL ends.
type TailEnd struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	End    int64
}

// ObjectKind says how many streams an object holds.
type ObjectKind uint8

// The kinds of objects.
const (
	StreamObject    ObjectKind = 1 // one stream
	StreamSetObject ObjectKind = 2 // several streams
)

// Object is an uploaded object to be committed.
type Object struct {
	ID     ids.ObjectID
	Key    string // in the store
	Kind   ObjectKind
	Size   int64  // bytes
	CRC    uint32 // CRC32C of the whole object
	Slices []Slice
}

// Slice is a contiguous part of one stream in an object, written under one
// stream epoch.
type Slice struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch
	Start, End int64
	Bytes      int64 // of batches, for retention by size
}

// Upload commits what a sealed generation of a WAL was turned into, and the WAL
// position below which nothing is needed any more.
type Upload struct {
	WAL     ids.WALInstance
	Trim    int64
	Objects []Object
}

// Refusal names a slice that metadata did not take.
type Refusal struct {
	Object ids.ObjectID
	Slice  Slice
	Reason string
	// Dead: nobody needs the bytes. Another holds them, the stream is gone, or
	// they never were part of it; the trim advances all the same. Otherwise the
	// trim stays where it was and the slice is to be uploaded again later: an
	// earlier tail of the stream, in another WAL, has to be committed first.
	Dead bool
}

// ObjectRange is a part of a stream in a committed object, as the index
// answers it; or a part that was lost, and is in none.
type ObjectRange struct {
	Object     ids.ObjectID // 0 of a lost part
	Key        string
	Size       int64 // of the object, bytes
	Start, End int64 // of the stream in this object
}

// IsLost says that no object holds the part.
func (r ObjectRange) IsLost() bool { return r.Object == 0 }

// PreparedObject is an object id that was handed out and not committed.
type PreparedObject struct {
	ID ids.ObjectID
	// Abandoned: it was prepared under a node epoch that is over, so nobody can
	// still commit it.
	Abandoned bool
	Since     time.Time
}

// RemovedObject is an object that metadata no longer refers to.
type RemovedObject struct {
	ID  ids.ObjectID
	Key string // empty if it was never committed
	// Deletable: every living broker's feed has passed the removal, and the
	// retention of deleted objects is over.
	Deletable bool
}

// SummaryAttachment is the kind of attachment that summaries of parts of
// streams are stored as.
const SummaryAttachment = 1
