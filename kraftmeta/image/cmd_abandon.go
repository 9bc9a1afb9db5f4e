package image

import (
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// abandonLevel is the level of [MetadataFeature] from which on WALs can be
// abandoned: programs below it know neither the state nor lost ranges.
const abandonLevel = 2

// AbandonWAL gives up a WAL that nobody can reach, for good, and with it the
// records that it alone has. It is refused while a node holds the WAL, or when
// another held it last than the issuer has seen: what is lost may then be less.
//
// A stream that was open in it ends where the metadata knows its end to be. The
// offsets after it may have been given to records; they are given again, under
// a higher leader epoch, as after Kafka's unclean election: clients find out by
// OffsetForLeaderEpoch (KIP-320). A closed tail leaves a gap: its offsets are
// not given again, and readers go on after it.
type AbandonWAL struct {
	Instance    ids.WALInstance
	Holder      ids.NodeID // who held it last, dead since
	HolderEpoch ids.NodeEpoch
}

// AbandonedWAL is the result of AbandonWAL: what was lost, by stream and offset.
type AbandonedWAL struct {
	Lost []Lost
}

// Lost are the offsets of a stream that are gone with a WAL.
type Lost struct {
	Stream ids.StreamID
	Start  int64
	End    int64 // OpenEnd where it is not known how many records there were, if any
}

// CommandKind is KindAbandonWAL.
func (*AbandonWAL) CommandKind() CommandKind { return KindAbandonWAL }

// NewResult is an empty result.
func (*AbandonWAL) NewResult() *AbandonedWAL { return new(AbandonedWAL) }

func (cmd *AbandonWAL) fields(c *wire.Coder) {
	c.UUID(&cmd.Instance)
	wire.Int(c, &cmd.Holder)
	wire.Uint(c, &cmd.HolderEpoch)
}

func (r *AbandonedWAL) fields(c *wire.Coder) {
	wire.List(c, &r.Lost, 3, func(c *wire.Coder, l *Lost) {
		wire.Uint(c, &l.Stream)
		wire.Int(c, &l.Start)
		wire.Int(c, &l.End)
	})
}

func (cmd *AbandonWAL) run(d *draft) (Result, *Refusal) {
	if r := CanAbandon(d.img); r != nil {
		return nil, r
	}
	was, ok := d.img.wals.get(cmd.Instance)
	if !ok || was.State.IsOver() {
		return nil, refuse(UnknownWAL, "WAL %s", cmd.Instance)
	}
	holder, epoch := was.Holder()
	switch {
	case d.img.RescuerOf(was) == NoLeader:
		return nil, refuse(WALNotFenced, "node %d holds WAL %s at its current epoch %d", holder, cmd.Instance, epoch)
	case holder != cmd.Holder || epoch != cmd.HolderEpoch:
		return nil, refuse(NotWALHolder, "WAL %s was held last by node %d at epoch %d", cmd.Instance, holder, epoch)
	}
	result := &AbandonedWAL{Lost: d.img.LostWith(cmd.Instance)}
	next := *was
	next.State, next.Assigned = WALAbandoned, NoLeader
	d.put(&next)
	d.closeTailsOf(cmd.Instance, nil)
	for _, s := range d.img.streamsIn(cmd.Instance) {
		passed := s.clone()
		d.putStream(passed, d.passLost(passed))
	}
	return result, nil
}

// CanAbandon refuses AbandonWAL while the cluster may have programs that do not
// know it. A submitter asks first: those would not get past the command.
func CanAbandon(img *Image) *Refusal {
	return img.needLevel(abandonLevel, "WALs can be abandoned")
}

// passLost moves the committed end of a stream, which is not put yet, past lost
// tails that it has come to. Each leaves a range that no object holds.
func (d *draft) passLost(s *Stream) (gaps []*Range) {
	for len(s.Tails) > 0 && d.img.isLost(s.Tails[0]) {
		t := s.Tails[0]
		if from := max(s.CommittedEnd, s.StartOffset); from < t.End { // else it was committed, or deleted
			gaps = append(gaps, &Range{Stream: s.ID, Start: from, End: t.End, Epoch: t.Epoch})
		}
		s.CommittedEnd = max(s.CommittedEnd, t.End)
		s.dropSettledTails()
	}
	return gaps
}

func (d *draft) putStream(s *Stream, gaps []*Range) {
	d.put(s)
	for _, g := range gaps {
		d.put(g)
	}
}

// isLost says whether a tail is gone with its WAL.
func (img *Image) isLost(t Tail) bool {
	w, ok := img.wals.get(t.WAL)
	return ok && w.State == WALAbandoned
}

// streamsIn are the streams that have a tail in a WAL, by id.
func (img *Image) streamsIn(instance ids.WALInstance) (found []*Stream) {
	for s := range img.Streams() {
		if slices.ContainsFunc(s.Tails, func(t Tail) bool { return t.WAL == instance }) {
			found = append(found, s)
		}
	}
	return found
}

// LostWith is what would be lost with a WAL, or is as long as it is not passed:
// by stream and offset.
func (img *Image) LostWith(instance ids.WALInstance) (lost []Lost) {
	for _, s := range img.streamsIn(instance) {
		for i, t := range s.Tails {
			if t.WAL != instance {
				continue
			}
			from := max(t.Start, s.StartOffset)
			if i == 0 {
				from = max(from, s.CommittedEnd)
			}
			if t.IsOpen() || from < t.End {
				lost = append(lost, Lost{Stream: s.ID, Start: from, End: t.End})
			}
		}
	}
	return lost
}

// LostUpTo says up to where the records of a stream from an offset on were lost
// with abandoned WALs; ok is false if the one at the offset was not.
func (img *Image) LostUpTo(stream ids.StreamID, offset int64) (end int64, ok bool) {
	s, known := img.Stream(stream)
	if !known {
		return offset, false
	}
	end = offset
	for r := range img.Ranges(stream, offset) {
		if !r.IsLost() || r.Start > end {
			break
		}
		end = r.End
	}
	for _, t := range s.Tails {
		if t.Start <= end && end < t.End && img.isLost(t) {
			end = t.End
		}
	}
	return end, end > offset
}
