package digest

import (
	"time"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
)

// Digest is a result in words and rows.
type Digest struct {
	Headline  []string // sentences: what the run found
	Warnings  []Warning
	Scenarios []Scenario
}

// Scenario is the rows of one scenario.
type Scenario struct {
	Setting scenario.Scenario
	Rows    []Row
}

// Row is what one arm did in one scenario, all rounds together.
type Row struct {
	Spec   result.ArmSpec
	Origin Origin
	Rounds int
	// Ack and EndToEnd are distributions over all rounds; Count is 0 where there
	// are no figures.
	Ack, EndToEnd result.Summary
	// Times is how many times the p99 of acknowledgements is that of the
	// scenario's [Scenario.Baseline]; 0 if it cannot be told.
	Times float64

	// Over the rounds.
	AckedBytesPerSecond, ConsumedBytesPerSecond, CatchUpBytesPerSecond Spread
	BrokerCPUPerGB, DriverCPUPerGB                                     Spread
	BrokerResidentBytes                                                Spread
	// LagP99 is how late the driver itself sent 1 % of the records, in nanoseconds:
	// its share of the latencies.
	LagP99 Spread

	Usage   Usage
	Express bool // the store is priced as S3 Express One Zone
	Intact  bool // everything acknowledged was read back, in every round
}

// Origin says what a row's figures come from.
type Origin int

// The origins.
const (
	Measured  Origin = iota // of real disks and stores alone
	Uploads                 // acknowledgements are measured, what lies behind them is a simulated store
	Simulated               // acknowledgements come from a simulated store
)

// Label is printed wherever figures of this origin are; empty for Measured.
func (o Origin) Label() string {
	switch o {
	case Uploads:
		return "uploads to a simulated store"
	case Simulated:
		return "simulated store"
	}
	return ""
}

// OriginOf is where the figures of an arm come from.
func OriginOf(r *result.Result, arm string) Origin {
	store := r.StoreOf(arm)
	switch {
	case store == nil || !store.Simulated:
		return Measured
	case r.Spec(arm).FromStore:
		return Simulated
	}
	return Uploads
}

// Of digests a result.
func Of(r *result.Result) *Digest {
	d := new(Digest)
	for i := range r.Scenarios {
		d.Scenarios = append(d.Scenarios, scenarioOf(r, &r.Scenarios[i]))
	}
	d.Warnings = warnings(r)
	d.Headline = headline(r, d)
	return d
}

// scenarioOf makes the rows of a scenario: its arms, then those of the recipe
// that left nothing.
func scenarioOf(r *result.Result, s *result.Scenario) Scenario {
	out := Scenario{Setting: r.Setting(s.Name)}
	seen := map[string]bool{}
	for i := range s.Arms {
		a := &s.Arms[i]
		seen[a.Arm] = true
		out.Rows = append(out.Rows, rowOf(r, a, out.Setting.Duration))
	}
	for _, spec := range r.Recipe.Arms {
		if !seen[spec.Name] {
			out.Rows = append(out.Rows, rowOf(r, &result.ArmResult{Arm: spec.Name}, out.Setting.Duration))
		}
	}
	if base := out.Baseline(); base != nil {
		for i := range out.Rows {
			out.Rows[i].Times = ratio(out.Rows[i].Ack.P99, base.Ack.P99)
		}
	}
	return out
}

func rowOf(r *result.Result, a *result.ArmResult, duration time.Duration) Row {
	over := func(f func(*result.Round) float64) Spread {
		var values []float64
		for i := range a.Rounds {
			values = append(values, f(&a.Rounds[i]))
		}
		return spread(values)
	}
	row := Row{
		Spec: r.Spec(a.Arm), Origin: OriginOf(r, a.Arm), Rounds: len(a.Rounds),
		Ack: a.Ack.Summary, EndToEnd: a.EndToEnd.Summary,
		AckedBytesPerSecond:    over(func(r *result.Round) float64 { return r.AckedBytesPerSecond }),
		ConsumedBytesPerSecond: over(func(r *result.Round) float64 { return r.ConsumedBytesPerSecond }),
		CatchUpBytesPerSecond:  over(func(r *result.Round) float64 { return r.CatchUpBytesPerSecond }),
		BrokerCPUPerGB:         over(func(r *result.Round) float64 { return r.BrokerCPUPerGB }),
		DriverCPUPerGB:         over(func(r *result.Round) float64 { return r.DriverCPUPerGB }),
		BrokerResidentBytes:    over(func(r *result.Round) float64 { return float64(r.BrokerResidentBytes) }),
		LagP99:                 over(func(r *result.Round) float64 { return float64(r.Lag.P99) }),
		Usage:                  usageOf(a.Rounds, duration),
		Intact:                 len(a.Rounds) > 0,
	}
	if store := r.StoreOf(a.Arm); store != nil {
		row.Express = store.Express
	}
	for i := range a.Rounds {
		row.Intact = row.Intact && a.Rounds[i].ReadBack && a.Rounds[i].Fault == ""
	}
	return row
}

// Baseline is the row that others are set against: the first that does not
// acknowledge from object storage, or else the first, that has figures. It is
// nil if none has.
func (s *Scenario) Baseline() *Row {
	var first *Row
	for i := range s.Rows {
		row := &s.Rows[i]
		switch {
		case row.Ack.Count <= 0 || row.Ack.P99 <= 0:
		case !row.Spec.FromStore:
			return row
		case first == nil:
			first = row
		}
	}
	return first
}

// ratio is a/b, 0 if either is not positive.
func ratio(a, b time.Duration) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}
