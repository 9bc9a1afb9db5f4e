package kraftmeta

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Handle answers a message that a [Remote] sent from another node; it returns
// the response's bytes, which also tell of errors. It waits as long as a Fetch
// asks for.
func (c *Controller) Handle(ctx context.Context, kind Message, request []byte) []byte {
	switch kind {
	case SubmitMessage:
		return c.handleSubmit(ctx, request)
	case FetchMessage:
		return c.handleFetch(ctx, request)
	}
	r := reply{status: statusFailed, text: "unknown message"}
	return encodeMessage(kind, r.fields)
}

func (c *Controller) handleSubmit(ctx context.Context, request []byte) []byte {
	var r submitReply
	req, err := image.DecodeRequest(request)
	if err != nil {
		r.reply = reply{status: statusFailed, text: err.Error()}
		return encodeMessage(SubmitMessage, r.fields)
	}
	answer, err := c.Submit(ctx, req)
	if r.reply = replyTo(err); err == nil {
		r.answer = image.AppendAnswer(nil, answer)
	}
	return encodeMessage(SubmitMessage, r.fields)
}

func replyTo(err error) reply {
	var elsewhere *NotControllerError
	switch {
	case err == nil:
		return reply{}
	case errors.As(err, &elsewhere):
		return reply{status: statusNotController, hint: elsewhere.Hint}
	case errors.Is(err, ErrForeignDir):
		return reply{status: statusFailed, text: err.Error()}
	}
	return reply{status: statusUnknown, text: err.Error()}
}

func (c *Controller) handleFetch(ctx context.Context, request []byte) []byte {
	var m fetchMessage
	if err := decodeMessage(FetchMessage, "fetch request", request, m.fields); err != nil {
		r := fetchReply{reply: reply{status: statusFailed, text: err.Error()}}
		return encodeMessage(FetchMessage, r.fields)
	}
	r, err := c.fetchFor(ctx, &m)
	if err != nil {
		r = &fetchReply{reply: replyTo(err)}
	}
	return encodeMessage(FetchMessage, r.fields)
}

func (c *Controller) fetchFor(ctx context.Context, m *fetchMessage) (*fetchReply, error) {
	if piece, total := c.snapshots.piece(m.snapshot, m.offset, m.MaxBytes); piece != nil {
		return &fetchReply{snapshot: m.snapshot, total: total, offset: m.offset, piece: piece}, nil
	}
	resp, err := c.Fetch(ctx, m.FetchRequest)
	if err != nil {
		return nil, err
	}
	r := &fetchReply{index: resp.Index, floor: resp.LivingFloor, deltas: resp.Deltas}
	if s := resp.Snapshot; s != nil {
		if err := c.snapshots.put(s); err != nil {
			return nil, err
		}
		r.snapshot = s.Index()
		r.piece, r.total = c.snapshots.piece(r.snapshot, 0, m.MaxBytes)
	}
	return r, nil
}

// outgoing holds the one encoded snapshot that is being sent in pieces. Those
// that ask for another one begin again.
type outgoing struct {
	mu    sync.Mutex
	index uint64
	bytes []byte
}

func (s *outgoing) put(img *image.Image) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == img.Index() && s.bytes != nil {
		return nil
	}
	var b bytes.Buffer
	if err := img.WriteSnapshot(&b); err != nil {
		return err
	}
	s.index, s.bytes = img.Index(), b.Bytes()
	return nil
}

// piece is the next part of the snapshot with this index, nil if that is not
// the one held or if nothing is left. With the last piece the snapshot is let
// go: another observer that begins now gets a newer one.
func (s *outgoing) piece(index, offset uint64, maxBytes int) (piece []byte, total uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	total = uint64(len(s.bytes))
	if index == 0 || index != s.index || offset >= total {
		return nil, 0
	}
	end := min(offset+uint64(max(maxBytes, 4096)), total)
	piece = s.bytes[offset:end]
	if end == total {
		s.index, s.bytes = 0, nil
	}
	return piece, total
}
