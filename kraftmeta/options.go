package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Options are the settings of a [Controller].
type Options struct {
	Dir  string     // the controller's own directory, made if missing
	Node ids.NodeID // this controller
	// ClusterID is the cluster that Dir must belong to. Zero takes what Dir
	// says and, for a new sole voter, draws an id; several voters need it.
	ClusterID ids.UUID
	// Voters are the controllers of the cluster, this one among them. None
	// means that this one is alone. They matter at the first start only; later
	// they are as consensus has them.
	Voters []Voter
	// Join is for a controller that is not yet a voter: it waits until the
	// others add it. Voters is empty then.
	Join bool
	// Dial connects to another voter, whose [Controller.Take] gets the other
	// end. A sole voter that stays alone needs none.
	Dial func(ctx context.Context, to Voter) (net.Conn, error)
	// Features are the levels a new cluster begins with: by default the latest.
	Features []image.Feature
	// Random fills its argument and does not fail.
	Random func([]byte)
	Clock  clock.Clock  // nil is the machine's; for what is told, not for consensus
	Logger *slog.Logger // nil discards

	// SnapshotCommands is after how many commands the log is cut behind a
	// snapshot, and KeepCommands how many of those before it are kept for
	// controllers that lag.
	SnapshotCommands uint64 // default 4096
	KeepCommands     uint64 // default 1024
	// FeedBytes bounds, roughly, the deltas kept for observers; one that is
	// further behind gets a snapshot.
	FeedBytes int64 // default 16 MiB
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.Wall()
	}
	if o.Features == nil {
		o.Features = image.LatestFeatures()
	}
	if o.SnapshotCommands == 0 {
		o.SnapshotCommands = 4096
	}
	if o.KeepCommands == 0 {
		o.KeepCommands = 1024
	}
	if o.FeedBytes == 0 {
		o.FeedBytes = 16 << 20
	}
}

// validate reports every fault at once.
func (o *Options) validate() error {
	var faults []error
	if o.Dir == "" {
		faults = append(faults, errors.New("no directory"))
	}
	if o.Node < 0 {
		faults = append(faults, fmt.Errorf("node id %d", o.Node))
	}
	if o.Random == nil {
		faults = append(faults, errors.New("no source of randomness"))
	}
	if len(o.Voters) > 0 && !slices.ContainsFunc(o.Voters, func(v Voter) bool { return v.Node == o.Node }) {
		faults = append(faults, fmt.Errorf("node %d is not among the voters", o.Node))
	}
	if len(o.Voters) > 1 || o.Join {
		if o.Dial == nil {
			faults = append(faults, errors.New("several voters and no connections between them"))
		}
		if o.ClusterID.IsZero() {
			faults = append(faults, errors.New("several voters and no cluster id that they agree on"))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("metadata controller: %w", errors.Join(faults...))
	}
	return nil
}

// self is this controller as a voter.
func (o *Options) self() Voter {
	for _, v := range o.Voters {
		if v.Node == o.Node {
			return v
		}
	}
	return Voter{Node: o.Node}
}

// startsAlone says that this controller is the first and only voter when it is
// new.
func (o *Options) startsAlone() bool { return len(o.Voters) <= 1 && !o.Join }

// electionTimeout is how long voters wait before they stand for election. A
// sole voter never waits for it, see [Controller.stand].
const electionTimeout = 500 * time.Millisecond

func (o *Options) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = serverID(o.Node)
	c.Logger = newRaftLogger(o.Logger, o.Clock)
	c.NoLegacyTelemetry = true
	c.ShutdownOnRemove = false // who was removed as a voter may be added again
	c.BatchApplyCh = true      // commands that wait share one sync of the log
	c.TrailingLogs = o.KeepCommands
	c.SnapshotThreshold = o.SnapshotCommands
	c.SnapshotInterval = 10 * time.Second
	// A little longer than electionTimeout, so that stand can shorten it.
	c.HeartbeatTimeout = electionTimeout + time.Millisecond
	c.ElectionTimeout = electionTimeout + time.Millisecond
	c.LeaderLeaseTimeout = electionTimeout // no read rests on it, see [Controller.Leads]
	return c
}

// raftServers are the voters of a new cluster.
func (o *Options) raftServers() (c raft.Configuration) {
	voters := o.Voters
	if len(voters) == 0 {
		voters = []Voter{o.self()}
	}
	for _, v := range voters {
		c.Servers = append(c.Servers, raft.Server{ID: serverID(v.Node), Address: v.serverAddress()})
	}
	return c
}
