package streammeta

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// Client is the metadata as a node sees it: a kraftmeta.Client.
type Client interface {
	// Image is the newest image.
	Image() *image.Image
	// Submit returns a command's result once the image has what it changed. It
	// submits again by the command's id until the outcome is known (I5).
	Submit(ctx context.Context, cmd image.Command) (image.Result, uint64, error)
}

// Config is what a Meta is made of.
type Config struct {
	Client    Client
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	// LivingFloor is an index that every living node's image has passed.
	LivingFloor func() uint64
	// DeleteRetention is how long a removed object is kept at least.
	DeleteRetention time.Duration
	Clock           clock.Clock
}

// Meta is the metadata in the streams layer's words.
type Meta struct {
	cfg Config

	mu   sync.Mutex
	seen map[ids.ObjectID]time.Time // when a removed object was first seen so
}

var _ s3stream.Meta = (*Meta)(nil)

// New makes a Meta that speaks for one node at one epoch.
func New(cfg Config) *Meta { return &Meta{cfg: cfg, seen: map[ids.ObjectID]time.Time{}} }

// submit submits a command and returns its result under its own type.
func submit[R image.Result](ctx context.Context, m *Meta, cmd image.CommandOf[R]) (R, error) {
	var none R
	result, _, err := m.cfg.Client.Submit(ctx, cmd)
	if err != nil {
		return none, fmt.Errorf("%s: %w", cmd.CommandKind(), translate(err))
	}
	return result.(R), nil
}

// reasons are the refusals that the streams layer tells apart.
var reasons = map[image.Reason]error{
	image.UnknownStream:    meta.ErrUnknownStream,
	image.UnknownPartition: meta.ErrUnknownStream,
	image.StaleStreamEpoch: meta.ErrFenced,
	image.NotLeader:        meta.ErrFenced,
	image.StaleNodeEpoch:   meta.ErrFenced,
	image.NodeIsFenced:     meta.ErrFenced,
	image.NotWALHolder:     meta.ErrFenced,
	image.StreamIsOpen:     meta.ErrStillOpen,
	image.UnknownObject:    meta.ErrNotPrepared,
}

func translate(err error) error {
	var r *image.Refusal
	if errors.As(err, &r) {
		if known := reasons[r.Reason]; known != nil {
			return fmt.Errorf("%w: %w", known, err)
		}
	}
	return err
}

// refused makes an error of the reason for which one part of a command was
// refused, nil if it was not.
func refused(r image.Reason) error {
	if r == image.NotRefused {
		return nil
	}
	return translate(&image.Refusal{Reason: r})
}
