// Package admin is the HTTP listener for operators: health, metrics, profiles,
// how the cluster stands, and draining a node.
//
// Owns: the routes and their answers' form. Does not own: what healthy and
// ready mean, any metric, or what is told: all come in by constructor. It has no
// authentication and belongs on a loopback or management address.
//
// Goroutines: net/http's. Locks: none.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"
)

// Config is what a Server answers from.
type Config struct {
	// Healthy is nil while the process does its work, else why not: it should
	// be replaced.
	Healthy func() error
	// Ready is nil while clients are served, else why not (yet).
	Ready func() error
	// Waits is nil while everything that is the process's to serve is served,
	// else what is not, and what it waits for.
	Waits func() error
	// Metrics writes the Prometheus text format.
	Metrics func(io.Writer)
	// Status and Plan say how the cluster stands, and what balancing it would
	// move; they are encoded as JSON. An error means: not yet, or no more. Each
	// may be nil.
	Status, Plan func() (any, error)
	// Drain begins to take everything off a node. It may be nil.
	Drain func(ctx context.Context, node int32) error
	// Losses says what giving up a WAL, or the WALs of a node, would lose;
	// Abandon does give one up. Both may be nil.
	Losses  func(which string) (any, error)
	Abandon func(ctx context.Context, a Abandon) error
	Log     *slog.Logger
}

// Abandon names a WAL that is to be given up, and who held it last as far as
// whoever asks knows.
type Abandon struct {
	Instance    string
	Holder      int32
	HolderEpoch uint64
	Force       bool // even if a living node is to rescue it
}

// Limits against idle or endless clients.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	headerBytes   = 16 << 10
)

// Server serves one listener.
type Server struct {
	http *http.Server
	log  *slog.Logger
}

// New makes a server; Serve starts it.
//
//	/healthz      200 "ok", or 503 and why
//	/readyz       200 "ready", and what waits for others; or 503 and why
//	              with partitions=all, 503 while something waits, too
//	/metrics      Prometheus text
//	/v1/status    JSON: nodes, controllers, WALs, what is moving
//	/v1/balance   JSON: what balancing would move
//	/v1/drain     POST with node=N: have a node give up all that it leads
//	/v1/wal/losses  with wal=NODE or wal=INSTANCE, JSON: what giving it up would lose
//	/v1/wal/abandon POST with instance, holder, epoch, force: give a WAL up
//	/debug/pprof/ profiles
func New(cfg Config) *Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", verdict("ok", cfg.Healthy))
	mux.HandleFunc("GET /readyz", readiness(cfg.Ready, cfg.Waits))
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		cfg.Metrics(w)
	})
	if cfg.Status != nil {
		mux.HandleFunc("GET /v1/status", told(cfg.Status, http.StatusServiceUnavailable))
	}
	if cfg.Plan != nil {
		mux.HandleFunc("GET /v1/balance", told(cfg.Plan, http.StatusServiceUnavailable))
	}
	if cfg.Drain != nil {
		mux.HandleFunc("POST /v1/drain", drain(cfg.Drain))
	}
	if cfg.Losses != nil {
		mux.HandleFunc("GET /v1/wal/losses", func(w http.ResponseWriter, r *http.Request) {
			told(func() (any, error) { return cfg.Losses(r.FormValue("wal")) }, http.StatusConflict)(w, r)
		})
	}
	if cfg.Abandon != nil {
		mux.HandleFunc("POST /v1/wal/abandon", abandon(cfg.Abandon))
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &Server{log: cfg.Log, http: &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}}
}

func verdict(good string, ask func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { judge(w, good, ask()) }
}

// judge answers that all is good, or with 503 and why not.
func judge(w http.ResponseWriter, good string, wrong error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if wrong != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		good = wrong.Error()
	}
	fmt.Fprintln(w, good)
}

// readiness is for two who ask different things. Whoever sends clients here, as a
// readiness probe does, wants to know whether the process serves at all. Whoever
// takes one process after another out of service asks for partitions=all, and
// goes on once nothing is amiss.
func readiness(ready, waits func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		good, wrong, waiting := "ready", ready(), waits()
		if wrong != nil || r.FormValue("partitions") == "all" {
			wrong = errors.Join(wrong, waiting)
		} else if waiting != nil {
			good += "\n" + waiting.Error()
		}
		judge(w, good, wrong)
	}
}

// told answers with JSON, or with why not and a code.
func told(ask func() (any, error), otherwise int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		v, err := ask()
		if err != nil {
			http.Error(w, err.Error(), otherwise)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // the client went away
	}
}

// commandTimeout bounds how long what is to be done may wait for the active
// controller.
const commandTimeout = 30 * time.Second

func drain(do func(context.Context, int32) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		node, err := strconv.ParseInt(r.FormValue("node"), 10, 32)
		if err != nil {
			http.Error(w, "node=N is missing", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
		defer cancel()
		if err := do(ctx, int32(node)); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintln(w, "draining")
	}
}

func abandon(do func(context.Context, Abandon) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		holder, err := strconv.ParseInt(r.FormValue("holder"), 10, 32)
		epoch, err2 := strconv.ParseUint(r.FormValue("epoch"), 10, 64)
		if err := errors.Join(err, err2); err != nil {
			http.Error(w, "holder=N and epoch=E, of who held it last, are missing", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
		defer cancel()
		a := Abandon{Instance: r.FormValue("instance"), Holder: int32(holder), HolderEpoch: epoch, Force: r.FormValue("force") == "true"}
		if err := do(ctx, a); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		fmt.Fprintln(w, "given up")
	}
}

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("admin listener ended", "error", err)
	}
}

// Shutdown stops accepting and waits for answers under way until ctx ends; what
// is open then is cut. A connection that was made and asked nothing yet counts
// as under way for some seconds.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if ctx.Err() != nil {
		return s.http.Close()
	}
	return err
}
