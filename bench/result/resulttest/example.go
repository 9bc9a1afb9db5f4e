// Package resulttest makes results for tests, with figures as a run might leave
// them. None of them was measured.
//
// Owns: the examples. Does not own: what is tested with them. Goroutines and
// locks: none; randomness is seeded, so that every call makes the same.
package resulttest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
)

// arm is how an arm of the example behaves.
type arm struct {
	spec   result.ArmSpec
	median time.Duration // of acknowledgements
	sigma  float64       // of their logarithm
	puts   float64       // a second
	cpu    float64       // seconds a GB
	every  time.Duration // between uploads that are events; 0: none
	knee   float64       // MiB/s
}

var arms = []arm{
	{result.ArmSpec{Name: "wal", Ack: "durable in the WAL", Store: "s3", Properties: []string{"s3.wal.path=0@file:///var/lib/seawall/wal?capacity=2GiB"}, Version: "seawall v0.5.0"},
		400 * time.Microsecond, 0.55, 0.9, 1.9, 6 * time.Second, 260},
	{result.ArmSpec{Name: "wal-block", Ack: "durable in the WAL, on a raw device", Store: "s3", Version: "seawall v0.5.0"},
		380 * time.Microsecond, 0.5, 0.9, 1.8, 6 * time.Second, 270},
	{result.ArmSpec{Name: "wal-shared", Ack: "durable in a shared WAL, its fence read", Store: "s3", Version: "seawall v0.5.0"},
		480 * time.Microsecond, 0.55, 0.9, 2, 6 * time.Second, 230},
	{result.ArmSpec{Name: "s3-250ms", Ack: "in an object, committed", Store: "s3", FromStore: true,
		Properties: []string{"s3.wal.path=0@s3://sea?batchInterval=250&maxBytesInBatch=8388608"}, Version: "seawall v0.5.0"},
		260 * time.Millisecond, 0.3, 4.1, 2.2, 250 * time.Millisecond, 180},
	{result.ArmSpec{Name: "s3-50ms", Ack: "in an object, committed", Store: "s3", FromStore: true,
		Properties: []string{"s3.wal.path=0@s3://sea?batchInterval=50&maxBytesInBatch=8388608"}, Version: "seawall v0.5.0"},
		110 * time.Millisecond, 0.4, 20, 2.4, 50 * time.Millisecond, 170},
	{result.ArmSpec{Name: "express-25ms", Ack: "in an object of one zone, committed", Store: "express", FromStore: true,
		Properties: []string{"s3.wal.path=0@s3://sea?batchInterval=25&maxBytesInBatch=8388608"}, Version: "seawall v0.5.0"},
		27 * time.Millisecond, 0.4, 40, 2.6, 25 * time.Millisecond, 150},
	{result.ArmSpec{Name: "kafka=127.0.0.1:9092", Ack: "in the page cache", Version: "Apache Kafka 4.4.0"},
		450 * time.Microsecond, 0.9, 0, 5.2, 0, 140},
}

var scenarios = []scenario.Scenario{
	{Name: "A", Title: "many partitions", Topics: 1, Partitions: 36, RecordBytes: 1024, Producers: 4, Groups: 1, Consumers: 4,
		Rate: scenario.Rate{Shape: scenario.Fixed, RecordsPerSecond: 20480}, Acks: "all", Compression: "none", Idempotent: true, WarmUp: 3 * time.Second, Duration: 30 * time.Second},
	{Name: "B", Title: "klite's shape", Topics: 1, Partitions: 6, RecordBytes: 1024, Producers: 4, Groups: 1, Consumers: 4,
		Rate: scenario.Rate{Shape: scenario.Fixed, RecordsPerSecond: 10000}, Acks: "1", Compression: "none", Idempotent: false, WarmUp: 3 * time.Second, Duration: 30 * time.Second},
	{Name: "E", Title: "a trickle", Topics: 1, Partitions: 4, RecordBytes: 512, Producers: 1, Groups: 1, Consumers: 1,
		Rate: scenario.Rate{Shape: scenario.Fixed, RecordsPerSecond: 600}, Acks: "all", Compression: "zstd", Idempotent: true, WarmUp: 3 * time.Second, Duration: 30 * time.Second},
	{Name: "F", Title: "tail plus a full backfill", Topics: 1, Partitions: 12, RecordBytes: 1024, Producers: 2, Groups: 1, Consumers: 2, BackfillBytes: 1 << 30,
		Rate: scenario.Rate{Shape: scenario.Fixed, RecordsPerSecond: 10240}, Acks: "all", Compression: "none", Idempotent: true, WarmUp: 3 * time.Second, Duration: 30 * time.Second},
}

const rounds = 3

// Full is a result with everything in it: seven arms, four scenarios, a sweep,
// a device, simulated stores, a saturated driver, a round that lost something.
func Full() *result.Result {
	random := rand.New(rand.NewPCG(1, 2))
	r := &result.Result{
		Format: result.Format, Version: "v0.5.0",
		Began: time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC), Ended: time.Date(2026, 11, 25, 17, 48, 12, 0, time.UTC),
		Machine: report.Machine{CPU: "AMD EPYC", Cores: 2, MemoryBytes: 25_300_000_000, Kernel: "6.18.44", LoadBefore: 0.2},
		Recipe: result.Recipe{
			Command: []string{"bench", "compare", "A", "B", "E", "F", "--arms", "all", "--rounds", "3"}, Seed: 42, Rounds: rounds, Scenarios: slices.Clone(scenarios),
		},
		Device: device(),
		Stores: []result.Store{
			{Name: "s3", URL: "http://127.0.0.1:41234/sea", Simulated: true, Profile: profile("s3-standard", 27, 0.33)},
			{Name: "express", URL: "http://127.0.0.1:41235/sea", Simulated: true, Express: true, Profile: profile("s3-express", 7, 0.45)},
		},
	}
	for _, a := range arms {
		r.Recipe.Arms = append(r.Recipe.Arms, a.spec)
	}
	for i := range scenarios {
		s := result.Scenario{Name: scenarios[i].Name}
		for _, a := range arms {
			s.Arms = append(s.Arms, a.run(random, &scenarios[i]))
		}
		r.Scenarios = append(r.Scenarios, s)
	}
	r.Scenarios[1].Arms[5].Rounds[1].Saturation = "the driver sent 1 % of the records more than 3.2ms late"
	r.Scenarios[3].Arms[6].Rounds[2].ReadBack = false
	r.Scenarios[3].Arms[6].Rounds[2].Fault = "partition 4: record 10241 was acknowledged and is missing"
	for _, a := range arms {
		r.Sweeps = append(r.Sweeps, a.sweep())
		r.Recipe.SweepRates = nil
	}
	for _, step := range r.Sweeps[0].Points {
		r.Recipe.SweepRates = append(r.Recipe.SweepRates, step.Offered)
	}
	return r
}

func device() *report.Device {
	us := time.Microsecond
	return &report.Device{
		Durability: "O_DIRECT, RWF_DSYNC", BlockBytes: 512, Fio: "fio-3.33",
		Latencies: []report.Latency{
			{Bytes: 4096, BackToBack: hist.Summary{Count: 5000, P50: 80 * us, P95: 90 * us, P99: 120 * us, P999: 140 * us, Max: 800 * us},
				Fio: hist.Summary{Count: 5000, P50: 76 * us, P95: 88 * us, P99: 118 * us, P999: 150 * us, Max: 700 * us}},
			{Bytes: 65536, BackToBack: hist.Summary{Count: 5000, P50: 130 * us, P95: 160 * us, P99: 210 * us, P999: 300 * us, Max: 900 * us}},
		},
		Bandwidths: []report.Bandwidth{{Bytes: 1 << 20, Depth: 4, Device: 3.4e9, Log: 3.3e9, Fio: 3.5e9}, {Bytes: 1 << 20, Depth: 4, Read: true, Device: 4.2e9}},
	}
}

func profile(name string, put, sigma float64) any {
	return map[string]any{
		"name": name,
		"put":  map[string]any{"median_ms": put, "sigma": sigma, "source": "https://example.org/put-latency"},
		"get":  map[string]any{"median_ms": 24.0, "sigma": 0.48, "bytes_per_second": 80e6, "source": "https://example.org/get-latency"},
	}
}

// run makes what an arm did in a scenario.
func (a *arm) run(random *rand.Rand, s *scenario.Scenario) result.ArmResult {
	out := result.ArmResult{Arm: a.spec.Name}
	var acks, ends []time.Duration
	for range rounds {
		draw := func(stretch float64) []time.Duration {
			v := make([]time.Duration, 4000)
			for i := range v {
				v[i] = time.Duration(stretch * float64(a.median) * math.Exp(a.sigma*random.NormFloat64()))
				if random.IntN(700) == 0 {
					v[i] *= time.Duration(2 + random.IntN(8))
				}
			}
			return v
		}
		ack, end := draw(1), draw(1.25)
		acks, ends = append(acks, ack...), append(ends, end...)
		bytes := s.BytesPerSecond()
		window := s.Duration.Seconds()
		sent := int64(s.Rate.RecordsPerSecond * window)
		round := result.Round{
			Ack: Distribution(ack).Summary, EndToEnd: Distribution(end).Summary,
			Lag:  result.Summary{Count: sent, P50: 20 * time.Microsecond, P99: 110 * time.Microsecond, Max: 2 * time.Millisecond},
			Sent: sent, Acked: sent, Consumed: sent, ReadBack: true, Window: s.Duration,
			AckedBytesPerSecond: bytes, ConsumedBytesPerSecond: bytes, BrokerCPUPerGB: a.cpu * (0.9 + 0.2*random.Float64()), DriverCPUPerGB: 1.1,
			BrokerResidentBytes: int64(300e6 + 1e8*random.Float64()),
		}
		if a.puts > 0 {
			round.Requests = map[string]float64{"PUT": a.puts * window, "GET": 0.2 * window, "LIST": 1}
			round.Stored = bytes * window
		}
		if s.BackfillBytes > 0 {
			round.CatchUpBytesPerSecond = 60e6
		}
		a.series(random, s, &round)
		out.Rounds = append(out.Rounds, round)
	}
	out.Ack, out.EndToEnd = Distribution(acks), Distribution(ends)
	return out
}

// series makes a round's points and events.
func (a *arm) series(random *rand.Rand, s *scenario.Scenario, round *result.Round) {
	for at := -s.WarmUp; at < s.Duration; at += time.Second {
		wobble := math.Exp(0.15 * random.NormFloat64())
		p50 := time.Duration(float64(a.median) * wobble)
		n := int64(s.Rate.RecordsPerSecond * (0.97 + 0.06*random.Float64()))
		round.Series = append(round.Series, result.Point{
			At: at, Acked: n, Bytes: n * int64(s.RecordBytes), P50: p50,
			P99: time.Duration(float64(p50) * math.Exp(2.3*a.sigma) * wobble), Max: time.Duration(float64(p50) * math.Exp(3.2*a.sigma) * (1 + random.Float64())),
		})
	}
	if a.every > 0 {
		for at := a.every / 2; at < s.Duration; at += a.every {
			round.Events = append(round.Events, result.Event{At: at, Kind: result.Upload, N: 1 + random.Int64N(3)})
		}
	}
}

// sweep makes a latency that grows towards the knee and is endless past it.
func (a *arm) sweep() result.Sweep {
	s := result.Sweep{Arm: a.spec.Name, KneeWhy: "less than 95 % of the offered load was acknowledged"}
	for _, mib := range []float64{10, 20, 40, 80, 120, 160, 200, 240, 280, 320} {
		offered := mib * 1024
		busy := mib / a.knee
		if busy > 1.25 {
			break
		}
		slow := 1 / math.Max(1-busy*busy, 0.002)
		at := func(z float64) time.Duration {
			return time.Duration(float64(a.median) * math.Exp(z*a.sigma) * (1 + 0.2*slow))
		}
		step := result.SweepStep{Offered: offered, Acked: math.Min(offered, a.knee*1024), Ack: result.Summary{
			Count: 10000, Mean: at(0.2), P50: at(0), P90: at(1.3), P95: at(1.6), P99: at(2.3), P999: at(3.1), P9999: at(3.7), Max: at(4)}}
		if busy <= 1 {
			s.Knee = offered
		}
		s.Points = append(s.Points, step)
	}
	return s
}

// Distribution counts values as the harness does, with three significant digits.
func Distribution(values []time.Duration) result.Histogram {
	v := slices.Sorted(slices.Values(values))
	var h result.Histogram
	if len(v) == 0 {
		return h
	}
	q := func(share float64) time.Duration { return v[min(int(share*float64(len(v))), len(v)-1)] }
	var sum time.Duration
	for _, d := range v {
		sum += d
		upTo := rounded(d)
		if n := len(h.Buckets); n > 0 && cmp.Compare(h.Buckets[n-1].UpTo, upTo) >= 0 {
			h.Buckets[n-1].Count++
			continue
		}
		h.Buckets = append(h.Buckets, result.Bucket{UpTo: upTo, Count: 1})
	}
	h.Summary = result.Summary{
		Count: int64(len(v)), Mean: sum / time.Duration(len(v)), P50: q(0.5), P90: q(0.9), P95: q(0.95), P99: q(0.99), P999: q(0.999), P9999: q(0.9999), Max: v[len(v)-1],
	}
	return h
}

// rounded is d up to three significant digits.
func rounded(d time.Duration) time.Duration {
	step := time.Duration(1)
	for d/step >= 1000 {
		step *= 10
	}
	return (d + step - 1) / step * step
}
