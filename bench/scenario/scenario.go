package scenario

import "time"

// Scenario is one load. Rates are of all producers together.
type Scenario struct {
	Name  string `json:"name"`  // short, as on the command line: A
	Title string `json:"title"` // what it shows, in a few words

	Topics      int `json:"topics"`
	Partitions  int `json:"partitions"` // of each topic
	RecordBytes int `json:"record_bytes"`
	// DistinctKeys is how many keys there are, spread evenly; 0 spreads records
	// over partitions in turn.
	DistinctKeys int `json:"distinct_keys,omitempty"`

	Producers   int           `json:"producers"`
	Rate        Rate          `json:"rate"`
	Linger      time.Duration `json:"linger_ns"`
	Acks        string        `json:"acks"`        // all, 1 or 0
	Compression string        `json:"compression"` // none, gzip, snappy, lz4 or zstd
	Idempotent  bool          `json:"idempotent"`
	// Transaction is how many records a producer commits at a time; 0 is without
	// transactions.
	Transaction int `json:"transaction,omitempty"`

	// Groups are consumer groups that read everything at the tail, of Consumers
	// members each.
	Groups    int `json:"groups"`
	Consumers int `json:"consumers"`
	// Backfill is how much is written before the load, for a catch-up consumer
	// that reads it from the beginning while the load goes on; 0 is without.
	BackfillBytes int64 `json:"backfill_bytes,omitempty"`

	WarmUp   time.Duration `json:"warm_up_ns"` // sent like the rest and not counted
	Duration time.Duration `json:"duration_ns"`
}

// Rate is how fast records are due.
type Rate struct {
	Shape Shape `json:"shape"`
	// RecordsPerSecond is the rate of Fixed, the last of Ramp, and the average of
	// Burst.
	RecordsPerSecond float64 `json:"records_per_second"`
	// From is where Ramp begins, in records a second.
	From float64 `json:"from,omitempty"`
	// Every and For are those of Burst: in each Every, everything is sent in the
	// first For.
	Every time.Duration `json:"every_ns,omitempty"`
	For   time.Duration `json:"for_ns,omitempty"`

	// BytesPerSecond is that of a Fixed rate written in bytes, until the length of
	// a record is known.
	BytesPerSecond float64 `json:"bytes_per_second,omitempty"`
}

// Shape is how a rate goes with time.
type Shape string

// The shapes.
const (
	Fixed     Shape = "fixed"
	Ramp      Shape = "ramp"
	Burst     Shape = "burst"
	Unlimited Shape = "unlimited" // as fast as the clients can, without latencies from intended times
)

// BytesPerSecond is what the producers send, keys and values.
func (s *Scenario) BytesPerSecond() float64 {
	return s.Rate.RecordsPerSecond * float64(s.RecordBytes)
}
