package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Object is an object in the object store, from before its upload until after
// its deletion.
type Object struct {
	ID    ids.ObjectID
	Key   string // "" until committed; then where it stands in its bucket
	Kind  ObjectKind
	Size  int64  // bytes
	CRC   uint32 // CRC32C of all of it
	State ObjectState
	// PreparedBy may upload it, as long as its node epoch is PreparedEpoch.
	PreparedBy    ids.NodeID
	PreparedEpoch ids.NodeEpoch
	PreparedAtMs  int64 // Unix milliseconds, by the preparing node's clock
	// LiveRanges counts the ranges of streams that it still holds; at 0 a
	// committed object becomes removed.
	LiveRanges int32
	// RemovedAt is the index of the command that removed it. It may be deleted
	// once the feed of every living node has passed that index (I4).
	RemovedAt uint64
}

// ObjectKind is what an object holds. The numbers are durable.
type ObjectKind uint8

// The kinds of objects.
const (
	StreamObject    ObjectKind = 1 // one stream's data
	StreamSetObject ObjectKind = 2 // many streams' data
	ZoneObject      ObjectKind = 3 // reserved: slices that wait to be adopted
)

// String names the kind.
func (k ObjectKind) String() string { return enumName(k, "none", "stream", "stream-set", "zone") }

// ObjectState is the life of an object. The numbers are durable.
type ObjectState uint8

// The states of an object.
const (
	ObjectPrepared  ObjectState = 1 // its id is given out, its upload may be under way
	ObjectCommitted ObjectState = 2 // whole, and named by ranges
	ObjectRemoved   ObjectState = 3 // named by nothing, waits for its deletion
)

// String names the state.
func (s ObjectState) String() string { return enumName(s, "", "prepared", "committed", "removed") }

// RemoveObject forgets an object that was deleted from the store.
type RemoveObject struct {
	ID ids.ObjectID
}

// RecordKind is KindObject.
func (*Object) RecordKind() RecordKind { return KindObject }

func (r *Object) fields(c *wire.Coder) {
	wire.Uint(c, &r.ID)
	wire.String(c, &r.Key)
	wire.Uint(c, &r.Kind)
	wire.Int(c, &r.Size)
	wire.Uint(c, &r.CRC)
	wire.Uint(c, &r.State)
	wire.Int(c, &r.PreparedBy)
	wire.Uint(c, &r.PreparedEpoch)
	wire.Int(c, &r.PreparedAtMs)
	wire.Int(c, &r.LiveRanges)
	wire.Uint(c, &r.RemovedAt)
}

func (r *Object) apply(img *Image) {
	img.objects.put(r.ID, r)
	if r.State == ObjectCommitted {
		img.unsettled.remove(r.ID)
	} else {
		img.unsettled.put(r.ID, r)
	}
}

// RecordKind is KindRemoveObject.
func (*RemoveObject) RecordKind() RecordKind { return KindRemoveObject }

func (r *RemoveObject) fields(c *wire.Coder) { wire.Uint(c, &r.ID) }

func (r *RemoveObject) apply(img *Image) {
	img.objects.remove(r.ID)
	img.unsettled.remove(r.ID)
}

// Object returns an object.
func (img *Image) Object(id ids.ObjectID) (*Object, bool) { return img.objects.get(id) }

// Objects walks all objects by id.
func (img *Image) Objects() iter.Seq[*Object] { return img.objects.values() }

// Unsettled walks, by id, the objects that are prepared or removed: what a
// collector looks at. It does not walk the committed ones.
func (img *Image) Unsettled() iter.Seq[*Object] { return img.unsettled.values() }
