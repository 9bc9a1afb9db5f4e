package kraftmeta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// RoundTripper carries messages to controllers.
type RoundTripper interface {
	// RoundTrip sends request to a controller and returns what its
	// [Controller.Handle] returned. to is the controller wanted; -1 leaves the
	// choice, which should not be the same each time.
	RoundTrip(ctx context.Context, to ids.NodeID, kind Message, request []byte) ([]byte, error)
}

// maxSnapshotBytes bounds the snapshot that an observer takes in.
const maxSnapshotBytes = 4 << 30

// Remote is the active controller as seen from another node: a [Submitter]
// and, for one observer, a [Source].
type Remote struct {
	over   RoundTripper
	active atomic.Int32 // the controller that answered last or was named

	mu       sync.Mutex // held over a Fetch: it serves one observer
	snapshot incoming
}

// incoming is a snapshot of which pieces are here.
type incoming struct {
	index uint64
	bytes []byte
}

// NewRemote returns a Remote that finds the active controller by itself.
func NewRemote(over RoundTripper) *Remote {
	r := &Remote{over: over}
	r.active.Store(int32(noNode))
	return r
}

// Submit implements [Submitter].
func (r *Remote) Submit(ctx context.Context, req *image.Request) (*image.Answer, error) {
	var re submitReply
	response, err := r.roundTrip(ctx, SubmitMessage, image.AppendRequest(nil, req))
	if err == nil {
		err = decodeMessage(SubmitMessage, "submit response", response, re.fields)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	if err := r.heed(re.reply); err != nil {
		return nil, err
	}
	answer, err := image.DecodeAnswer(re.answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return answer, nil
}

// Fetch implements [Source], for one observer.
func (r *Remote) Fetch(ctx context.Context, req FetchRequest) (*FetchResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		m := fetchMessage{FetchRequest: req, snapshot: r.snapshot.index, offset: uint64(len(r.snapshot.bytes))}
		var re fetchReply
		response, err := r.roundTrip(ctx, FetchMessage, encodeMessage(FetchMessage, m.fields))
		if err != nil {
			return nil, err
		}
		if err := decodeMessage(FetchMessage, "fetch response", response, re.fields); err != nil {
			return nil, err
		}
		if err := r.heed(re.reply); err != nil {
			r.snapshot = incoming{}
			return nil, err
		}
		if re.snapshot == 0 {
			r.snapshot = incoming{}
			return &FetchResponse{Deltas: re.deltas, Index: re.index, LivingFloor: re.floor}, nil
		}
		img, err := r.snapshot.add(&re)
		if err != nil {
			r.snapshot = incoming{}
			return nil, err
		}
		if img != nil {
			r.snapshot = incoming{}
			return &FetchResponse{Snapshot: img, Index: img.Index()}, nil
		}
	}
}

// add takes a piece in and returns the image once it is whole.
func (s *incoming) add(re *fetchReply) (*image.Image, error) {
	if re.offset == 0 {
		*s = incoming{index: re.snapshot}
	}
	switch {
	case re.snapshot != s.index || re.offset != uint64(len(s.bytes)) || len(re.piece) == 0:
		return nil, fmt.Errorf("metadata snapshot %d: piece at %d does not follow", re.snapshot, re.offset)
	case re.total > maxSnapshotBytes:
		return nil, fmt.Errorf("metadata snapshot %d: %d bytes are more than %d", re.snapshot, re.total, uint64(maxSnapshotBytes))
	}
	s.bytes = append(s.bytes, re.piece...)
	if uint64(len(s.bytes)) < re.total {
		return nil, nil
	}
	return image.ReadSnapshot(bytes.NewReader(s.bytes))
}

func (r *Remote) roundTrip(ctx context.Context, kind Message, request []byte) ([]byte, error) {
	to := ids.NodeID(r.active.Load())
	response, err := r.over.RoundTrip(ctx, to, kind, request)
	if err != nil {
		r.active.CompareAndSwap(int32(to), int32(noNode)) // try another one next time
		return nil, fmt.Errorf("ask metadata controller %d: %w", to, err)
	}
	return response, nil
}

// heed turns a reply into an error, and remembers who the controller is.
func (r *Remote) heed(re reply) error {
	switch re.status {
	case statusOK:
		return nil
	case statusNotController:
		r.active.Store(int32(re.hint))
		return &NotControllerError{Hint: re.hint}
	case statusUnknown:
		return fmt.Errorf("%w: the controller says: %s", ErrUnknownOutcome, re.text)
	}
	return errors.New("metadata: the controller says: " + re.text)
}
