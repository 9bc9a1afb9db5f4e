package partition

import (
	"context"
	"errors"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream"
)

// TailStates asks other nodes.
type TailStates interface {
	// TailState is what node answers to Set.TailState: all producers of a
	// stream where it ends, or an error if it does not know them.
	TailState(ctx context.Context, node ids.NodeID, stream ids.StreamID, end int64) ([]byte, error)
}

// ErrNoState says that this node does not know the state asked for.
var ErrNoState = errors.New("partition: state is not known here")

// stateWait bounds the question for a partition's state.
const stateWait = 2 * time.Second

// TailState answers another node that opens a stream which this one has closed,
// as its leader or as the rescuer of its WAL: all of its producers at the end.
// The error is ErrNoState if they are not known here.
func (s *Set) TailState(stream ids.StreamID, end int64) ([]byte, error) {
	st, ok := s.cfg.Image().Stream(stream)
	if !ok {
		return nil, ErrUnknown
	}
	return s.cfg.Tails.state(stream, st.StartOffset, end)
}

// handOff gives partitions up to another leader: appends are refused from now
// on, and whoever waits is told. Their streams are closed beside the Set's
// goroutine, as soon as what was appended is durable.
func (s *Set) handOff(ctx context.Context, ps []*Partition) {
	for _, p := range ps {
		s.remove(p)
		p.resign()
	}
	if len(ps) > 0 {
		s.closeStreams(ctx, ps, true)
	}
}

// Pauses between attempts at closing streams.
const (
	closePauseFirst = 50 * time.Millisecond
	closePauseMost  = 2 * time.Second
)

// closeStreams closes the streams of partitions that took their last append. The
// state of those that were served is kept for who opens them next.
func (s *Set) closeStreams(ctx context.Context, ps []*Partition, served bool) {
	began := s.cfg.Clock.Now()
	openings := make([]s3stream.Opening, 0, len(ps))
	byStream := make(map[ids.StreamID]*Partition, len(ps))
	for _, p := range ps {
		openings = append(openings, s3stream.Opening{Stream: p.stream.ID(), Epoch: p.stream.Epoch()})
		byStream[p.stream.ID()] = p
	}
	s.notice.handing(len(ps))
	s.handOffs.Go(func() {
		defer s.notice.handing(-len(ps))
		ended := func(stream ids.StreamID, end int64) {
			if p := byStream[stream]; served && p != nil {
				s.keepState(p, end)
				delete(byStream, stream) // an attempt after this one has nothing to keep
			}
		}
		retry := clock.Backoff{Min: closePauseFirst, Max: closePauseMost}
		for {
			err := s.cfg.Streams.HandOff(ctx, openings, ended)
			if err == nil || ctx.Err() != nil {
				break
			}
			s.cfg.Log.Warn("streams not handed over yet, will retry", "count", len(openings), "error", err)
			_ = retry.Wait(ctx, s.cfg.Clock) // ends with ctx, as the loop does
		}
		if served { // else those who restore them do that
			for _, p := range ps {
				p.stop()
			}
		}
		if s.cfg.HandedOff != nil && ctx.Err() == nil {
			s.cfg.HandedOff(len(ps), s.cfg.Clock.Now().Sub(began))
		}
	})
}

// keepState moves a partition's producers to where other nodes find them.
func (s *Set) keepState(p *Partition, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != end || s.cfg.Tails == nil {
		return
	}
	s.cfg.Tails.keep(p.stream.ID(), p.stream.Epoch(), end, p.producers)
	p.producers = newProducers()
}

// AwaitEmpty returns once this node leads nothing and has closed all it led, or
// with ctx's error.
func (s *Set) AwaitEmpty(ctx context.Context) error {
	return s.notice.await(ctx, func(n *notice) bool { return n.led == 0 && n.leaving == 0 })
}
