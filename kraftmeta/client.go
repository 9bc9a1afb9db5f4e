package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Submitter takes requests to the active controller: the [Controller] of the
// same process, or a [Remote].
type Submitter interface {
	// Submit returns the answer to a request. After an error the same request
	// may be submitted again, and its command still applies once.
	Submit(ctx context.Context, req *image.Request) (*image.Answer, error)
}

// Client submits the commands of one issuer: it numbers them, submits them
// until they are answered, and then waits for the observer to have seen what
// they changed. It is safe for concurrent use.
type Client struct {
	to       Submitter
	observer *Observer
	issuer   ids.UUID
	clock    clock.Clock

	mu       sync.Mutex
	last     uint64              // the newest sequence given out
	underWay map[uint64]struct{} // sequences without an answer yet
	wake     chan struct{}       // closed when one of them is answered
}

// NewClient returns a client. The issuer is one that nobody used before, by
// convention the incarnation with which the node registers.
func NewClient(to Submitter, observer *Observer, issuer ids.UUID, c clock.Clock) *Client {
	return &Client{
		to: to, observer: observer, issuer: issuer, clock: c,
		underWay: map[uint64]struct{}{}, wake: make(chan struct{}),
	}
}

// Image is the newest image of the client's observer.
func (c *Client) Image() *image.Image { return c.observer.Image() }

// Do submits a command and returns its result, under its own type; see
// [Client.Submit].
func Do[R image.Result](ctx context.Context, c *Client, cmd image.CommandOf[R]) (R, error) {
	var none R
	result, _, err := c.Submit(ctx, cmd)
	if err != nil {
		return none, err
	}
	return result.(R), nil
}

// Submit submits a command and returns its result, and the index where it was
// applied, once the client's observer has seen what it changed.
//
// The error is an *image.Refusal if the command was refused as a whole, or
// wraps ErrUnknownOutcome and ctx's error if ctx ended first: the command may
// then have been applied, and may be yet. To submit it anew is another command:
// one that must not apply twice is given a ctx that ends with the process.
func (c *Client) Submit(ctx context.Context, cmd image.Command) (image.Result, uint64, error) {
	answer, err := c.submit(ctx, cmd)
	if err != nil {
		return nil, 0, err
	}
	if err := c.observer.WaitFor(ctx, answer.Index); err != nil {
		return nil, 0, fmt.Errorf("%s was answered: %w", cmd.CommandKind(), err)
	}
	if answer.Refusal != nil {
		return nil, answer.Index, answer.Refusal
	}
	return answer.Result, answer.Index, nil
}

func (c *Client) submit(ctx context.Context, cmd image.Command) (*image.Answer, error) {
	sequence, err := c.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("submit %s: %w", cmd.CommandKind(), err)
	}
	defer c.end(sequence)
	retry := newBackoff()
	for {
		answer, err := c.to.Submit(ctx, c.request(sequence, cmd))
		if err == nil {
			return answer, nil
		}
		// Unknown or not, the same request again is always right. Only an end
		// for good is not worth one.
		if errors.Is(err, ErrClosed) || ctx.Err() != nil || retry.Wait(ctx, c.clock) != nil {
			return nil, fmt.Errorf("submit %s: %w: %w", cmd.CommandKind(), ErrUnknownOutcome, err)
		}
	}
}

// begin gives out the next sequence, once that is within the window of the
// oldest one under way.
func (c *Client) begin(ctx context.Context) (uint64, error) {
	for {
		c.mu.Lock()
		if next := c.last + 1; next-c.oldest(next) < image.AnswerWindow {
			c.last = next
			c.underWay[next] = struct{}{}
			c.mu.Unlock()
			return next, nil
		}
		wake := c.wake
		c.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// oldest is the least sequence under way, next if there is none.
func (c *Client) oldest(next uint64) uint64 {
	for sequence := range c.underWay {
		next = min(next, sequence)
	}
	return next
}

func (c *Client) request(sequence uint64, cmd image.Command) *image.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &image.Request{
		ID:         image.CommandID{Issuer: c.issuer, Sequence: sequence},
		AckedBelow: c.oldest(sequence),
		Command:    cmd,
	}
}

func (c *Client) end(sequence uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underWay, sequence)
	close(c.wake)
	c.wake = make(chan struct{})
}
