package node

import (
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/config"
)

// shares are the accounts of the one memory budget (I9), in the order in which
// work gives way: who was opened first is served first.
type shares struct {
	budget   *budget.Budget
	requests *budget.Account // bytes of clients' requests
	peers    *budget.Account // bytes of brokers' requests, so that they never wait for clients
	pages    *budget.Account // the log cache
	index    *budget.Account // its index
	direct   *budget.Account // what is acknowledged from object storage, and its tail for readers
	decoded  *budget.Account // what large requests are decoded to
	state    *budget.Account // producers and fetch sessions
	uploads  *budget.Account // objects being assembled
	remote   *budget.Account // tails read from other nodes
	served   *budget.Account // tails being sent to other nodes
	blocks   *budget.Account // the block cache
}

const (
	mib = 1 << 20

	peerRequestBytes = 16 * mib
	// indexShare of the log cache's size is what its index may take besides.
	indexShare    = 8
	indexBytesMin = 8 * mib
	// directShare of the budget is for topics acknowledged from object storage
	// beside a WAL, but at least so many batches.
	directShare   = 8
	directBatches = 4
)

// divide opens the accounts. Those whose size is configured get that; the
// others share what is left by what they do.
func divide(cfg *config.Config) shares {
	total := cfg.Memory.BudgetBytes
	s := shares{budget: budget.New(total)}
	s.requests = s.budget.Account("requests", cfg.Network.QueuedBytesMax)
	s.peers = s.budget.Account("peer-requests", peerRequestBytes)
	s.pages = s.budget.Account("log-cache", cfg.Cache.LogBytes)
	s.index = s.budget.Account("log-cache-index", max(cfg.Cache.LogBytes/indexShare, indexBytesMin))
	s.direct = s.budget.Account("direct", directBytes(cfg))
	s.decoded = s.budget.Account("decoded-requests", max(total/32, 16*mib))
	s.state = s.budget.Account("producers-and-sessions", max(total/32, 16*mib))
	s.remote = s.budget.Account("remote-tails", max(total/64, 8*mib))
	s.served = s.budget.Account("served-tails", max(total/64, 8*mib))
	s.uploads = s.budget.Account("uploads", max(total/16, 4*(cfg.Object.PartBytes+int64(cfg.Object.BlockBytes))))
	s.blocks = s.budget.Account("block-cache", cfg.Cache.BlockBytes)
	return s
}

// directBytes is what acknowledging from object storage may take: all that a log
// cache would have where there is no WAL, else enough for a few batches.
func directBytes(cfg *config.Config) int64 {
	if cfg.WAL.Kind == config.WALObjects {
		return cfg.Cache.LogBytes
	}
	return max(cfg.Memory.BudgetBytes/directShare, directBatches*cfg.Direct.BatchBytes)
}
