package report

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
)

// The rates at which latencies are compared, in records a second.
const (
	RateLow  = 2_000
	RateHigh = 10_000
)

// Target is one number to reach.
type Target struct {
	What string `json:"what"`
	// Value is to be at most Bound, or at least if AtLeast.
	Value   float64 `json:"value"`
	Bound   float64 `json:"bound"`
	AtLeast bool    `json:"at_least"`
	Unit    string  `json:"unit"`
	// Missing is what would have to be measured first; Value and Bound are
	// then not both known.
	Missing string `json:"missing,omitempty"`
}

// Reached says whether the target was measured and met.
func (t Target) Reached() bool {
	switch {
	case t.Missing != "":
		return false
	case t.AtLeast:
		return t.Value >= t.Bound
	}
	return t.Value <= t.Bound
}

// Verdict is Reached in words.
func (t Target) Verdict() string {
	switch {
	case t.Missing != "":
		return "not measured: " + t.Missing
	case t.Reached():
		return "reached"
	}
	return "not reached"
}

// judge makes a target of a value and what it is compared with, each of which
// may be missing.
func judge(what, unit string, atLeast bool, value Spread, factor float64, peer Spread, peerName string) Target {
	t := Target{What: what, Unit: unit, AtLeast: atLeast, Value: value.Median, Bound: factor * peer.Median}
	switch {
	case value.N == 0:
		t.Missing = "no figure of Seawall"
	case peer.N == 0:
		t.Missing = "no figure of " + peerName
	}
	return t
}

// fixed is something to compare with that needs no measuring.
func fixed(v float64) Spread { return Spread{N: 1, Median: v} }

// Judge sets the report's figures against the numbers to reach.
func (r *Report) Judge() {
	r.Targets = nil
	if len(r.Brokers) > 0 {
		r.judgeLatency()
		r.judgeThroughput()
	}
	r.judgeDevice()
	r.judgeStart()
	r.judgeCold()
	r.judgeIdle()
}

func (r *Report) add(t Target) { r.Targets = append(r.Targets, t) }

// flushLatency is the device's own for the flush of one record.
func (r *Report) flushLatency(quantile func(*Latency) time.Duration) Spread {
	if r.Device == nil {
		return Spread{}
	}
	for i := range r.Device.Latencies {
		if l := &r.Device.Latencies[i]; l.Flush {
			return fixed(ms(quantile(l)))
		}
	}
	return Spread{}
}

func (r *Report) judgeLatency() {
	sea := r.Broker(arm.NameSeawall)
	own50 := r.flushLatency(func(l *Latency) time.Duration { return l.BackToBack.P50 })
	own99 := r.flushLatency(func(l *Latency) time.Duration { return l.BackToBack.P99 })
	if own50.N > 0 {
		own50.Median += 0.2
	}
	r.add(judge("ack p50 at 2,000/s: the device's own + 0.2 ms", "ms", false, sea.latency(RateLow, p50), 1, own50, "the device"))
	r.add(judge("ack p99 at 2,000/s: 3 × the device's own", "ms", false, sea.latency(RateLow, p99), 3, own99, "the device"))
	r.add(judge("ack p50 at 10,000/s: Kafka's without fsync", "ms", false,
		sea.latency(RateHigh, p50), 1, r.Broker(arm.NameKafka).latency(RateHigh, p50), arm.NameKafka))
	for _, peer := range []struct {
		name, share string
		factor      float64
	}{{arm.NameKafka, "Kafka's without fsync", 1}, {arm.NameKlite, "a third of klite's", 1. / 3}, {arm.NameKafkaSync, "a tenth of Kafka's with fsync", 0.1}} {
		r.add(judge("ack p99 at 10,000/s: "+peer.share, "ms", false,
			sea.latency(RateHigh, p99), peer.factor, r.Broker(peer.name).latency(RateHigh, p99), peer.name))
	}
}

func (r *Report) judgeThroughput() {
	sea, kafka, klite := r.Broker(arm.NameSeawall), r.Broker(arm.NameKafka), r.Broker(arm.NameKlite)
	speed := func(b *Broker) Spread {
		return b.unthrottled(func(u *Unthrottled) float64 { return u.BytesPerSecond / 1e6 })
	}
	cpu := func(b *Broker) Spread { return b.unthrottled(func(u *Unthrottled) float64 { return u.CPUPerGB }) }
	r.add(judge("throughput, 2 producers: 1.3 × Kafka's without fsync", "MB/s", true, speed(sea), 1.3, speed(kafka), arm.NameKafka))
	r.add(judge("throughput, 2 producers: 1.8 × klite's", "MB/s", true, speed(sea), 1.8, speed(klite), arm.NameKlite))
	r.add(judge("CPU a GB: half of Kafka's", "s", false, cpu(sea), 0.5, cpu(kafka), arm.NameKafka))
	r.add(judge("allocations a produced batch, at 10,000/s", "", false,
		sea.rated(RateHigh, func(rated *Rated) float64 { return rated.MallocsPerBatch }), 1, fixed(10), ""))
}

func (r *Report) judgeDevice() {
	if r.Device == nil {
		return
	}
	measured := func(v float64) Spread {
		if v == 0 {
			return Spread{}
		}
		return fixed(v / 1e6)
	}
	for _, b := range r.Device.Bandwidths {
		if b.Read {
			continue
		}
		at := fmt.Sprintf("%s × %d", size(int64(b.Bytes)), b.Depth)
		r.add(judge("write path of the WAL, "+at+": 0.9 × fio's", "MB/s", true, measured(b.Device), 0.9, measured(b.Fio), "fio"))
		r.add(judge("records through the WAL, "+at+": 0.9 × fio's", "MB/s", true, measured(b.Log), 0.9, measured(b.Fio), "fio"))
	}
}

func (r *Report) judgeStart() {
	if s := r.Start; s != nil {
		r.add(judge("start to first produce, empty WAL of "+size(s.WALBytes), "ms", false, milliseconds(s.FirstAck), 1, fixed(150), ""))
	}
	rate, readBandwidth := r.recoveryRate(), r.readBandwidth()
	if r.Recovery != nil {
		r.add(judge("recovery of "+size(r.Recovery.Bytes)+": 0.7 × the device's read bandwidth", "MB/s", true, rate, 0.7, readBandwidth, "the device"))
	}
}

// recoveryRate is what a start with a full WAL takes longer than one with an
// empty WAL, as MB/s.
func (r *Report) recoveryRate() Spread {
	if r.Recovery == nil {
		return Spread{}
	}
	empty := milliseconds(r.Recovery.EmptyReady).Median
	var rates []float64
	for _, d := range r.Recovery.Ready {
		if took := ms(d) - empty; took > 0 {
			rates = append(rates, float64(r.Recovery.Bytes)/1e3/took)
		}
	}
	return spread(rates)
}

// readBandwidth is the best that the device gave to reads, in MB/s.
func (r *Report) readBandwidth() Spread {
	best := Spread{}
	if r.Device == nil {
		return best
	}
	for _, b := range r.Device.Bandwidths {
		if b.Read && b.Device/1e6 > best.Median {
			best = fixed(b.Device / 1e6)
		}
	}
	return best
}

func (r *Report) judgeCold() {
	for _, c := range r.Cold {
		r.add(judge("cold read from a "+c.Store+" store: 0.8 × plain ranged GETs", "MB/s", true, mega(c.Consumer), 0.8, mega(c.Gets), "the store"))
	}
}

func (r *Report) judgeIdle() {
	if r.Idle == nil {
		return
	}
	r.add(judge("resident memory, idle", "MB", false, fixed(float64(r.Idle.EmptyBytes)/1e6), 1, fixed(60), ""))
	if r.Idle.Partitions > 0 {
		r.add(judge(fmt.Sprintf("resident memory, %s idle partitions", count(int64(r.Idle.Partitions))), "MB", false,
			fixed(float64(r.Idle.PartitionsBytes)/1e6), 1, fixed(300), ""))
	}
}

// mega spreads rates in MB/s.
func mega(bytesPerSecond []float64) Spread {
	var v []float64
	for _, b := range bytesPerSecond {
		v = append(v, b/1e6)
	}
	return spread(v)
}
