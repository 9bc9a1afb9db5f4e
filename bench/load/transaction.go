package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// refusalTimeout is how long a broker may take to give a producer its first
// transaction: one that has none may never answer.
const refusalTimeout = 20 * time.Second

// transaction is what a producer has open.
type transaction struct {
	records uint64 // to be committed at a time
	open    bool
	first   uint64 // sequence number
}

var errAborted = errors.New("its transaction was aborted")

// allowTransactions finds out whether the broker has them.
func (p *producer) allowTransactions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	if _, _, err := p.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("the broker at %v refuses transactions: %w", p.cfg.Brokers, err)
	}
	return nil
}

// begin opens a transaction for record seq unless one is open.
func (p *producer) begin(seq uint64) error {
	if p.tx.open {
		return nil
	}
	if err := p.client.BeginTransaction(); err != nil {
		return err
	}
	p.tx.open, p.tx.first = true, seq
	return nil
}

// end commits what is open, which acknowledges it, and waits for that: so does
// every program with transactions. With a record that failed it aborts.
func (p *producer) end(ctx context.Context) {
	if p.tx == nil || !p.tx.open {
		return
	}
	p.tx.open = false
	failed := p.failed.Load()
	err := p.client.Flush(ctx)
	if err == nil && p.failed.Load() == failed && !p.anyFailed() {
		err = p.client.EndTransaction(ctx, kgo.TryCommit)
	} else {
		err = errors.Join(errAborted, err, p.client.EndTransaction(ctx, kgo.TryAbort))
	}
	now := time.Now()
	for seq := p.tx.first; seq < p.seq.Load(); seq++ {
		if err != nil {
			p.fail(seq, err)
		} else {
			p.ack(seq, now)
		}
	}
	p.free = now
}

// anyFailed says whether a record of the open transaction failed. All were
// answered.
func (p *producer) anyFailed() bool {
	for seq := p.tx.first; seq < p.seq.Load(); seq++ {
		if p.fate.failed.has(seq) {
			return true
		}
	}
	return false
}
