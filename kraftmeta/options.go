package kraftmeta

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

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
	// Transport carries consensus between voters; a sole voter needs none.
	Transport raft.Transport
	// Features are the levels a new cluster begins with: by default the latest.
	Features []image.Feature
	// Random fills its argument and does not fail.
	Random func([]byte)
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

// Voter is a controller that takes part in consensus.
type Voter struct {
	Node    ids.NodeID
	Address string // as the Transport dials it
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
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
	if !o.alone() {
		listed := false
		for _, v := range o.Voters {
			listed = listed || v.Node == o.Node
		}
		if !listed {
			faults = append(faults, fmt.Errorf("node %d is not among the voters", o.Node))
		}
		if o.Transport == nil {
			faults = append(faults, errors.New("several voters and no transport between them"))
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

func (o *Options) alone() bool { return len(o.Voters) == 0 || len(o.Voters) == 1 && o.Transport == nil }

// electionTimeout is how long voters wait before they stand for election. A
// sole voter never waits for it, see [Controller.stand].
const electionTimeout = 500 * time.Millisecond

func (o *Options) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = serverID(o.Node)
	c.Logger = newRaftLogger(o.Logger)
	c.NoLegacyTelemetry = true
	c.BatchApplyCh = true // commands that wait share one sync of the log
	c.TrailingLogs = o.KeepCommands
	c.SnapshotThreshold = o.SnapshotCommands
	c.SnapshotInterval = 10 * time.Second
	// A little longer than electionTimeout, so that stand can shorten it.
	c.HeartbeatTimeout = electionTimeout + time.Millisecond
	c.ElectionTimeout = electionTimeout + time.Millisecond
	c.LeaderLeaseTimeout = electionTimeout / 2
	return c
}

func (o *Options) raftServers(local raft.ServerAddress) raft.Configuration {
	if o.alone() {
		return raft.Configuration{Servers: []raft.Server{{ID: serverID(o.Node), Address: local}}}
	}
	var c raft.Configuration
	for _, v := range o.Voters {
		c.Servers = append(c.Servers, raft.Server{ID: serverID(v.Node), Address: raft.ServerAddress(v.Address)})
	}
	return c
}
