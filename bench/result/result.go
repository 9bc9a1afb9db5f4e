package result

import (
	"time"

	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/scenario"
)

// Format is the number of the JSON's format. A reader refuses higher ones.
const Format = 1

// Result is one run of the harness: some scenarios on some arms in turn.
type Result struct {
	Format  int            `json:"format"`
	Began   time.Time      `json:"began"`
	Ended   time.Time      `json:"ended"`
	Version string         `json:"version"` // of the harness: seawall's
	Machine report.Machine `json:"machine"`
	Recipe  Recipe         `json:"recipe"`
	// Device is the disk under the WALs; nil if it was not measured.
	Device *report.Device `json:"device,omitempty"`
	// Stores are the object stores that arms used, by the name in ArmSpec.
	Stores    []Store    `json:"stores"`
	Scenarios []Scenario `json:"scenarios"`
	Sweeps    []Sweep    `json:"sweeps,omitempty"`
	// Faults are what could not be measured, and why.
	Faults []string `json:"faults,omitempty"`
}

// Recipe is all that a replay needs.
type Recipe struct {
	Command   []string            `json:"command"` // as it was typed, without the program's name
	Seed      uint64              `json:"seed"`
	Rounds    int                 `json:"rounds"` // each arm takes so many turns at each scenario
	Arms      []ArmSpec           `json:"arms"`
	Scenarios []scenario.Scenario `json:"scenarios"`
	// SweepRates are the offered loads of a sweep, in records a second.
	SweepRates []float64 `json:"sweep_rates,omitempty"`
}

// ArmSpec is one of those that are compared.
type ArmSpec struct {
	Name string `json:"name"` // wal, s3-250ms, kafka=127.0.0.1:9092
	Ack  string `json:"ack"`  // what an acknowledgement promises, in a few words
	// Properties are the broker's that differ from its defaults.
	Properties []string `json:"properties,omitempty"`
	// Store names one of the result's stores; empty without object storage.
	Store string `json:"store,omitempty"`
	// FromStore says that acknowledgements come from that store, so that their
	// latencies are its: those of a simulated one are simulated too.
	FromStore bool `json:"from_store,omitempty"`
	// Version is what the broker says of itself.
	Version string `json:"version,omitempty"`
}

// Store is an object store that arms used.
type Store struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	Simulated bool   `json:"simulated"` // its latencies are a profile's, and nobody's measured
	// Express says that its requests are priced as S3 Express One Zone's, and not
	// as S3 Standard's.
	Express bool `json:"express,omitempty"`
	// Profile is the profile of a simulated store, or what `seawall bench store`
	// found of a real one, as JSON.
	Profile any `json:"profile,omitempty"`
}

// Scenario is what one scenario showed.
type Scenario struct {
	Name string      `json:"name"`
	Arms []ArmResult `json:"arms"` // in the order of the recipe
}

// ArmResult is what one arm did in one scenario.
type ArmResult struct {
	Arm    string  `json:"arm"`
	Rounds []Round `json:"rounds"`
	// Ack is how long records took from when they were due until they were
	// acknowledged, EndToEnd until a consumer had them; of all rounds.
	Ack      Histogram `json:"ack"`
	EndToEnd Histogram `json:"end_to_end"`
}

// Round is one turn of an arm.
type Round struct {
	Ack      Summary `json:"ack"`
	EndToEnd Summary `json:"end_to_end"`
	Lag      Summary `json:"lag"` // of the driver behind its own schedule
	// Saturation says why the figures tell of the driver or of the machine, or
	// nothing.
	Saturation string `json:"saturation,omitempty"`

	Sent     int64 `json:"sent"`
	Acked    int64 `json:"acked"`
	Failed   int64 `json:"failed"`
	Consumed int64 `json:"consumed"`
	// ReadBack says that everything acknowledged was read back once and in order;
	// Fault what was wrong otherwise.
	ReadBack bool   `json:"read_back"`
	Fault    string `json:"fault,omitempty"`

	// In the window that counts, and how long it was open.
	Window                 time.Duration `json:"window_ns"`
	AckedBytesPerSecond    float64       `json:"acked_bytes_per_second"`
	ConsumedBytesPerSecond float64       `json:"consumed_bytes_per_second"`
	CatchUpBytesPerSecond  float64       `json:"catch_up_bytes_per_second,omitempty"`
	BrokerCPUPerGB         float64       `json:"broker_cpu_seconds_per_gb"`
	BrokerResidentBytes    int64         `json:"broker_resident_bytes"` // at its end
	DriverCPUPerGB         float64       `json:"driver_cpu_seconds_per_gb"`
	// Requests to the object store in the window, by operation: PUT, GET, LIST,
	// DELETE.
	Requests map[string]float64 `json:"requests,omitempty"`
	// Stored and Fetched are bytes that were put to the object store and read
	// from it in the window.
	Stored  float64 `json:"stored_bytes,omitempty"`
	Fetched float64 `json:"fetched_bytes,omitempty"`

	Series []Point `json:"series"`
	Events []Event `json:"events,omitempty"`
}

// Point is a second, or whatever the result's step is, of a round.
type Point struct {
	At    time.Duration `json:"at_ns"` // since the window opened; negative in the warm-up
	Acked int64         `json:"acked"`
	Bytes int64         `json:"bytes"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Event is something that happened on an arm's side.
type Event struct {
	At   time.Duration `json:"at_ns"` // as of Point
	Kind EventKind     `json:"kind"`
	N    int64         `json:"n"` // objects, of Upload
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	Upload EventKind = "upload" // objects were put to the object store
	Stall  EventKind = "stall"  // the harness stopped the broker
)

// Summary is a distribution in a few numbers.
type Summary struct {
	Count int64         `json:"count"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	P9999 time.Duration `json:"p9999_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Histogram is a distribution: its summary, and how many values each bucket has
// that is not empty, by rising bounds.
type Histogram struct {
	Summary
	Buckets []Bucket `json:"buckets"`
}

// Bucket counts the values of at most UpTo that are more than the bucket before.
type Bucket struct {
	UpTo  time.Duration `json:"up_to_ns"`
	Count int64         `json:"count"`
}

// Sweep is one arm under rising load.
type Sweep struct {
	Arm    string      `json:"arm"`
	Points []SweepStep `json:"points"`
	// Knee is the highest offered load at which it kept up: see KneeWhy.
	Knee    float64 `json:"knee_records_per_second"`
	KneeWhy string  `json:"knee_why"` // why the load above counts as too much
}

// SweepStep is one offered load.
type SweepStep struct {
	Offered float64 `json:"offered_records_per_second"`
	Acked   float64 `json:"acked_records_per_second"`
	Ack     Summary `json:"ack"`
	// Saturation as of Round.
	Saturation string `json:"saturation,omitempty"`
	// Behind says that the driver itself did not keep its pace.
	Behind bool `json:"driver_behind,omitempty"`
}
