package kraftmeta

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Message names what a node asks of a controller: one private API key each.
type Message uint8

// The messages.
const (
	SubmitMessage Message = 1 // a command; its bytes are image.AppendRequest's
	FetchMessage  Message = 2 // a part of the feed
)

// messageVersion is the version of all messages but the Submit request, which
// has its command's.
const messageVersion = 1

// status is how a controller answers, before what it answers.
type status uint8

const (
	statusOK            status = 0
	statusNotController status = 1
	statusUnknown       status = 2 // ErrUnknownOutcome
	statusFailed        status = 3 // no use to try again with this message
)

// reply is the head of every response, and all of a failed one.
type reply struct {
	status status
	hint   ids.NodeID // with statusNotController
	text   string     // with statusUnknown and statusFailed
}

func (r *reply) fields(c *wire.Coder) {
	wire.Uint(c, &r.status)
	wire.Int(c, &r.hint)
	wire.String(c, &r.text)
}

// submitReply answers a Submit.
type submitReply struct {
	reply
	answer []byte // image.AppendAnswer's
}

func (r *submitReply) fields(c *wire.Coder) {
	r.reply.fields(c)
	c.Blob(&r.answer)
}

// fetchMessage is a FetchRequest on its way. A snapshot comes in pieces: the
// observer asks again with what it has.
type fetchMessage struct {
	FetchRequest
	snapshot uint64 // index of the snapshot that is coming, 0 for none
	offset   uint64 // how much of it is here
}

func (r *fetchMessage) fields(c *wire.Coder) {
	c.UUID(&r.Cluster)
	wire.Int(c, &r.Node)
	c.UUID(&r.Incarnation)
	wire.Uint(c, &r.After)
	wire.Int(c, &r.Voter)
	wire.Uint(c, &r.LogEnd)
	maxBytes, maxWaitMs := int64(r.MaxBytes), r.MaxWait.Milliseconds()
	wire.Int(c, &maxBytes)
	wire.Int(c, &maxWaitMs)
	wire.Uint(c, &r.snapshot)
	wire.Uint(c, &r.offset)
	if c.Decoding() {
		r.MaxBytes = int(min(max(maxBytes, 0), fetchBytesMax))
		r.MaxWait = time.Duration(min(max(maxWaitMs, 0), fetchWaitMaxMs)) * time.Millisecond
	}
}

// What an observer may ask for at most.
const (
	fetchBytesMax  = 16 << 20
	fetchWaitMaxMs = 30_000
)

// fetchReply answers a fetchMessage: with deltas, or with a piece of a
// snapshot.
type fetchReply struct {
	reply
	index    uint64
	floor    uint64
	deltas   []image.Delta
	snapshot uint64 // its index, 0 when there is none
	total    uint64 // its bytes in all
	offset   uint64 // of the piece
	piece    []byte
}

// minDeltaBytes is a delta's frame with an index and no records.
const minDeltaBytes = 8

func (r *fetchReply) fields(c *wire.Coder) {
	r.reply.fields(c)
	wire.Uint(c, &r.index)
	wire.Uint(c, &r.floor)
	wire.List(c, &r.deltas, minDeltaBytes, func(c *wire.Coder, d *image.Delta) {
		c.Nested(func(dst []byte) []byte { return image.AppendDelta(dst, *d) },
			func(src []byte) (rest []byte, err error) {
				*d, rest, err = image.DecodeDelta(src)
				return rest, err
			})
	})
	wire.Uint(c, &r.snapshot)
	wire.Uint(c, &r.total)
	wire.Uint(c, &r.offset)
	c.Blob(&r.piece)
}

// encodeMessage makes one frame of a message's fields.
func encodeMessage(kind Message, fields func(*wire.Coder)) []byte {
	return wire.AppendFrame(nil, uint8(kind), messageVersion, fields)
}

// decodeMessage reads a message that is all of src.
func decodeMessage(kind Message, what string, src []byte, fields func(*wire.Coder)) error {
	f, rest, err := wire.NextFrame(src)
	switch {
	case err != nil:
		return fmt.Errorf("metadata %s: %w", what, err)
	case f.Kind != uint8(kind) || len(rest) > 0:
		return fmt.Errorf("metadata %s: frame of kind %d with %d bytes after it", what, f.Kind, len(rest))
	}
	return f.Decode("metadata "+what, messageVersion, fields)
}
