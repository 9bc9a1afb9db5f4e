package config

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
)

// Config is everything a node is started with: plain data, grouped by the part
// that wants it, with every -1 ("by memory") already worked out. It is made by
// [Load] and not changed after.
type Config struct {
	Node       Node
	Network    Network
	Controller Controller
	Lease      Lease
	Balance    Balance
	Admin      Admin
	Gossip     Gossip
	Memory     Memory
	WAL        WAL
	Direct     Direct
	WALTimeout time.Duration // how long one WAL write may hang before the WAL is fenced
	Rescue     Rescue
	Store      Store
	Cache      Cache
	Upload     Upload
	Object     Object
	Topics     Topics
	Offsets    Offsets
	Group      Group

	// Explicit values by property, strongest source first. A property that
	// nobody set is absent.
	set   map[string][]setting
	facts facts
}

// setting is one explicit value of a property.
type setting struct {
	value  string
	source Source
}

// facts are what the caller of Load knows of the machine.
type facts struct {
	hostname    string
	memoryBytes int64
}

// Node is who this process is.
type Node struct {
	ID           ids.NodeID
	IsBroker     bool
	IsController bool
	Rack         string // the zone; "" is none
	ClusterID    string // "" takes, or makes, the one in the data directory
	DataDir      string // absolute
	MetadataDir  string // absolute; DataDir unless set apart
}

// Network is where clients connect and how much they may ask for.
type Network struct {
	Listeners           []Listener // for clients and brokers
	ControllerListeners []Listener // for controllers
	InterBroker         string     // which of Listeners brokers use among themselves
	Advertised          []Listener // what clients are told; one for each of Listeners. Port 0: the one bound
	RequestBytesMax     int        // longest frame
	ConnectionsMax      int
	ConnectionsPerIPMax int
	ConnectionIdleMax   time.Duration
	QueuedRequestsMax   int   // in blocking work, over all connections
	QueuedBytesMax      int64 // in work for all connections
	FetchBytesMax       int   // one fetch's answer
	FetchSessionsMax    int
	DescribePartsMax    int // partitions in one answer of DescribeTopicPartitions
}

// Controller is the metadata quorum, and how a node finds it.
type Controller struct {
	Voters    []Voter  // as configured; none when Bootstrap, or gossip, is to find them
	Bootstrap []string // host:port of controller listeners
}

// HasOthers says whether there are, or can be, other nodes than this one: it
// tells them where it listens.
func (c *Config) HasOthers() bool {
	return !c.Node.IsController || len(c.Controller.Voters) != 1 || len(c.Network.ControllerListeners) > 0
}

// Lease is how brokers show that they are alive.
type Lease struct {
	Interval time.Duration // between two heartbeats
	Session  time.Duration // of silence, after which a broker is taken for dead
}

// Balance is how the active controller evens out load among brokers.
type Balance struct {
	Enabled  bool
	Interval time.Duration // between two plans

	// A broker below all of these has nothing moved from it; each a second.
	BytesInFloor, BytesOutFloor, RequestsFloor int64
}

// Admin is the HTTP listener for health and metrics.
type Admin struct {
	Addr string // host:port; "" is none
}

// Gossip is how nodes tell each other hints.
type Gossip struct {
	Listener string   // host:port; "" is none
	Seeds    []string // host:port of others'
	Key      []byte   // 16, 24 or 32 bytes; nil does not encrypt
}

// Memory is the one budget over all caches, queues and buffers.
type Memory struct {
	BudgetBytes int64
}

// Cache sizes the two read caches, in bytes.
type Cache struct {
	LogBytes   int64 // appended pages
	BlockBytes int64 // blocks of objects
}

// Upload says when appended records go to the object store.
type Upload struct {
	ThresholdBytes int64
	Interval       time.Duration
	RescueTarget   time.Duration // how long reading what is not uploaded may take a rescuer
}

// Object is the shape of what is uploaded.
type Object struct {
	BlockBytes      int   // about the size of a data block
	PartBytes       int64 // multipart above this, in parts of this
	SplitBytes      int64 // a stream with this much in an upload gets its own object
	DeleteRetention time.Duration
}

// Topics is how topics are made and kept, where they do not say themselves.
// What a single topic gets is in [ResolveTopic].
type Topics struct {
	NumPartitions          int
	ReplicationFactor      int // as shown; one replica is stored
	AutoCreate             bool
	DeleteEnable           bool
	RetentionCheckInterval time.Duration
	ProducerIDExpiration   time.Duration
	ProducerIDCheckEvery   time.Duration
}

// Offsets is about committed offsets and the topic that holds them.
type Offsets struct {
	NumPartitions          int
	MetadataBytesMax       int
	Retention              time.Duration
	RetentionCheckInterval time.Duration
}

// Group is about consumer groups.
type Group struct {
	SessionTimeoutMin     time.Duration
	SessionTimeoutMax     time.Duration
	InitialRebalanceDelay time.Duration
	SizeMax               int
}
