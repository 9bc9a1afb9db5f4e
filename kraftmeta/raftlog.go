package kraftmeta

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/lograte"
)

// serverID is a node as consensus names it.
func serverID(id ids.NodeID) raft.ServerID { return raft.ServerID(id.String()) }

// nodeOf is the reverse of serverID; -1 for what is not a node's name.
func nodeOf(id raft.ServerID) ids.NodeID {
	n, err := strconv.ParseInt(string(id), 10, 32)
	if err != nil {
		return noNode
	}
	return ids.NodeID(n)
}

// noNode is the absence of a node.
const noNode ids.NodeID = -1

// raftSink passes the consensus library's log on. What it finds worth a warning
// is ordinary life: a single voter has an election at every start.
type raftSink struct {
	to    *slog.Logger
	clock clock.Clock

	mu   sync.Mutex
	rate map[string]*lograte.Limiter // by the library's message, of which it has so many
}

func newRaftLogger(to *slog.Logger, c clock.Clock) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(&raftSink{to: to, clock: c, rate: map[string]*lograte.Limiter{}})
	return l
}

// What the library says again at every election, once for each voter that is
// away, would bury everything else while a controller waits for the others.
const (
	raftLogBurst = 4
	raftLogEvery = 10 * time.Second
)

// limiter is that of a message.
func (s *raftSink) limiter(msg string) *lograte.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.rate[msg]
	if !ok {
		l = &lograte.Limiter{Burst: raftLogBurst, Every: raftLogEvery}
		s.rate[msg] = l
	}
	return l
}

// Accept implements hclog.SinkAdapter.
func (s *raftSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	if level >= hclog.Error {
		to = slog.LevelWarn
	}
	if !s.to.Enabled(context.Background(), to) {
		return
	}
	for i := range args { // the library hands over structs that it goes on changing
		if st, ok := args[i].(fmt.Stringer); ok {
			args[i] = st.String()
		}
	}
	msg = "metadata consensus: " + msg
	if to == slog.LevelDebug {
		s.to.Log(context.Background(), to, msg, args...)
		return
	}
	s.limiter(msg).Log(s.to, to, s.clock.Now(), msg, args...)
}
