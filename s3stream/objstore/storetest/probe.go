package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Capabilities are what Probe found a store to do.
type Capabilities struct {
	PutIfAbsent      bool // Put honours IfNoneMatch
	Multipart        bool // objects can be sent in parts
	CompleteIfAbsent bool // Upload.Complete honours IfNoneMatch
}

// String names what is there and what is not, for a log line.
func (c Capabilities) String() string {
	return fmt.Sprintf("put-if-absent=%t multipart=%t complete-if-absent=%t", c.PutIfAbsent, c.Multipart, c.CompleteIfAbsent)
}

// Probe writes, reads and deletes an object under key, which nothing else may
// use, and finds out what the store does. An error means that the store cannot
// be used at all: not reached, not writable, or not giving back what was put.
// Some servers ignore the conditions they do not know, so that only a test
// tells.
//
// No program probes: uploads write under fresh keys (I4) and rely on no
// condition.
func Probe(ctx context.Context, s objstore.Store, key string) (c Capabilities, err error) {
	want := []byte("seawall probes what this store can do")
	if err := s.Put(ctx, key, objstore.NewBody(want), objstore.PutOptions{}); err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Delete(ctx, key)) }()

	got, err := ReadAll(ctx, s, key)
	if err != nil {
		return c, err
	}
	if string(got) != string(want) {
		return c, fmt.Errorf("probe %q: the store gave back %q for %q", key, got, want)
	}
	if c.PutIfAbsent, err = refusesSecond(s.Put(ctx, key, objstore.NewBody(want), objstore.PutOptions{IfNoneMatch: true})); err != nil {
		return c, err
	}
	return c, probeMultipart(ctx, s, key, &c)
}

// probeMultipart expects an object under key already. A store without
// multipart uploads is no error; one that fails for another reason is.
func probeMultipart(ctx context.Context, s objstore.Store, key string, c *Capabilities) error {
	u, err := s.CreateMultipart(ctx, key, objstore.PutOptions{IfNoneMatch: true})
	if err != nil {
		if objstore.Retriable(err) || ctx.Err() != nil {
			return err
		}
		return nil
	}
	if err := u.UploadPart(ctx, 1, objstore.NewBody([]byte("part"))); err != nil {
		return errors.Join(err, u.Abort(ctx))
	}
	c.Multipart = true
	c.CompleteIfAbsent, err = refusesSecond(u.Complete(ctx))
	if c.CompleteIfAbsent || err != nil {
		return errors.Join(err, u.Abort(ctx))
	}
	return nil
}

// refusesSecond judges the answer to a conditional write that met an object:
// a refusal, a success (the condition was ignored) or "not implemented".
func refusesSecond(err error) (bool, error) {
	switch {
	case errors.Is(err, objstore.ErrPreconditionFailed):
		return true, nil
	case err == nil, errors.Is(err, objstore.ErrInvalid):
		return false, nil
	}
	return false, err
}

// ReadAll reads a whole object.
func ReadAll(ctx context.Context, s objstore.Store, key string) ([]byte, error) {
	info, err := s.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	p := make([]byte, info.Size)
	if _, err := s.GetRange(ctx, key, 0, p); err != nil {
		return nil, err
	}
	return p, nil
}
