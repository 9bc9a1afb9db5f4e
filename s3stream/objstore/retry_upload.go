package objstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/crc"
)

// CreateMultipart implements Store. When an answer is lost, there is an upload
// that nobody knows: it is given up once the known one has ended.
func (r *Retry) CreateMultipart(ctx context.Context, key string, opts PutOptions) (Upload, error) {
	var u Upload
	lost := false
	err := r.do(ctx, "create", key, func(ctx context.Context) (err error) {
		u, err = r.s.CreateMultipart(ctx, key, opts)
		lost = lost || err != nil && !refused(err)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &retryingUpload{r: r, u: u, key: key, lost: lost, parts: map[int]sum{}}, nil
}

// retryingUpload remembers what was sent, to know its object again.
type retryingUpload struct {
	r    *Retry
	u    Upload
	key  string
	lost bool // there may be another upload under the key

	mu    sync.Mutex
	parts map[int]sum
}

type sum struct {
	size   int64
	crc32c uint32
}

// UploadPart implements Upload.
func (u *retryingUpload) UploadPart(ctx context.Context, number int, body Body) error {
	err := u.r.move(ctx, "part", u.key, func() int64 { return body.Size },
		func(ctx context.Context) error { return u.u.UploadPart(ctx, number, body) })
	if err == nil {
		u.mu.Lock()
		u.parts[number] = sum{size: body.Size, crc32c: body.CRC32C}
		u.mu.Unlock()
	}
	return err
}

// Complete implements Upload. An upload that is gone after an attempt of
// unknown outcome was probably completed by it.
func (u *retryingUpload) Complete(ctx context.Context) error {
	err := u.r.write(ctx, "complete", u.key, 0, u.u.Complete,
		func(err error) bool { return errors.Is(err, ErrPreconditionFailed) || errors.Is(err, ErrNotFound) },
		func(ctx context.Context) (bool, error) {
			whole := u.whole()
			return u.r.holds(ctx, u.key, whole.size, whole.crc32c)
		})
	if err == nil {
		u.abortLost(ctx)
	}
	return err
}

// abortLost gives up an upload whose beginning was not heard of, as well as can
// be. Keys are unique, so that nobody else's has this one.
func (u *retryingUpload) abortLost(ctx context.Context) {
	if u.lost {
		const skew = 24 * time.Hour // between the clocks, at most
		_, _ = u.r.s.AbortUploads(ctx, u.key, u.r.clock.Now().Add(skew))
	}
}

// whole is what the object will be.
func (u *retryingUpload) whole() sum {
	u.mu.Lock()
	defer u.mu.Unlock()
	var whole sum
	for n := 1; n <= len(u.parts); n++ {
		p := u.parts[n]
		whole.crc32c = crc.Combine(whole.crc32c, p.crc32c, int(p.size))
		whole.size += p.size
	}
	return whole
}

// Abort implements Upload.
func (u *retryingUpload) Abort(ctx context.Context) error {
	defer u.abortLost(ctx)
	return u.r.do(ctx, "abort", u.key, u.u.Abort)
}
