package crash

import (
	"context"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// controller is the metadata without consensus: the rules alone. It is
// durable: a crash of the node leaves it as it is.
type controller struct {
	img      *image.Image
	issuer   ids.UUID
	sequence uint64
	// after is called after every command that changed something.
	after func(cmd image.Command)
	// before may plant a mistake in front of a command.
	before func(cmd image.Command)
}

// clone is the controller as a node that boots after a crash finds it.
func (c *controller) clone(issuer ids.UUID) *controller {
	return &controller{img: c.img.Fork(), issuer: issuer}
}

// Image implements streammeta.Client.
func (c *controller) Image() *image.Image { return c.img }

// Submit implements streammeta.Client.
func (c *controller) Submit(_ context.Context, cmd image.Command) (image.Result, uint64, error) {
	if c.before != nil {
		c.before(cmd)
	}
	return c.apply(cmd)
}

func (c *controller) apply(cmd image.Command) (image.Result, uint64, error) {
	c.sequence++
	next, _, answer := image.Apply(c.img, c.img.Index()+1, &image.Request{
		ID: image.CommandID{Issuer: c.issuer, Sequence: c.sequence}, AckedBelow: c.sequence, Command: cmd,
	})
	c.img = next
	if answer.Refusal != nil {
		return nil, answer.Index, answer.Refusal
	}
	if c.after != nil {
		c.after(cmd)
	}
	return answer.Result, answer.Index, nil
}
