package s3sim

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/s3sim/model"
)

// OpStats counts one operation.
type OpStats struct {
	Requests  int64 `json:"requests"`        // all that came
	Bytes     int64 `json:"bytes"`           // of objects: received for writes, sent for reads
	Failed    int64 `json:"failed"`          // answered with an error of whatever kind
	Server    int64 `json:"failed_5xx"`      // of them with one of the server's, for which nobody is charged
	Throttled int64 `json:"throttled"`       // of them past the profile's rate
	Injected  int64 `json:"injected_errors"` // of them by the profile's share of errors
	Stalled   int64 `json:"injected_stalls"` // drawn to take long
}

// Stats is what a store did since it began.
type Stats struct {
	Simulated bool                  `json:"simulated"` // always: no figure of it is a measured one
	Profile   string                `json:"profile"`
	Seed      uint64                `json:"seed"`
	Uptime    time.Duration         `json:"uptime_ns"`
	Objects   int                   `json:"objects"`      // now
	Uploads   int                   `json:"uploads"`      // under way
	Stored    int64                 `json:"stored_bytes"` // by objects, now
	Down      bool                  `json:"down"`
	Ops       map[model.Op]*OpStats `json:"ops"` // all of them
	// Charged are the requests that a bill would have, under the names of its
	// lines: PUT, GET, LIST, DELETE.
	Charged map[string]int64 `json:"charged"`
}

// counts are the counters behind Stats.
type counts struct{ ops [9]opCounts }

type opCounts struct {
	requests, bytes, failures, server, throttled, injected, stalled atomic.Int64
}

// opIndex numbers the operations.
var opIndex = func() map[model.Op]int {
	m := map[model.Op]int{}
	for i, op := range model.Ops() {
		m[op] = i
	}
	return m
}()

func (c *counts) of(op model.Op) *opCounts { return &c.ops[opIndex[op]] }

// begin counts a request and returns how many of its kind came before.
func (c *counts) begin(op model.Op) uint64 { return uint64(c.of(op).requests.Add(1) - 1) }

// failed counts an answer that was an error.
func (c *counts) failed(op model.Op, status int) {
	c.of(op).failures.Add(1)
	if status >= http.StatusInternalServerError {
		c.of(op).server.Add(1)
	}
}

// charged is the line of a bill on which an operation stands.
func charged(op model.Op) string {
	switch op {
	case model.Get, model.Head:
		return "GET"
	case model.List:
		return "LIST"
	case model.Delete, model.Abort:
		return "DELETE"
	}
	return "PUT"
}

// Stats sums up.
func (s *Server) Stats() Stats {
	st := Stats{
		Simulated: true, Profile: s.o.Profile.Name, Seed: s.o.Seed, Uptime: s.o.Clock.Now().Sub(s.began), Down: s.down.Load(),
		Ops: map[model.Op]*OpStats{}, Charged: map[string]int64{},
	}
	for _, op := range model.Ops() {
		c := s.counts.of(op)
		o := &OpStats{
			Requests: c.requests.Load(), Bytes: c.bytes.Load(), Failed: c.failures.Load(), Server: c.server.Load(),
			Throttled: c.throttled.Load(), Injected: c.injected.Load(), Stalled: c.stalled.Load(),
		}
		st.Ops[op] = o
		st.Charged[charged(op)] += o.Requests - o.Server
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Objects, st.Uploads, st.Stored = s.index.objects.Len(), len(s.index.uploads), s.index.stored
	return st
}
