package digest

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// table is a title, a head, rows, and notes.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string
}

// The columns of a scenario's table. The word of the second stands in every row
// whose store is a simulated one.
var (
	headShort = []string{"arm", "store", "ack p50", "p99", "p99.9", "× p99", "e2e p99", "MiB/s", "CPU s/GB", "PUT/s", "read"}
	headLong  = []string{"arm", "an ack means", "store", "ack p50", "p99", "p99.9", "max", "× p99", "end to end p50", "p99",
		"driver's lag p99", "acked MiB/s", "broker CPU s/GB", "resident MiB", "PUT/s", "read back"}
)

// short is the table of a scenario that fits a terminal.
func (s *Scenario) short() table {
	t := table{title: s.Title(), head: headShort}
	for i := range s.Rows {
		r := &s.Rows[i]
		t.rows = append(t.rows, []string{r.Spec.Name, r.store(), units.Duration(r.Ack.P50), units.Duration(r.Ack.P99), r.P999(),
			units.Times(r.Times), units.Duration(r.EndToEnd.P99), mib(r.AckedBytesPerSecond), units.Number(r.BrokerCPUPerGB.Median),
			r.PerSecond("PUT"), r.verdict()})
	}
	return t
}

// long is the table of a scenario for a page.
func (s *Scenario) long() table {
	t := table{title: s.Title(), head: headLong}
	for i := range s.Rows {
		r := &s.Rows[i]
		store := r.store()
		if r.Origin == Uploads {
			store += ", uploads only"
		}
		t.rows = append(t.rows, []string{r.Spec.Name, units.OrDash(r.Spec.Ack), store,
			units.Duration(r.Ack.P50), units.Duration(r.Ack.P99), r.P999(), units.Duration(r.Ack.Max), units.Times(r.Times),
			units.Duration(r.EndToEnd.P50), units.Duration(r.EndToEnd.P99),
			Latency(r.LagP99.Median), mib(r.AckedBytesPerSecond), units.Number(r.BrokerCPUPerGB.Median), mib(r.BrokerResidentBytes),
			r.PerSecond("PUT"), r.verdict()})
	}
	return t
}

// Title is the scenario in a line: its name, what it shows, its load.
func (s *Scenario) Title() string {
	title := s.name()
	if s.Setting.Title != "" {
		title += ": " + s.Setting.Title
	}
	return title
}

// store says what kind of object store an arm has, for a column.
func (r *Row) store() string {
	switch {
	case r.Origin != Measured:
		return "simulated"
	case r.Spec.Store != "":
		return "real"
	}
	return "none"
}

// P999 is the p99.9 of acknowledgements, a dash if there were too few to tell.
func (r *Row) P999() string {
	if r.Ack.Count < P999Min {
		return units.Dash
	}
	return units.Duration(r.Ack.P999)
}

// P999Min is of how many values a p99.9 is told.
const P999Min = 1000

// PerSecond is how many requests of an operation the object store got a second, a
// dash if none were counted.
func (r *Row) PerSecond(operation string) string {
	switch n := r.Usage.RequestsPerSecond[operation]; {
	case !r.Usage.Known:
		return units.Dash
	case n == 0:
		return "0"
	default:
		return units.Number(n)
	}
}

// verdict says whether everything acknowledged was read back.
func (r *Row) verdict() string {
	switch {
	case r.Rounds == 0:
		return units.Dash
	case r.Intact:
		return "ok"
	}
	return "NO"
}

// Latency writes nanoseconds.
func Latency(ns float64) string { return units.Duration(time.Duration(ns)) }

func mib(s Spread) string { return units.MiBPerSecond(s.Median) }

// sweepTable is latency by load, an arm after the other.
func sweepTable(r *result.Result) table {
	t := table{title: "Sweep: latency against offered load", head: []string{"arm", "store", "offered records/s", "acked records/s", "ack p50", "p99", "p99.9", "keeps up"}}
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		row := Row{Spec: r.Spec(s.Arm), Origin: OriginOf(r, s.Arm)}
		for _, step := range s.Points {
			keeps := "yes"
			switch {
			case step.Behind:
				keeps = "driver late"
			case step.Offered > s.Knee:
				keeps = "no"
			}
			t.rows = append(t.rows, []string{s.Arm, row.store(), units.Number(step.Offered), units.Number(step.Acked),
				units.Duration(step.Ack.P50), units.Duration(step.Ack.P99), units.Duration(step.Ack.P999), keeps})
		}
		if s.KneeWhy != "" {
			t.notes = append(t.notes, s.Arm+": knee at "+units.Number(s.Knee)+" records/s; above it, "+s.KneeWhy+".")
		}
	}
	return t
}

// Remarks say how figures were taken, and which of them are simulated.
func Remarks(r *result.Result) []string {
	out := []string{
		"Latencies count from when a record was due, not from when it was sent; MiB = 2^20 bytes, GB = 10^9 bytes; × p99 is against the first arm that does not acknowledge from object storage.",
	}
	for _, o := range []Origin{Simulated, Uploads} {
		if arms := armsOf(r, o); len(arms) > 0 {
			switch o {
			case Simulated:
				out = append(out, "Simulated store, not measured: acknowledgements of "+strings.Join(arms, ", ")+" come from a store whose latencies are a profile's.")
			case Uploads:
				out = append(out, strings.Join(arms, ", ")+": acknowledgements are measured; uploads go to a simulated store.")
			}
		}
	}
	return out
}

// armsOf are the arms of the recipe with an origin.
func armsOf(r *result.Result, o Origin) []string {
	var out []string
	for _, a := range r.Recipe.Arms {
		if OriginOf(r, a.Name) == o {
			out = append(out, a.Name)
		}
	}
	return out
}

// plain is text of one line without what would move a terminal's cursor or break
// a table.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}

// cut shortens s to so many characters.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "…"
}
