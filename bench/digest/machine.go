package digest

import (
	"fmt"
	"strings"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/bench/units"
)

// Machine is the machine of a run in a line.
func Machine(r *result.Result) string {
	m := r.Machine
	return fmt.Sprintf("%s, %d cores, %s of memory, Linux %s, load average %.1f before",
		units.OrDash(m.CPU), m.Cores, units.Size(float64(m.MemoryBytes)), units.OrDash(m.Kernel), m.LoadBefore)
}

// Load is what a scenario sends, in a line.
func Load(s *scenario.Scenario) string { return rate(s) + "; " + Shape(s) }

// Shape is what a scenario sends, but for how fast.
func Shape(s *scenario.Scenario) string {
	var parts []string
	if s.RecordBytes > 0 {
		parts = append(parts, "records of "+units.Size(float64(s.RecordBytes)))
	}
	parts = append(parts,
		fmt.Sprintf("%s of %s", some(s.Topics, "topic"), some(s.Partitions, "partition")),
		fmt.Sprintf("%s (linger %v, acks=%s, compression %s%s)", some(s.Producers, "producer"), s.Linger, units.OrDash(s.Acks), units.OrDash(s.Compression), extras(s)),
		fmt.Sprintf("%s of %s", some(s.Groups, "group"), some(s.Consumers, "consumer")))
	if s.BackfillBytes > 0 {
		parts = append(parts, "a consumer that catches up on "+units.Size(float64(s.BackfillBytes)))
	}
	return strings.Join(parts, "; ") + fmt.Sprintf("; %v after %v of warm-up", s.Duration, s.WarmUp)
}

// some counts things.
func some(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return units.Count(int64(n)) + " " + what
}

func extras(s *scenario.Scenario) string {
	out := ""
	if s.Idempotent {
		out += ", idempotent"
	}
	if s.Transaction > 0 {
		out += fmt.Sprintf(", transactions of %s", units.Count(int64(s.Transaction)))
	}
	if s.DistinctKeys > 0 {
		out += fmt.Sprintf(", %s keys", units.Count(int64(s.DistinctKeys)))
	}
	return out
}

func rate(s *scenario.Scenario) string {
	records := units.Number(s.Rate.RecordsPerSecond) + " records/s"
	switch s.Rate.Shape {
	case scenario.Ramp:
		return units.Number(s.Rate.From) + " rising to " + records
	case scenario.Burst:
		return fmt.Sprintf("%s on average, all within %v of each %v", records, s.Rate.For, s.Rate.Every)
	case scenario.Unlimited:
		return "as fast as the clients can"
	}
	return records
}
