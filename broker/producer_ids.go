package broker

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// producerIDBlock is how many producer ids the broker takes at a time, as in
// Kafka. What is left of a block when the broker ends is never given out.
const producerIDBlock = 1000

// producerIDs gives out producer ids from blocks that no other broker has.
type producerIDs struct {
	// turn holds one token: whoever has it may use what follows.
	turn      chan struct{}
	next, end int64
}

func newProducerIDs() *producerIDs {
	p := &producerIDs{turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// take gives out one id. When the block is used up it gets another by allocate,
// while others wait.
func (p *producerIDs) take(ctx context.Context, allocate func(context.Context) (*image.ProducerIDs, error)) (int64, error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return -1, ctx.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	if p.next == p.end {
		block, err := allocate(ctx)
		if err != nil {
			return -1, fmt.Errorf("allocate producer ids: %w", err)
		}
		p.next, p.end = block.First, block.First+int64(block.Count)
	}
	id := p.next
	p.next++
	return id, nil
}
