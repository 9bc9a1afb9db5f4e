// Package simstore runs a simulated object store beside the brokers that are
// measured: a process of its own, the same binary as theirs.
//
// Owns: the process, what a broker needs to use the store, and what it was asked
// in a window. Does not own: the store itself (internal/s3sim), the command that
// serves it (cmd/seawall). Goroutines: those of the process. Locks: none.
package simstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/internal/s3sim"
	"github.com/seawallmq/seawall/internal/s3sim/model"
)

const (
	bucket       = "bench"
	startTimeout = 20 * time.Second
	stopTimeout  = 10 * time.Second
)

// Store is a running store.
type Store struct {
	URL     string   // as in s3.data.buckets
	Env     []string // credentials, for the broker's environment
	Profile *model.Profile

	endpoint string
	process  *proc.Process
}

// Start starts a store with the profile of this name, or in this file, its bytes
// and its log in dir. seawall is the binary.
func Start(ctx context.Context, seawall, dir, profile string, seed uint64) (*Store, error) {
	p, err := s3sim.LoadProfile(profile)
	if err != nil {
		return nil, err
	}
	addr, err := proc.FreeAddress()
	if err != nil {
		return nil, err
	}
	process, err := proc.Start(filepath.Join(dir, "s3sim.log"), nil, seawall, "bench", "s3sim",
		"--listen", addr, "--dir", dir, "--profile", profile, "--seed", strconv.FormatUint(seed, 10))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := process.WaitListening(ctx, addr); err != nil {
		process.Kill9()
		return nil, fmt.Errorf("simulated store: %w", err)
	}
	return &Store{
		URL: "0@s3://" + bucket + "?region=us-east-1&endpoint=http://" + addr + "&pathStyle=true",
		// It lets everybody in, but clients want some.
		Env:     []string{"AWS_ACCESS_KEY_ID=simulated", "AWS_SECRET_ACCESS_KEY=simulated"},
		Profile: p, endpoint: "http://" + addr, process: process,
	}, nil
}

// PID is the number of its process, whose CPU time is not the broker's.
func (s *Store) PID() int { return s.process.PID() }

// Endpoint is the URL that it serves, for who stands between it and a broker.
func (s *Store) Endpoint() string { return s.endpoint }

// Close ends the store and forgets what is in it.
func (s *Store) Close() error { return s.process.Stop(stopTimeout) }

// Result describes the store in a result, under a name.
func (s *Store) Result(name string) result.Store {
	return result.Store{Name: name, URL: s.URL, Simulated: true, Express: s.Profile.Express, Profile: s.Profile}
}

// Stats is what the store was asked since it began.
func (s *Store) Stats(ctx context.Context) (*s3sim.Stats, error) {
	answer, err := s.ask(ctx, http.MethodGet, "stats")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	st := new(s3sim.Stats)
	if err := json.NewDecoder(answer.Body).Decode(st); err != nil {
		return nil, fmt.Errorf("simulated store: stats: %w", err)
	}
	return st, nil
}

// SetDown takes the store away, or brings it back.
func (s *Store) SetDown(ctx context.Context, down bool) error {
	what := "up"
	if down {
		what = "down"
	}
	answer, err := s.ask(ctx, http.MethodPost, what)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// ask sends one of the store's own requests. The caller closes the answer's body.
func (s *Store) ask(ctx context.Context, method, what string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.endpoint+"/-/"+what, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("simulated store: %w", err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, errors.Join(fmt.Errorf("simulated store: %s: %s", what, answer.Status), answer.Body.Close())
	}
	return answer, nil
}

// Use is what a store was asked in a window, as a round of a result has it.
type Use struct {
	Requests        map[string]float64 // that are charged, by operation: PUT, GET, LIST, DELETE
	Stored, Fetched float64            // bytes
}

// Between is what was asked from one look to a later one.
func Between(before, after *s3sim.Stats) Use {
	u := Use{Requests: map[string]float64{}}
	for line, n := range after.Charged {
		u.Requests[line] = float64(n - before.Charged[line])
	}
	bytes := func(op model.Op) float64 { return float64(after.Ops[op].Bytes - before.Ops[op].Bytes) }
	u.Stored, u.Fetched = bytes(model.Put)+bytes(model.Part), bytes(model.Get)
	return u
}
