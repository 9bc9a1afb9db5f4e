package broker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Metadata is the cluster's metadata as handlers see and change it.
type Metadata interface {
	// Image is the newest metadata that this node has.
	Image() *image.Image
	// Submit carries out a command and returns its result once this node's
	// image has it, and with it the image's index.
	Submit(ctx context.Context, cmd image.Command) (image.Result, uint64, error)
}

// Deps are what a Broker works with.
type Deps struct {
	Node       ids.NodeID
	ClusterID  string
	Config     *config.Config
	Clock      clock.Clock
	Log        *slog.Logger
	Partitions *partition.Set
	Metadata   Metadata
	// SessionMemory bounds fetch sessions.
	SessionMemory *budget.Account
	// Stopped ends waits when the broker stops.
	Stopped context.Context
}

// Broker answers the requests of clients.
type Broker struct {
	Deps
	sessions *fetchSessions
	readers  *errgroup.Group // of history, for fetches
}

// historyReads bounds the fetches that wait for a device or the object store
// at once. One past the bound waits on its connection's reader.
const historyReads = 64

// New makes a Broker and registers its APIs.
func New(d Deps, r *Registry) *Broker {
	b := &Broker{
		Deps:     d,
		sessions: newFetchSessions(d.Config.Network.FetchSessionsMax, d.SessionMemory, rand.Uint32),
		readers:  new(errgroup.Group),
	}
	b.readers.SetLimit(historyReads)
	HandleRaw(r, 0, produceMinVersion, produceMaxVersion, b.produce, AdvertiseFrom(0))
	HandleAsync(r, fetchMinVersion, fetchMaxVersion, b.fetch)
	Handle(r, 1, 11, b.listOffsets, Blocking())
	Handle(r, 0, 2, b.deleteRecords, Blocking())
	Handle(r, 2, 4, b.offsetForLeaderEpoch)
	Handle(r, 0, 0, b.describeProducers)
	return b
}

// produceWaitMax bounds how long a produce waits for room in the WAL, whatever
// its time-out: meanwhile its connection stands still.
const produceWaitMax = 30 * time.Second
