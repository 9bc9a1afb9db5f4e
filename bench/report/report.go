package report

import (
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

// Report is one run of the bench. A part that was not measured is nil or
// empty.
type Report struct {
	Date     time.Time `json:"date"`
	Commit   string    `json:"commit"`
	Machine  Machine   `json:"machine"`
	Settings Settings  `json:"settings"`
	Device   *Device   `json:"device,omitempty"`
	Brokers  []Broker  `json:"brokers,omitempty"`
	Fence    []Fenced  `json:"fence,omitempty"`
	Start    *Start    `json:"start,omitempty"`
	Recovery *Recovery `json:"recovery,omitempty"`
	Cold     []Cold    `json:"cold,omitempty"`
	Idle     *Idle     `json:"idle,omitempty"`
	// Faults are the measurements that failed, and why.
	Faults  []string `json:"faults,omitempty"`
	Targets []Target `json:"targets"`
}

// Machine is where it ran.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryBytes int64  `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
	// LoadBefore is the load average of the last minute before the run: above
	// a fraction of one, something else was running.
	LoadBefore float64 `json:"load_before"`
}

// Settings are the shape of the loads.
type Settings struct {
	Rounds      int           `json:"rounds"`
	WarmUp      time.Duration `json:"warm_up_ns"`
	Duration    time.Duration `json:"duration_ns"`
	RecordBytes int           `json:"record_bytes"`
	Partitions  int           `json:"partitions"`
}

// Device is the disk by the WAL's own code and by fio.
type Device struct {
	Durability string `json:"durability"` // how a write is made durable
	BlockBytes int    `json:"block_bytes"`
	Fio        string `json:"fio"` // its version; empty: not installed
	// Latencies are of one durable write at a time.
	Latencies  []Latency   `json:"latencies"`
	Bandwidths []Bandwidth `json:"bandwidths"`
}

// Latency is that of durable writes of one size.
type Latency struct {
	Bytes int `json:"bytes"`
	// Flush says that this is the size of the flush of one record.
	Flush bool `json:"flush"`
	// BackToBack and Paced (at the first rate of the loads) are by wal/device.
	BackToBack hist.Summary `json:"back_to_back"`
	Paced      hist.Summary `json:"paced"`
	Fio        hist.Summary `json:"fio"` // back to back
}

// Bandwidth is in bytes a second; the best of the rounds, as whatever disturbs
// only takes away.
type Bandwidth struct {
	Read   bool    `json:"read"`
	Bytes  int     `json:"bytes"` // of a block
	Depth  int     `json:"depth"`
	Device float64 `json:"device"` // by wal/device
	Log    float64 `json:"log"`    // payload through the WAL; writes only
	Fio    float64 `json:"fio"`
}

// Broker is one arm.
type Broker struct {
	Name   string  `json:"name"`
	Ack    string  `json:"ack"`
	Rounds []Round `json:"rounds"`
}

// Round is one life of a broker, from an empty folder.
type Round struct {
	FirstAck      time.Duration `json:"first_ack_ns"` // since the start of its process
	ResidentIdle  int64         `json:"resident_idle_bytes"`
	ResidentAfter int64         `json:"resident_after_bytes"`
	Rated         []Rated       `json:"rated"`
	Unthrottled   *Unthrottled  `json:"unthrottled,omitempty"`
}

// Rated is a load at a fixed rate.
type Rated struct {
	RatePerSecond float64      `json:"rate_per_second"`
	Latency       hist.Summary `json:"latency"`
	Lag           hist.Summary `json:"lag"` // of the driver
	// Saturation says why this tells of the driver, or nothing.
	Saturation      string  `json:"saturation,omitempty"`
	Failed          int64   `json:"failed"`
	RecordsPerBatch float64 `json:"records_per_batch"`
	MallocsPerBatch float64 `json:"mallocs_per_batch,omitempty"` // Seawall only
	CPUPerGB        float64 `json:"cpu_seconds_per_gb"`
	// ReadBack says that what was acknowledged was read back, once and in
	// order.
	ReadBack bool `json:"read_back"`
}

// Unthrottled is a load without a rate.
type Unthrottled struct {
	BytesPerSecond  float64 `json:"bytes_per_second"`
	CPUPerGB        float64 `json:"cpu_seconds_per_gb"`        // of the server
	DriverCPUPerGB  float64 `json:"driver_cpu_seconds_per_gb"` // of this process
	MallocsPerBatch float64 `json:"mallocs_per_batch,omitempty"`
	ReadBack        bool    `json:"read_back"`
	ReadBytesPerSec float64 `json:"read_bytes_per_second"`
	Failed          int64   `json:"failed"`
}

// Fenced is a load at a fixed rate on two Seawalls that run at once, one with a
// WAL of the exclusive kind and one of the shared kind, window about.
type Fenced struct {
	RatePerSecond float64       `json:"rate_per_second"`
	WarmUp        time.Duration `json:"warm_up_ns"`
	Window        time.Duration `json:"window_ns"`
	Exclusive     Turns         `json:"exclusive"`
	Shared        Turns         `json:"shared"`
}

// Turns are the windows of one of two brokers that take turns.
type Turns struct {
	Latency hist.Summary `json:"latency"` // of all windows together
	Lag     hist.Summary `json:"lag"`     // of the driver
	// Each is the latency of one window, and stands where the other broker's
	// window of that turn does.
	Each []hist.Summary `json:"each"`
	// Saturation says why this tells of the driver, or nothing.
	Saturation string `json:"saturation,omitempty"`
	Failed     int64  `json:"failed"`
	// ReadBack says that what was acknowledged was read back, once and in order.
	ReadBack bool `json:"read_back"`
}

// Start is Seawall's start with an empty WAL.
type Start struct {
	WALBytes int64           `json:"wal_bytes"`
	Ready    []time.Duration `json:"ready_ns"`     // a round
	FirstAck []time.Duration `json:"first_ack_ns"` // a round
}

// Recovery is Seawall's start after kill -9 with much in the WAL.
type Recovery struct {
	Bytes int64 `json:"bytes"` // acknowledged and not uploaded
	// EmptyReady is the start of the same broker before, with an empty WAL.
	EmptyReady []time.Duration `json:"empty_ready_ns"`
	Ready      []time.Duration `json:"ready_ns"`
	FirstAck   []time.Duration `json:"first_ack_ns"`
}

// Cold is a read of a partition that is in the object store alone.
type Cold struct {
	Store string `json:"store"` // file or s3
	Bytes int64  `json:"bytes"`
	// All in bytes a second; a round.
	Consumer []float64 `json:"consumer"`
	// Again is the same consumer the third time: what broker and client do with
	// data that is cached.
	Again []float64 `json:"again"`
	Gets  []float64 `json:"gets"` // plain ranged GETs
}

// Idle is the resident memory of a Seawall that nobody uses.
type Idle struct {
	EmptyBytes      int64 `json:"empty_bytes"`
	Partitions      int   `json:"partitions"`
	PartitionsBytes int64 `json:"partitions_bytes"`
}

// Broker finds an arm by its name.
func (r *Report) Broker(name string) *Broker {
	for i := range r.Brokers {
		if r.Brokers[i].Name == name {
			return &r.Brokers[i]
		}
	}
	return nil
}
