package s3sim

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim/model"
)

// ownPath begins the paths that are not S3's.
const ownPath = "/-/"

// call is one request of S3.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	op     model.Op
	bucket string
	key    string
	began  time.Time
	draw   model.Draw
}

// path is what the index knows the object by.
func (c *call) path() string { return c.bucket + "/" + c.key }

// operation is what a request asks for, and how it is done. An error that it
// returns is the answer; otherwise it has answered.
type operation struct {
	op model.Op
	do func(s *Server, c *call) error
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, ownPath) {
		s.serveOwn(w, r)
		return
	}
	if s.down.Load() {
		panic(http.ErrAbortHandler) // hangs up
	}
	w.Header().Set("Server", "seawall-s3sim ("+s.o.Profile.Name+", simulated)")
	c := &call{w: w, r: r, began: s.o.Clock.Now()}
	c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	operation, err := route(c)
	if err != nil {
		fail(w, r, err)
		return
	}
	c.op = operation.op
	if err := s.perform(c, operation.do); err != nil {
		if r.Context().Err() == nil { // else the client has left
			s.counts.failed(c.op, asAPIError(err).status)
		}
		fail(w, r, err)
	}
}

// perform lets a request in, draws its fate, and does it.
func (s *Server) perform(c *call, do func(*Server, *call) error) error {
	n := s.counts.begin(c.op)
	s.shape.Lock()
	allowed := s.shape.limits.Allow(c.began, c.op, c.key)
	s.shape.Unlock()
	if !allowed {
		s.counts.of(c.op).throttled.Add(1)
		return errSlowDown
	}
	c.draw = s.o.Profile.Draw(s.o.Seed, c.op, n)
	if c.draw.Stall > 0 {
		s.counts.of(c.op).stalled.Add(1)
	}
	return do(s, c)
}

// route finds the operation that a request asks for.
func route(c *call) (operation, error) {
	query := c.r.URL.Query()
	switch {
	case c.bucket == "":
		return operation{}, notImplemented("requests without a bucket")
	case c.key == "":
		return routeBucket(c.r.Method, query.Has)
	case c.r.Header.Get("X-Amz-Copy-Source") != "":
		return operation{}, notImplemented("copies")
	}
	return routeKey(c.r.Method, query.Has)
}

func routeBucket(method string, has func(string) bool) (operation, error) {
	switch {
	case method == http.MethodGet && has("uploads"):
		return operation{model.List, (*Server).listUploads}, nil
	case method == http.MethodGet && has("list-type"):
		return operation{model.List, (*Server).listObjects}, nil
	case method == http.MethodPost && has("delete"):
		return operation{model.Delete, (*Server).deleteObjects}, nil
	case method == http.MethodHead:
		return operation{model.Head, (*Server).touchBucket}, nil
	case method == http.MethodPut:
		return operation{model.Create, (*Server).touchBucket}, nil
	}
	return operation{}, notImplemented("this operation on a bucket")
}

func routeKey(method string, has func(string) bool) (operation, error) {
	switch {
	case method == http.MethodPut && has("uploadId"):
		return operation{model.Part, (*Server).uploadPart}, nil
	case method == http.MethodPut:
		return operation{model.Put, (*Server).putObject}, nil
	case method == http.MethodGet && has("uploadId"):
		return operation{model.List, (*Server).listParts}, nil
	case method == http.MethodGet:
		return operation{model.Get, (*Server).getObject}, nil
	case method == http.MethodHead:
		return operation{model.Head, (*Server).headObject}, nil
	case method == http.MethodDelete && has("uploadId"):
		return operation{model.Abort, (*Server).abortUpload}, nil
	case method == http.MethodDelete:
		return operation{model.Delete, (*Server).deleteObject}, nil
	case method == http.MethodPost && has("uploads"):
		return operation{model.Create, (*Server).createUpload}, nil
	case method == http.MethodPost && has("uploadId"):
		return operation{model.Complete, (*Server).completeUpload}, nil
	}
	return operation{}, notImplemented("this operation on an object")
}

// wait waits until the answer of a request that moved so many bytes to the store
// is due, and returns the error that was drawn for it. A write goes on when its
// client leaves.
func (s *Server) wait(c *call, bytes int64) error {
	ctx := c.r.Context()
	if c.op.Writes() {
		ctx = s.life
	}
	due := c.began.Add(s.o.Profile.LatencyOf(c.op, bytes, c.draw.Z) + c.draw.Stall)
	if c.op.Writes() && bytes > 0 {
		s.shape.Lock()
		moved := s.shape.in.Reserve(c.began, bytes)
		s.shape.Unlock()
		if moved.After(due) {
			due = moved
		}
	}
	if err := s.waitUntil(ctx, due); err != nil {
		return err
	}
	switch c.draw.Fault {
	case model.InternalError:
		s.counts.of(c.op).injected.Add(1)
		return errInternal
	case model.Unavailable:
		s.counts.of(c.op).injected.Add(1)
		return errUnavailable
	}
	return nil
}

func (s *Server) waitUntil(ctx context.Context, due time.Time) error {
	return clock.Sleep(ctx, s.o.Clock, due.Sub(s.o.Clock.Now()))
}

// serveOwn answers what is not S3's.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request) {
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // the client may be gone
	}
	switch what := strings.TrimPrefix(r.URL.Path, ownPath); {
	case r.Method == http.MethodGet && what == "stats":
		answer(s.Stats())
	case r.Method == http.MethodGet && what == "profile":
		answer(s.o.Profile)
	case r.Method == http.MethodPost && (what == "down" || what == "up"):
		s.SetDown(what == "down")
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}
