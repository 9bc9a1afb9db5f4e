package s3sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim/model"
)

const (
	// objectsMaxDefault bounds the index to some hundreds of megabytes.
	objectsMaxDefault = 1 << 20
	// uploadsMax bounds the uploads under way.
	uploadsMax = 10_000
	// headerTimeout ends connections that say nothing.
	headerTimeout = 30 * time.Second
)

// Options are what a Server is made of.
type Options struct {
	Dir     string // where its volume lies
	Profile *model.Profile
	Seed    uint64
	Clock   clock.Clock
	// CapacityBytes bounds the volume; 0: what the file system gives.
	CapacityBytes int64
	// ObjectsMax bounds objects and parts; 0: a million.
	ObjectsMax int
}

// Server is a simulated store. It is an http.Handler.
type Server struct {
	o      Options
	volume *volume
	began  time.Time
	life   context.Context // ends with Close: nobody waits any longer
	end    context.CancelFunc
	down   atomic.Bool
	serial atomic.Uint64 // of ETags, uploads and requests
	counts counts

	mu    sync.Mutex
	index index

	shape struct {
		sync.Mutex
		limits  *model.Limits
		in, out *model.Link
	}
}

// New makes an empty store.
func New(o Options) (*Server, error) {
	if err := o.Profile.Validate(); err != nil {
		return nil, err
	}
	if o.CapacityBytes == 0 {
		o.CapacityBytes = math.MaxInt64
	}
	if o.ObjectsMax == 0 {
		o.ObjectsMax = objectsMaxDefault
	}
	v, err := openVolume(o.Dir, o.CapacityBytes)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, volume: v, began: o.Clock.Now(), index: index{uploads: map[string]*upload{}}}
	s.life, s.end = context.WithCancel(context.Background())
	s.shape.limits = model.NewLimits(o.Profile)
	s.shape.in, s.shape.out = model.NewLink(o.Profile.Total), model.NewLink(o.Profile.Total)
	return s, nil
}

// Close ends all waiting and forgets everything. No request may be under way
// afterwards.
func (s *Server) Close() error {
	s.end()
	return s.volume.Close()
}

// SetDown makes the store hang up on every request to it, or serve again.
func (s *Server) SetDown(down bool) { s.down.Store(down) }

// Serve answers requests on l, which it closes, until ctx is done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout}
	stop := context.AfterFunc(ctx, func() {
		s.end()
		server.Close()
	})
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("s3sim: %w", err)
	}
	return nil
}

// newETag is one that no other object has. It says nothing of the content.
func (s *Server) newETag() string { return fmt.Sprintf(`"%016x"`, s.serial.Add(1)) }

// pin finds an object and keeps its bytes until unpin.
func (s *Server) pin(c *call) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.index.objects.Get(c.path())
	if !ok {
		return nil, errNoSuchKey
	}
	o.users.Add(1)
	return o, nil
}

// unpin lets go of an object, whose bytes are freed after the last one did. A nil
// one is none.
func (s *Server) unpin(o *object) {
	if o != nil && o.users.Add(-1) == 0 {
		s.volume.release(o.parts...)
	}
}

// publish gives a new object its path.
func (s *Server) publish(path string, o *object, ifAbsent bool) error {
	o.etag, o.modified = s.newETag(), s.o.Clock.Now()
	s.mu.Lock()
	old, err := s.index.set(path, o, ifAbsent)
	s.mu.Unlock()
	s.unpin(old)
	return err
}

// remove deletes an object, if there is one.
func (s *Server) remove(path string) {
	s.mu.Lock()
	o := s.index.remove(path)
	s.mu.Unlock()
	s.unpin(o)
}
