package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// catchUp reads what was there before the load while the load goes on.
type catchUp struct {
	cfg  *Config
	ends ends
	// records so far.
	records atomic.Int64
	took    time.Duration // set when run returns
	err     error         // likewise
}

// newCatchUp is to read what the topics hold now.
func newCatchUp(ctx context.Context, cfg *Config) (*catchUp, error) {
	e, err := listEnds(ctx, cfg)
	return &catchUp{cfg: cfg, ends: e}, err
}

// run reads to the end of it, or until ctx ends, which is no error.
func (c *catchUp) run(ctx context.Context) {
	began := time.Now()
	err := c.ends.read(ctx, c.cfg, func(*kgo.Record) error {
		c.records.Add(1)
		return nil
	})
	c.took = time.Since(began)
	if ctx.Err() == nil && err != nil {
		c.err = fmt.Errorf("catching up: %w", err)
	}
}
