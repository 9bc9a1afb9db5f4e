package objstore

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// Observer is told of every operation on a store, when it is over: metrics are
// made of it. op is put, get, head, delete, list, create, part, complete or
// abort; bytes is what was sent or received; err is nil for a read that met
// the object's end. Observe is called concurrently and must not block.
type Observer interface {
	Observe(op string, bytes int64, took time.Duration, err error)
}

// Observed is s, with every operation told to o. Below Retry it sees each
// attempt.
func Observed(s Store, o Observer, c clock.Clock) Store { return &observed{s: s, o: o, clock: c} }

type observed struct {
	s     Store
	o     Observer
	clock clock.Clock
}

// since tells the observer of an operation that began at start.
func (s *observed) since(start time.Time, op string, bytes int64, err error) {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	s.o.Observe(op, bytes, s.clock.Now().Sub(start), err)
}

func (s *observed) Put(ctx context.Context, key string, body Body, opts PutOptions) error {
	start := s.clock.Now()
	err := s.s.Put(ctx, key, body, opts)
	s.since(start, "put", body.Size, err)
	return err
}

func (s *observed) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	start := s.clock.Now()
	n, err := s.s.GetRange(ctx, key, off, dst)
	s.since(start, "get", int64(n), err)
	return n, err
}

func (s *observed) Head(ctx context.Context, key string) (Info, error) {
	start := s.clock.Now()
	info, err := s.s.Head(ctx, key)
	s.since(start, "head", 0, err)
	return info, err
}

func (s *observed) Delete(ctx context.Context, keys ...string) error {
	start := s.clock.Now()
	err := s.s.Delete(ctx, keys...)
	s.since(start, "delete", 0, err)
	return err
}

func (s *observed) List(ctx context.Context, prefix, startAfter string, max int) ([]Entry, error) {
	start := s.clock.Now()
	entries, err := s.s.List(ctx, prefix, startAfter, max)
	s.since(start, "list", 0, err)
	return entries, err
}

func (s *observed) CreateMultipart(ctx context.Context, key string, opts PutOptions) (Upload, error) {
	start := s.clock.Now()
	u, err := s.s.CreateMultipart(ctx, key, opts)
	s.since(start, "create", 0, err)
	if err != nil {
		return nil, err
	}
	return &observedUpload{s: s, u: u}, nil
}

func (s *observed) AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error) {
	start := s.clock.Now()
	n, err := s.s.AbortUploads(ctx, prefix, before)
	s.since(start, "abort", 0, err)
	return n, err
}

type observedUpload struct {
	s *observed
	u Upload
}

func (u *observedUpload) UploadPart(ctx context.Context, number int, body Body) error {
	start := u.s.clock.Now()
	err := u.u.UploadPart(ctx, number, body)
	u.s.since(start, "part", body.Size, err)
	return err
}

func (u *observedUpload) Complete(ctx context.Context) error {
	start := u.s.clock.Now()
	err := u.u.Complete(ctx)
	u.s.since(start, "complete", 0, err)
	return err
}

func (u *observedUpload) Abort(ctx context.Context) error {
	start := u.s.clock.Now()
	err := u.u.Abort(ctx)
	u.s.since(start, "abort", 0, err)
	return err
}
