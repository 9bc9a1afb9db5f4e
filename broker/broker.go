package broker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"runtime"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/lograte"
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
	Groups     Groups
	// Lease says whether the cluster takes this broker for alive; nil: always.
	Lease Lease
	// SessionMemory bounds fetch sessions.
	SessionMemory *budget.Account
	// Random fills its argument with what nobody can guess, and never fails.
	// Nil is that of crypto/rand.
	Random func([]byte)
	// Stopped ends waits when the broker stops.
	Stopped context.Context
}

// Lease tells whether clients may be served: once it is over, others may serve
// them more than this broker knows of. It is asked for every partition.
type Lease interface{ Valid() bool }

// Broker answers the requests of clients.
type Broker struct {
	Deps
	sessions    *fetchSessions
	readers     chan struct{} // a token a fetch that reads history
	producerIDs *producerIDs
	readFaults  lograte.Limiter // of history
	// decompressing has room for the batches that are decompressed at once.
	decompressing chan struct{}
}

// historyReads bounds the fetches that wait for a device or the object store
// at once. Those past the bound wait for a turn as long as they would for
// history, each in a goroutine: as many as there are requests in flight.
const historyReads = 64

// New makes a Broker and registers its APIs.
func New(d Deps, r *Registry) *Broker {
	if d.Random == nil {
		d.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails
	}
	b := &Broker{
		Deps:          d,
		sessions:      newFetchSessions(d.Config.Network.FetchSessionsMax, d.SessionMemory, d.Clock, d.randomUint32),
		readers:       make(chan struct{}, historyReads),
		producerIDs:   newProducerIDs(),
		decompressing: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	b.register(r)
	return b
}

// register is the table of APIs; how each is answered stands in its file.
func (b *Broker) register(r *Registry) {
	HandleRaw(r, 0, produceMinVersion, produceMaxVersion, b.produce, AdvertiseFrom(0), Progressive())
	HandleAsync(r, fetchMinVersion, fetchMaxVersion, b.fetch)
	Handle(r, 1, 11, b.listOffsets, Blocking())
	Handle(r, 0, 13, b.metadata, Blocking())
	HandleAsync(r, 2, 10, b.offsetCommit)
	HandleAsync(r, 1, 10, b.offsetFetch)
	Handle(r, 0, 6, b.findCoordinator, Blocking())
	HandleAsync(r, 0, 9, b.joinGroup)
	HandleAsync(r, 0, 4, b.heartbeat)
	HandleAsync(r, 0, 5, b.leaveGroup)
	HandleAsync(r, 0, 5, b.syncGroup)
	HandleAsync(r, 0, 6, b.describeGroups)
	HandleAsync(r, 0, 5, b.listGroups)
	Handle(r, 2, 7, b.createTopicsRequest, Blocking())
	Handle(r, 1, 6, b.deleteTopics, Blocking())
	Handle(r, 0, 2, b.deleteRecords, Blocking())
	Handle(r, 0, 5, b.initProducerID, Blocking())
	Handle(r, 2, 4, b.offsetForLeaderEpoch, Blocking())
	Handle(r, 1, 4, b.describeConfigs)
	Handle(r, 0, 2, b.replaceConfigs, Blocking())
	Handle(r, 1, 5, b.describeLogDirs)
	Handle(r, 0, 3, b.createPartitions, Blocking())
	HandleAsync(r, 0, 3, b.deleteGroups)
	Handle(r, 0, 2, b.electLeaders, Blocking())
	Handle(r, 0, 1, b.incrementalAlterConfigs, Blocking())
	Handle(r, 0, 1, b.alterPartitionReassignments, Blocking())
	Handle(r, 0, 0, b.listPartitionReassignments)
	HandleAsync(r, 0, 0, b.offsetDelete)
	Handle(r, 0, 2, b.describeCluster)
	Handle(r, 0, 0, b.describeProducers)
	Handle(r, 0, 0, b.unregisterBroker, Blocking())
	Handle(r, 0, 1, b.listConfigResources)
	Handle(r, 0, 0, b.describeTopicPartitions)
}

// byName finds a partition that clients are served here.
func (b *Broker) byName(topic []byte, index int32) (*partition.Partition, error) {
	if b.Lease != nil && !b.Lease.Valid() {
		return nil, partition.ErrNotLeader
	}
	return b.Partitions.ByName(topic, index)
}

// byID is byName by the topic's id.
func (b *Broker) byID(topic ids.TopicID, index int32) (*partition.Partition, error) {
	if b.Lease != nil && !b.Lease.Valid() {
		return nil, partition.ErrNotLeader
	}
	return b.Partitions.ByID(topic, index)
}

// settle waits while a partition changes hands with this broker; see
// [partition.Set.Settle]. It is to be looked up again if settle returns true.
// The topic is named by id or, when that is zero, by name.
func (b *Broker) settle(ctx context.Context, id ids.TopicID, name string, index int32) bool {
	if b.Lease != nil && !b.Lease.Valid() {
		return false
	}
	id, ok := b.topicID(id, name)
	return ok && b.Partitions.Settle(ctx, id, index)
}

// settles says whether settle would wait.
func (b *Broker) settles(id ids.TopicID, name string, index int32) bool {
	if b.Lease != nil && !b.Lease.Valid() {
		return false
	}
	id, ok := b.topicID(id, name)
	return ok && b.Partitions.Settles(id, index)
}

// topicID is id or, when that is zero, the id of the topic of that name.
func (b *Broker) topicID(id ids.TopicID, name string) (ids.TopicID, bool) {
	if !id.IsZero() {
		return id, true
	}
	t, ok := b.Metadata.Image().TopicByName(name)
	if !ok {
		return id, false
	}
	return t.ID, true
}

// awaitByName is byName that waits while the partition changes hands with this
// broker.
func (b *Broker) awaitByName(ctx context.Context, topic string, index int32) (*partition.Partition, error) {
	p, err := b.byName([]byte(topic), index)
	for waited := true; waited && errors.Is(err, partition.ErrNotLeader); {
		waited = b.settle(ctx, ids.TopicID{}, topic, index)
		p, err = b.byName([]byte(topic), index) // if it did not wait, the change may be over since the last look
	}
	return p, err
}

func (d *Deps) randomUint32() uint32 {
	var b [4]byte
	d.Random(b[:])
	return binary.BigEndian.Uint32(b[:])
}
