package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// epochHistory reads a stream's leader epochs from the metadata: a leader's
// epoch is the stream's, and every range and tail names the one that wrote it.
func epochHistory(img *image.Image, stream ids.StreamID) epochs {
	var e epochs
	for r := range img.Ranges(stream, 0) {
		e.begin(int32(r.Epoch), r.Start)
	}
	if s, ok := img.Stream(stream); ok {
		for _, t := range s.Tails {
			e.begin(int32(t.Epoch), t.Start)
		}
		e.trim(s.StartOffset)
	}
	return e
}

// EndOffsetForEpoch is [Partition.EndOffsetForEpoch] of a leader that, by this
// image, opened a stream at an epoch and offset, and whose log ends by now at end:
// for simulations, which have no Partition.
func EndOffsetForEpoch(img *image.Image, stream ids.StreamID, leaderEpoch int32, start int64, asked int32, end int64) (epoch int32, endOffset int64) {
	e := epochHistory(img, stream)
	e.begin(leaderEpoch, start)
	return e.endOffset(asked, end)
}

// source is where a partition's state is to be read from.
type source uint8

const (
	fromMemory  source = iota // nothing is to be read
	fromPeer                  // another node's memory
	fromLog                   // the tail: a disk of ours, or of another node
	fromObjects               // a summary as well: the object store
	sources     = int(fromObjects) + 1
)

// restorePlan is how one attempt at a restore goes about it. Uploads go on
// meanwhile and move what is in the log into objects: an attempt goes by what
// was so when it was planned, which is as true as what is so by then. Else one
// that was planned not to wait for the object store might do so all the same.
type restorePlan struct {
	source    source
	committed int64 // up to here objects are asked, and from here the tail is read
	where     whereabouts
}

// plan says what an attempt made now would wait for.
func (p *Partition) plan() restorePlan {
	start, committed := p.stream.StartOffset(), p.stream.CommittedEnd()
	plan := restorePlan{source: fromLog, committed: committed, where: p.where()}
	switch {
	case p.tail != nil && p.tail.whole:
		plan.source = fromMemory
	case plan.where.askable && !p.asked && p.stream.End() > start:
		plan.source = fromPeer
	case committed > start:
		plan.source = fromObjects
	case p.tail != nil || p.stream.End() <= start:
		plan.source = fromMemory
	}
	return plan
}

// replayBytes is how much of a tail is read at once.
const replayBytes = 1 << 20

// errElsewhere: the state is not had as planned, and may be had elsewhere at
// once.
var errElsewhere = errors.New("state is to be had elsewhere")

// restore rebuilds the producers' state, as planned: what was noted of all of
// them at the log's end, here or by the node that had the log before; else what
// the newest attachment says of objects, then what the recovery of the log noted
// of the tail, or else the tail batch by batch.
func (p *Partition) restore(ctx context.Context, plan restorePlan) error {
	switch {
	case plan.source == fromPeer:
		p.asked = true
		state, err := p.asks(ctx, plan.where.closer)
		if err != nil {
			return fmt.Errorf("%w: %w", errElsewhere, err)
		}
		p.adoptWhole(state)
		return nil
	case p.tail != nil && p.tail.whole:
		p.adoptWhole(p.tail.producers)
		return nil
	}
	p.asked = false // should this fail, it is asked again
	state, err := p.producersAt(ctx, plan.committed)
	if err != nil {
		return err
	}
	p.summaries.seed(plan.committed, state)
	charged := p.tail.charged()
	if p.tail != nil {
		state.follow(p.tail.producers)
		p.tail = nil
	} else if err := p.replay(ctx, max(plan.committed, p.stream.StartOffset()), state); err != nil {
		return err
	}
	if p.stream.IsDirect() { // its slices begin at the end, those of the tail before may be uploaded later
		p.summaries.note(p.end, state.snapshot())
	}
	p.adoptProducers(state, charged)
	return nil
}

// replay adds the producers of the tail.
func (p *Partition) replay(ctx context.Context, from int64, state producers) error {
	err := p.walk(ctx, from, p.stream.End(), func(h *batch.Header, _ []byte) bool {
		if h.HasProducerID() {
			state.record(h)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("replay of %s from %d: %w", p, from, err)
	}
	return nil
}

// producersAt is the producers' state at the end of what is in objects. The
// newest summary has it whole, unless it was made where the partition was not
// led: then the ones before it are asked too.
func (p *Partition) producersAt(ctx context.Context, committed int64) (producers, error) {
	start := p.stream.StartOffset()
	if committed <= start {
		return newProducers(), nil
	}
	newest, err := p.follow(ctx, committed-1, committed)
	if err != nil || newest.complete {
		return restoreProducers(newest.state), err
	}
	all, err := p.follow(ctx, start, committed)
	return restoreProducers(all.state), err
}

// followed is what a run of summaries says of producers.
type followed struct {
	state    map[int64]batch.Producer
	complete bool // the last one has every producer of the partition
}

func (p *Partition) follow(ctx context.Context, from, upTo int64) (f followed, err error) {
	for a, err := range p.stream.Attachments(ctx, from, upTo) {
		if err != nil {
			return f, fmt.Errorf("producers of %s up to %d: %w", p, upTo, err)
		}
		s, err := batch.ParseSummary(a.Summary)
		if err != nil {
			return f, fmt.Errorf("summary of %s at %d: %w", p, a.Start, err)
		}
		f.state, f.complete = s.Follow(f.state), s.ProducersComplete
	}
	return f, nil
}

// adoptWhole takes over the producers as they are at the log's end, which makes
// what was noted of it needless.
func (p *Partition) adoptWhole(state producers) {
	charged := p.tail.charged() // also if it is the notes' own: adopting may evict
	p.summaries.seed(p.end, state)
	p.adoptProducers(state, charged)
	p.tail = nil
}

// adoptProducers takes over the restored producers, of whom so many are charged
// already. It charges for the others; if memory is short, the oldest are out
// first.
func (p *Partition) adoptProducers(state producers, charged int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if surplus := charged - len(state.byID); surplus > 0 {
		p.memory.Release(int64(surplus) * producerBytes)
	}
	for n := charged; n < len(state.byID); n++ {
		if !p.memory.TryAcquire(producerBytes) {
			for len(state.byID) > n {
				state.evictOldest(batch.NoProducerID)
			}
			break
		}
	}
	p.producers = state
}

// walk reads the batches of [from, upTo) in order until f says stop. The bytes
// are valid during the call.
func (p *Partition) walk(ctx context.Context, from, upTo int64, f func(h *batch.Header, b []byte) (more bool)) error {
	for from < upTo {
		res, err := p.stream.Read(ctx, from, upTo, s3stream.ReadOptions{MaxBytes: replayBytes, MinOne: true})
		if err != nil {
			return err
		}
		next := res.NextOffset
		more, err := walkSegments(res.Segments, f)
		res.Release()
		if err != nil || !more {
			return err
		}
		if next <= from {
			return fmt.Errorf("read at %d of %s ends at %d", from, p, next)
		}
		from = next
	}
	return nil
}

// walkSegments calls f for the batches in segments, of which one may span two:
// pages of the log end where they end.
func walkSegments(segments [][]byte, f func(h *batch.Header, b []byte) bool) (more bool, err error) {
	var cut []byte // the beginning of a batch that goes on in the next segment
	for _, s := range segments {
		if len(cut) > 0 {
			s = append(cut, s...)
		}
		it := batch.NewIter(s, batch.TailPartial)
		for it.Next() {
			if !f(it.Header(), it.Batch()) {
				return false, nil
			}
		}
		if err := it.Err(); err != nil {
			return false, err
		}
		cut = slices.Clone(it.Rest())
	}
	if len(cut) > 0 {
		return false, batch.ErrTruncated
	}
	return true, nil
}
