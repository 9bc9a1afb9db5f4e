package rescue

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// opening names a tail within an instance.
type opening struct {
	stream ids.StreamID
	epoch  ids.StreamEpoch
}

// finder walks the records of an instance and finds where its tails end. Pure.
type finder struct {
	tails map[opening]*found
	order []*found // as the metadata listed them
}

// found is a tail and how far its records were seen.
type found struct {
	meta.Tail
	from int64 // where what is needed begins
	end  int64 // records were seen up to here
}

func newFinder(tails []meta.Tail) *finder {
	f := &finder{tails: make(map[opening]*found, len(tails))}
	for _, t := range tails {
		from := max(t.Start, t.CommittedEnd)
		x := &found{Tail: t, from: from, end: from}
		f.tails[opening{t.Stream, t.Epoch}] = x
		f.order = append(f.order, x)
	}
	return f
}

// GapError says that acknowledged records of a stream are missing from a WAL.
type GapError struct {
	Stream   ids.StreamID
	Epoch    ids.StreamEpoch
	From, To int64 // offsets missing: [From, To)
	Position int64 // in the WAL, of the record after the gap; -1 at its end
}

// Error names the stream and the offsets.
func (e *GapError) Error() string {
	if e.Position < 0 {
		return fmt.Sprintf("stream %d, epoch %d: acknowledged offsets %d to %d are missing from the WAL", e.Stream, e.Epoch, e.From, e.To)
	}
	return fmt.Sprintf("stream %d, epoch %d: offsets %d to %d are missing from the WAL before position %d", e.Stream, e.Epoch, e.From, e.To, e.Position)
}

// has says whether a record is of a tail that is looked for.
func (f *finder) has(r *walfmt.Record) bool {
	return f.tails[opening{r.Stream, r.StreamEpoch}] != nil
}

// record looks at the next record and says whether it is needed: whether it
// continues a tail past what objects hold. Records of other openings are dead,
// as are those past the end that a tail was closed at: neither was ever
// acknowledged as part of the stream.
func (f *finder) record(r *walfmt.Record) (needed bool, err error) {
	if r.Kind != walfmt.KindData {
		return false, nil
	}
	t := f.tails[opening{r.Stream, r.StreamEpoch}]
	switch {
	case t == nil || r.EndOffset <= t.from:
		return false, nil
	case t.End != meta.OpenEnd && t.end >= t.End:
		return false, nil
	case r.BaseOffset != t.end:
		return false, &GapError{Stream: r.Stream, Epoch: r.StreamEpoch, From: t.end, To: r.BaseOffset, Position: r.Position}
	}
	t.end = r.EndOffset
	return true, nil
}

// ends gives the ends of the open tails, and an error if a closed one was not
// found whole.
func (f *finder) ends() ([]meta.TailEnd, error) {
	var out []meta.TailEnd
	for _, t := range f.order {
		switch {
		case t.End == meta.OpenEnd:
			out = append(out, meta.TailEnd{Stream: t.Stream, Epoch: t.Epoch, End: t.end})
		case t.end < t.End:
			return nil, &GapError{Stream: t.Stream, Epoch: t.Epoch, From: t.end, To: t.End, Position: -1}
		}
	}
	return out, nil
}
