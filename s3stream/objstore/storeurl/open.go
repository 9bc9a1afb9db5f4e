package storeurl

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/file"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

// Deps are what an opened store is built with.
type Deps struct {
	Clock    clock.Clock
	Rand     func(n int64) int64   // in [0, n), safe for concurrent use
	Observer objstore.Observer     // told of every attempt; may be nil
	Log      *slog.Logger          // of the client; nil discards
	Retry    objstore.RetryOptions // zero: the defaults
}

// Opened is a store that retries, and where it is.
type Opened struct {
	*objstore.Retry
	Location Location
	close    func() error
}

// Close gives up what is unfinished. The store is not used afterwards.
func (o *Opened) Close() error { return o.close() }

// Open opens the store that url names. It does not speak to S3 yet: a store that
// is away must keep nobody from starting (I9).
func Open(ctx context.Context, url string, d Deps) (*Opened, error) {
	l, err := Parse(url)
	if err != nil {
		return nil, err
	}
	s, closeStore, err := l.backend(ctx, d.Log)
	if err != nil {
		return nil, fmt.Errorf("object store %v: %w", l, err)
	}
	if s, err = objstore.Prefixed(s, l.Prefix); err != nil {
		return nil, fmt.Errorf("object store %v: %w", l, err)
	}
	if d.Observer != nil {
		s = objstore.Observed(s, d.Observer, d.Clock)
	}
	return &Opened{Retry: objstore.NewRetry(s, d.Clock, d.Rand, d.Retry), Location: l, close: closeStore}, nil
}

func (l Location) backend(ctx context.Context, log *slog.Logger) (objstore.Store, func() error, error) {
	if l.S3 != nil {
		o := *l.S3
		o.Log = log
		s, err := s3.Open(ctx, o)
		return s, func() error { return nil }, err
	}
	s, err := file.Open(l.Dir)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}
