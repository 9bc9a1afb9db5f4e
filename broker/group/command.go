package group

import "github.com/twmb/franz-go/pkg/kmsg"

// Token names a request until its reply; the caller makes it unique among
// the requests a shard has not yet answered.
type Token uint64

// Command is what a Shard steps on: [Request], [TopicsDeleted], [Appended],
// [AppendFailed], [Tick] or [Unload].
type Command interface{ command() }

// Request is a client's request, answered by exactly one [Reply] that carries
// Token: now, when an append is durable, when a rebalance completes, or at
// Unload.
//
// Req is one of kmsg's JoinGroup, SyncGroup, Heartbeat, LeaveGroup,
// OffsetCommit, OffsetFetch, OffsetDelete, DescribeGroups, ListGroups and
// DeleteGroups requests. Those that name several groups are given only the
// groups of this shard; topic ids are resolved to names already and are
// echoed. The shard keeps Req's strings and copies of its byte slices, so the
// buffer that Req was decoded from may be reused once Step returns, unless it
// was decoded by UnsafeReadFrom.
type Request struct {
	Token      Token
	ClientID   string
	ClientHost string
	Req        kmsg.Request
}

// TopicsDeleted removes the committed offsets of topics that are no more.
type TopicsDeleted struct{ Topics []string }

// Appended reports that the append with this ID is durable: it is below the
// high watermark. Outcomes may be reported in any order; they take effect in
// the order of the appends.
type Appended struct{ ID uint64 }

// AppendFailed reports that the append with this ID was refused and is not in
// the log, and the code to answer with. An append whose outcome is unknown
// must not be reported: unload the shard and load it again.
type AppendFailed struct {
	ID   uint64
	Code Code
}

// Tick lets the time-outs due at Step's now run.
type Tick struct{}

// Unload answers every parked request with NOT_COORDINATOR. The shard must
// not be stepped again.
type Unload struct{}

func (Request) command()       {}
func (TopicsDeleted) command() {}
func (Appended) command()      {}
func (AppendFailed) command()  {}
func (Tick) command()          {}
func (Unload) command()        {}

// Effect is what the caller must do: [Append], [Reply] or [Event].
type Effect interface{ effect() }

// Append asks that Records be appended to the shard's partition in the order
// of the effects, and that the outcome be reported by Appended or
// AppendFailed.
type Append struct {
	ID      uint64
	Records []Record
}

// Record is one record of __consumer_offsets. A nil Value is a tombstone.
// The bytes are not changed after they were handed out.
type Record struct{ Key, Value []byte }

// Reply answers a request. Response is of the request's kind and version.
type Reply struct {
	Token    Token
	Response kmsg.Response
}

// Event tells that a group changed its state, for logs and metrics.
type Event struct {
	Group      string
	Generation int32
	State      State
	Reason     string
}

func (Append) effect() {}
func (Reply) effect()  {}
func (Event) effect()  {}
