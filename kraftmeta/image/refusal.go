package image

import (
	"fmt"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Reason says why a command, or one part of it, was refused. The numbers are
// durable. Reasons are the metadata's own: what a Kafka client is told is
// decided in broker/.
type Reason uint16

// The reasons.
const (
	NotRefused          Reason = 0
	Forgotten           Reason = 1  // it may have been applied; its answer is not known any more
	OutOfWindow         Reason = 2  // too far past the oldest command not acknowledged
	InvalidCommand      Reason = 3  // contradicts itself
	NotFormatted        Reason = 4  // the cluster has no identity yet
	AlreadyFormatted    Reason = 5  // it has one
	UnknownNode         Reason = 6  // never registered
	StaleNodeEpoch      Reason = 7  // the node's epoch is another
	NodeIsFenced        Reason = 8  // this incarnation was fenced: start another
	UnknownWAL          Reason = 9  // no such instance
	DuplicateWAL        Reason = 10 // the instance exists
	NotWALHolder        Reason = 11 // the node at this epoch does not speak for the WAL
	WALNotFenced        Reason = 12 // whoever holds the WAL is still at the epoch it opened it with
	WALInUse            Reason = 13 // tails of streams are in it
	UnknownStream       Reason = 14 // never was, or its topic was deleted
	StaleStreamEpoch    Reason = 15 // the stream was opened anew since
	StreamIsOpen        Reason = 16 // its tail must be closed first
	NotLeader           Reason = 17 // the partition is led by another node
	AlreadyCommitted    Reason = 18 // objects hold it
	NotContiguous       Reason = 19 // does not begin at the committed end
	NotFirstTail        Reason = 20 // an earlier tail must be committed first
	PastEnd             Reason = 21 // beyond the end of the tail or stream
	UnknownObject       Reason = 22 // never prepared, or collected
	NotRemovable        Reason = 23 // the object is committed, or may still be read
	InvalidTopicName    Reason = 24
	TopicExists         Reason = 25 // also one whose name differs only in . and _
	UnknownTopic        Reason = 26
	InvalidPartitions   Reason = 27 // a count that is not positive or does not grow
	UnknownPartition    Reason = 28
	StaleLeaderEpoch    Reason = 29
	InvalidFeatureLevel Reason = 30 // would lower a level, or a level nobody knows
	Unsupported         Reason = 31 // reserved, not built yet
	NotRescuer          Reason = 32 // another node is to rescue the WAL
	NodeInUse           Reason = 33 // it is alive, or WALs of its are still needed
)

var reasonNames = [...]string{
	"not refused", "forgotten", "out of window", "invalid command", "not formatted", "already formatted",
	"unknown node", "stale node epoch", "node is fenced", "unknown WAL", "duplicate WAL", "not WAL holder",
	"WAL not fenced", "WAL in use", "unknown stream", "stale stream epoch", "stream is open", "not leader",
	"already committed", "not contiguous", "not first tail", "past end", "unknown object", "not removable",
	"invalid topic name", "topic exists", "unknown topic", "invalid partitions", "unknown partition",
	"stale leader epoch", "invalid feature level", "unsupported", "not rescuer", "node in use",
}

// String names the reason.
func (r Reason) String() string { return enumName(r, reasonNames[:]...) }

// Refusal is why a command changed nothing, or a part of one did not count.
type Refusal struct {
	Reason Reason
	Detail string // for people
}

// Error makes a refusal of a whole command an error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "metadata: " + r.Reason.String()
	}
	return "metadata: " + r.Reason.String() + ": " + r.Detail
}

// Is matches any refusal with the same reason, so that errors.Is works with
// &Refusal{Reason: StaleNodeEpoch}.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Reason == r.Reason
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

func refusalFields(c *wire.Coder, r *Refusal) {
	wire.Uint(c, &r.Reason)
	wire.String(c, &r.Detail)
}
