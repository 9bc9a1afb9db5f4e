package crash

import (
	"context"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// controller is the metadata without consensus: the rules alone. It is
// durable: a crash of the node leaves it as it is.
type controller struct {
	img      atomic.Pointer[image.Image] // read-ahead reads beside commands
	issuer   ids.UUID
	sequence uint64
	// after is called after every command that changed something.
	after func(cmd image.Command)
	// before may plant a mistake in front of a command.
	before func(cmd image.Command)
}

// newController is the metadata of a new cluster.
func newController(issuer ids.UUID) *controller {
	c := &controller{issuer: issuer}
	c.img.Store(image.New())
	return c
}

// clone is the controller as a node that boots after a crash finds it.
func (c *controller) clone(issuer ids.UUID) *controller {
	next := &controller{issuer: issuer}
	next.img.Store(c.Image().Fork())
	return next
}

// Image implements streammeta.Client.
func (c *controller) Image() *image.Image { return c.img.Load() }

// Submit implements streammeta.Client.
func (c *controller) Submit(_ context.Context, cmd image.Command) (image.Result, uint64, error) {
	if c.before != nil {
		c.before(cmd)
	}
	return c.apply(cmd)
}

func (c *controller) apply(cmd image.Command) (image.Result, uint64, error) {
	c.sequence++
	next, _, answer := image.Apply(c.Image(), c.Image().Index()+1, &image.Request{
		ID: image.CommandID{Issuer: c.issuer, Sequence: c.sequence}, AckedBelow: c.sequence, Command: cmd,
	})
	c.img.Store(next)
	if answer.Refusal != nil {
		return nil, answer.Index, answer.Refusal
	}
	if c.after != nil {
		c.after(cmd)
	}
	return answer.Result, answer.Index, nil
}
