package mem

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Store is a bucket in memory.
type Store struct {
	clock clock.Clock

	mu      sync.Mutex
	objects map[string]object
	uploads map[*upload]struct{} // begun, neither completed nor aborted
}

// object is never changed once it is in the map, so that clones may share it.
type object struct {
	data    []byte
	crc     uint32
	modTime time.Time
}

type upload struct {
	s     *Store
	key   string
	opts  objstore.PutOptions
	begun time.Time
	parts map[int][]byte // guarded by s.mu
}

var _ objstore.Store = (*Store)(nil)

// New makes an empty store that stamps its objects with c's time.
func New(c clock.Clock) *Store {
	return &Store{clock: c, objects: map[string]object{}, uploads: map[*upload]struct{}{}}
}

// Clone is an independent store with the same objects, as another process
// would find them: multipart uploads under way are not in it.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := New(s.clock)
	c.objects = maps.Clone(s.objects)
	return c
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	if err := check(ctx, key); err != nil {
		return objstore.Wrap("put", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return objstore.Wrap("put", key, s.put(key, slices.Concat(body.Parts...), opts))
}

// put takes data over. Caller holds s.mu.
func (s *Store) put(key string, data []byte, opts objstore.PutOptions) error {
	if _, exists := s.objects[key]; exists && opts.IfNoneMatch {
		return objstore.ErrPreconditionFailed
	}
	s.objects[key] = object{data: data, crc: crc.Of(data), modTime: s.clock.Now()}
	return nil
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	o, err := s.get(ctx, key)
	if err == nil && off < 0 {
		err = objstore.ErrInvalid
	}
	if err != nil {
		return 0, objstore.Wrap("get", key, err)
	}
	n := copy(dst, o.data[min(off, int64(len(o.data))):])
	if n < len(dst) {
		return n, objstore.Wrap("get", key, io.EOF)
	}
	return n, nil
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	o, err := s.get(ctx, key)
	if err != nil {
		return objstore.Info{}, objstore.Wrap("head", key, err)
	}
	return objstore.Info{Size: int64(len(o.data)), CRC32C: o.crc, HasCRC: true, ModTime: o.modTime}, nil
}

func (s *Store) get(ctx context.Context, key string) (object, error) {
	if err := check(ctx, key); err != nil {
		return object{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	if !ok {
		return object{}, objstore.ErrNotFound
	}
	return o, nil
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := check(ctx, key); err != nil {
			return objstore.Wrap("delete", key, err)
		}
		s.mu.Lock()
		delete(s.objects, key)
		s.mu.Unlock()
	}
	return nil
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix, startAfter string, max int) ([]objstore.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, objstore.Wrap("list", prefix, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []objstore.Entry
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if len(entries) == max {
			break
		}
		if strings.HasPrefix(key, prefix) && key > startAfter {
			o := s.objects[key]
			entries = append(entries, objstore.Entry{Key: key, Size: int64(len(o.data)), ModTime: o.modTime})
		}
	}
	return entries, nil
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.PutOptions) (objstore.Upload, error) {
	if err := check(ctx, key); err != nil {
		return nil, objstore.Wrap("create", key, err)
	}
	u := &upload{s: s, key: key, opts: opts, begun: s.clock.Now(), parts: map[int][]byte{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads[u] = struct{}{}
	return u, nil
}

// AbortUploads implements objstore.Store.
func (s *Store) AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, objstore.Wrap("abort", prefix, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for u := range s.uploads {
		if strings.HasPrefix(u.key, prefix) && u.begun.Before(before) {
			delete(s.uploads, u)
			n++
		}
	}
	return n, nil
}

// UploadPart implements objstore.Upload.
func (u *upload) UploadPart(ctx context.Context, number int, body objstore.Body) error {
	if err := u.check(ctx); err != nil {
		return objstore.Wrap("part", u.key, err)
	}
	if number < 1 || number > objstore.PartsMax {
		return objstore.Wrap("part", u.key, fmt.Errorf("%w: part number %d", objstore.ErrInvalid, number))
	}
	data := slices.Concat(body.Parts...)
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.parts[number] = data
	return nil
}

// Complete implements objstore.Upload.
func (u *upload) Complete(ctx context.Context) error {
	if err := u.check(ctx); err != nil {
		return objstore.Wrap("complete", u.key, err)
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	var data []byte
	for n := 1; n <= len(u.parts); n++ {
		part, ok := u.parts[n]
		if !ok {
			return objstore.Wrap("complete", u.key, fmt.Errorf("%w: part %d of %d is missing", objstore.ErrInvalid, n, len(u.parts)))
		}
		data = append(data, part...)
	}
	if len(u.parts) == 0 {
		return objstore.Wrap("complete", u.key, fmt.Errorf("%w: no parts", objstore.ErrInvalid))
	}
	if err := u.s.put(u.key, data, u.opts); err != nil {
		return objstore.Wrap("complete", u.key, err)
	}
	delete(u.s.uploads, u)
	return nil
}

// Abort implements objstore.Upload.
func (u *upload) Abort(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return objstore.Wrap("abort", u.key, err)
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	delete(u.s.uploads, u)
	return nil
}

// check gives ErrNotFound for an upload that is over.
func (u *upload) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	if _, ok := u.s.uploads[u]; !ok {
		return objstore.ErrNotFound
	}
	return nil
}

func check(ctx context.Context, key string) error {
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	return ctx.Err()
}
