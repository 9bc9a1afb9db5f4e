package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// CommitUpload makes one upload from a WAL part of the metadata: its objects,
// what they hold of which streams, and the WAL's new trim position.
//
// Slices are accepted or refused one by one. A stream's slice must come from
// the first of its tails, and begin at its committed end. A refused slice
// whose bytes nobody needs (see [Reason.Dead]) does not hold the trim back; one
// whose bytes are still needed, which only an uploader's mistake brings about,
// does, so that the mistake costs space and no data (I3, I5).
type CommitUpload struct {
	Node      ids.NodeID // holds the WAL
	NodeEpoch ids.NodeEpoch
	WAL       ids.WALInstance
	Objects   []UploadedObject
	Slices    []Slice
	Trim      uint64 // the WAL's space below it is to be free
}

// UploadedObject is an object whose upload is complete.
type UploadedObject struct {
	ID   ids.ObjectID // prepared by this node at this epoch
	Key  string
	Kind ObjectKind
	Size int64
	CRC  uint32
}

// Slice is what an object holds of one opening of a stream.
type Slice struct {
	Object ids.ObjectID
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	Start  int64
	End    int64
	Bytes  int64 // of its batches
}

// CommittedUpload is the result of CommitUpload.
type CommittedUpload struct {
	Refused []RefusedSlice // by position; none in the common case
	Trim    uint64         // the WAL's trim position now
}

// RefusedSlice is a slice that was not accepted.
type RefusedSlice struct {
	Position int32 // in the command's Slices
	Reason   Reason
}

// Dead says whether a slice refused for this reason holds bytes that no stream
// needs any more: another holds them, or they were never acknowledged under
// the stream's present history.
func (r Reason) Dead() bool {
	return r == UnknownStream || r == StaleStreamEpoch || r == AlreadyCommitted
}

// CommandKind is KindCommitUpload.
func (*CommitUpload) CommandKind() CommandKind { return KindCommitUpload }

// NewResult is an empty result.
func (*CommitUpload) NewResult() *CommittedUpload { return new(CommittedUpload) }

func (cmd *CommitUpload) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	c.UUID(&cmd.WAL)
	wire.List(c, &cmd.Objects, 5, uploadedObjectFields)
	wire.List(c, &cmd.Slices, 6, sliceFields)
	wire.Uint(c, &cmd.Trim)
}

func uploadedObjectFields(c *wire.Coder, o *UploadedObject) {
	wire.Uint(c, &o.ID)
	wire.String(c, &o.Key)
	wire.Uint(c, &o.Kind)
	wire.Int(c, &o.Size)
	wire.Uint(c, &o.CRC)
}

func sliceFields(c *wire.Coder, s *Slice) {
	wire.Uint(c, &s.Object)
	wire.Uint(c, &s.Stream)
	wire.Uint(c, &s.Epoch)
	wire.Int(c, &s.Start)
	wire.Int(c, &s.End)
	wire.Int(c, &s.Bytes)
}

func (r *CommittedUpload) fields(c *wire.Coder) {
	wire.List(c, &r.Refused, 2, func(c *wire.Coder, s *RefusedSlice) {
		wire.Int(c, &s.Position)
		wire.Uint(c, &s.Reason)
	})
	wire.Uint(c, &r.Trim)
}

func (cmd *CommitUpload) run(d *draft) (Result, *Refusal) {
	w, r := d.checkHolder(cmd.Node, cmd.NodeEpoch, cmd.WAL)
	if r != nil {
		return nil, r
	}
	objects, r := cmd.checkObjects(d)
	if r != nil {
		return nil, r
	}
	result := &CommittedUpload{Trim: max(w.Trim, cmd.Trim)}
	var ranges []*Range
	for i, s := range cmd.Slices {
		o, ok := objects[s.Object]
		if !ok || s.Start < 0 || s.Start >= s.End {
			return nil, refuse(InvalidCommand, "slice %d: offsets %d to %d of stream %d in object %d",
				i, s.Start, s.End, s.Stream, s.Object)
		}
		next, reason := d.acceptSlice(w, s)
		if reason != NotRefused {
			result.Refused = append(result.Refused, RefusedSlice{int32(i), reason})
			if !reason.Dead() {
				result.Trim = w.Trim
			}
			continue
		}
		d.putStream(next, d.passLost(next))
		if s.End > next.StartOffset { // else it was deleted before it came here
			ranges = append(ranges, &Range{s.Stream, s.Start, s.End, s.Epoch, s.Object, s.Bytes})
			o.LiveRanges++
		}
	}
	d.putUpload(cmd.Objects, objects, ranges)
	if result.Trim != w.Trim {
		next := *w
		next.Trim = result.Trim
		d.put(&next)
	}
	return result, nil
}

// checkObjects returns the objects as they will be committed, but for their
// number of ranges.
func (cmd *CommitUpload) checkObjects(d *draft) (map[ids.ObjectID]*Object, *Refusal) {
	objects := make(map[ids.ObjectID]*Object, len(cmd.Objects))
	for _, u := range cmd.Objects {
		was, ok := d.img.objects.get(u.ID)
		if !ok || was.State != ObjectPrepared || was.PreparedBy != cmd.Node || was.PreparedEpoch != cmd.NodeEpoch {
			return nil, refuse(UnknownObject, "object %d was not prepared by node %d at epoch %d",
				u.ID, cmd.Node, cmd.NodeEpoch)
		}
		if _, twice := objects[u.ID]; twice || u.Key == "" || u.Size < 0 {
			return nil, refuse(InvalidCommand, "object %d with key %q, %d bytes", u.ID, u.Key, u.Size)
		}
		next := *was
		next.Key, next.Kind, next.Size, next.CRC, next.State = u.Key, u.Kind, u.Size, u.CRC, ObjectCommitted
		objects[u.ID] = &next
	}
	return objects, nil
}

// acceptSlice is the stream with the slice committed, or why it is not.
func (d *draft) acceptSlice(w *WAL, s Slice) (*Stream, Reason) {
	was, ok := d.img.streams.get(s.Stream)
	switch {
	case !ok:
		return nil, UnknownStream
	case s.End <= was.CommittedEnd:
		return nil, AlreadyCommitted
	}
	at := -1
	for i, t := range was.Tails {
		if t.Epoch == s.Epoch && t.WAL == w.Instance {
			at = i
		}
	}
	switch {
	case at < 0:
		return nil, StaleStreamEpoch
	case at > 0:
		return nil, NotFirstTail
	case s.Start < was.CommittedEnd || s.Start > max(was.CommittedEnd, was.StartOffset):
		return nil, NotContiguous
	case !was.Tails[0].IsOpen() && s.End > was.Tails[0].End:
		return nil, PastEnd
	}
	next := was.clone()
	next.CommittedEnd = s.End
	next.dropSettledTails()
	return next, NotRefused
}

// putUpload puts objects before ranges, which look at their objects' kinds. An
// object of which nothing was accepted is removed at once.
func (d *draft) putUpload(order []UploadedObject, objects map[ids.ObjectID]*Object, ranges []*Range) {
	for _, u := range order {
		o := objects[u.ID]
		if o.LiveRanges == 0 {
			o.State, o.RemovedAt = ObjectRemoved, d.index
		}
		d.put(o)
	}
	for _, r := range ranges {
		d.put(r)
	}
}
