// Package ids names the identities of a Seawall cluster, each with a type of
// its own so that a node epoch is never taken for a stream epoch.
//
// Owns: the identity types and their text forms. Does not own: who issues
// them (the controller, see kraftmeta/image). No goroutines, no locks.
package ids

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
)

// NodeID is a node's number as configured by node.id; -1 is no node.
type NodeID int32

// NodeEpoch rises each time a node, or its rescuer, opens that node's WAL.
// The controller issues it; it is never a clock. Zero is no epoch.
type NodeEpoch uint64

// StreamID names a stream: the storage of one topic-partition. Zero is none.
type StreamID uint64

// StreamEpoch rises each time a leader opens the stream. Zero is never open.
type StreamEpoch uint64

// ObjectID names an object in the object store. Zero is none.
type ObjectID uint64

// UUID is a 128-bit random identity. The zero UUID is none.
type UUID [16]byte

// TopicID is the identity of a topic for as long as it exists; a topic made
// again under the same name has another.
type TopicID = UUID

// WALInstance is one life of one WAL: it stands in the metadata, in the WAL's
// header and in every flush.
type WALInstance = UUID

// IsZero says whether u is the absent identity.
func (u UUID) IsZero() bool { return u == UUID{} }

// String is Kafka's text form: 22 characters of unpadded URL-safe base64.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// MarshalText implements encoding.TextMarshaler by String, for logs in JSON.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Hex is the 32-digit lower-case form, fit for file names on any file system.
func (u UUID) Hex() string { return hex.EncodeToString(u[:]) }

// ParseUUID reads either text form of a UUID.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	var b []byte
	var err error
	switch len(s) {
	case 22:
		b, err = base64.RawURLEncoding.DecodeString(s)
	case 32:
		b, err = hex.DecodeString(s)
	default:
		return u, fmt.Errorf("ids: UUID %q: want 22 characters of base64 or 32 of hex", s)
	}
	if err != nil {
		return u, fmt.Errorf("ids: UUID %q: %w", s, err)
	}
	copy(u[:], b)
	return u, nil
}

// NewUUID makes a UUID (version 4) from random, which fills its argument and
// never fails (crypto/rand.Read in production, a seeded source in simulation).
func NewUUID(random func([]byte)) UUID {
	var u UUID
	random(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

func (n NodeID) String() string      { return strconv.FormatInt(int64(n), 10) }
func (e NodeEpoch) String() string   { return strconv.FormatUint(uint64(e), 10) }
func (s StreamID) String() string    { return strconv.FormatUint(uint64(s), 10) }
func (e StreamEpoch) String() string { return strconv.FormatUint(uint64(e), 10) }
func (o ObjectID) String() string    { return strconv.FormatUint(uint64(o), 10) }
