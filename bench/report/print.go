package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

// targetTitle is that of the table of targets, by which [ReadKept] finds it.
const targetTitle = "Numbers to reach"

// loadQuietMax is the load average up to which a machine counts as quiet.
const loadQuietMax = 0.5

// Text prints the report for a terminal.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "\nSeawall bench, %s\n", r.heading())
	for _, t := range r.tables() {
		t.text(w)
	}
}

// Markdown prints it for docs/performance.md.
func (r *Report) Markdown(w io.Writer) {
	fmt.Fprintf(w, "%s\n", r.heading())
	for _, t := range r.tables() {
		t.markdown(w)
	}
}

// JSON prints all of it.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *Report) heading() string {
	m, s := r.Machine, r.Settings
	return fmt.Sprintf("%s, commit %s: %s, %d cores, %s GB of memory, Linux %s, load average %.1f before; %d round(s) of %v after %v of warm-up; %s-byte records, %d partitions, acks=all, no linger, the client on the same machine.",
		r.Date.UTC().Format("2006-01-02 15:04 UTC"), r.Commit, m.CPU, m.Cores, figure(float64(m.MemoryBytes)/1e9), m.Kernel, m.LoadBefore,
		s.Rounds, s.Duration, s.WarmUp, count(int64(s.RecordBytes)), s.Partitions)
}

func (r *Report) tables() []table {
	tables := []table{r.targetTable()}
	if len(r.Brokers) > 0 {
		tables = append(tables, r.brokerTable(), r.costTable())
	}
	if len(r.Fence) > 0 {
		tables = append(tables, r.fenceTable())
	}
	if r.Device != nil {
		tables = append(tables, r.Device.table())
	}
	if r.Start != nil || r.Recovery != nil || r.Idle != nil || len(r.Cold) > 0 {
		tables = append(tables, r.restTable())
	}
	return tables
}

func (r *Report) targetTable() table {
	t := table{title: targetTitle}
	t.row("what", "measured", "to reach", "")
	for _, target := range r.Targets {
		sign := "≤ "
		if target.AtLeast {
			sign = "≥ "
		}
		value, bound := figure(target.Value)+" "+target.Unit, sign+figure(target.Bound)+" "+target.Unit
		if target.Missing != "" {
			value, bound = "–", "–"
		}
		t.row(target.What, value, bound, target.Verdict())
	}
	if busy := r.Machine.LoadBefore; busy > loadQuietMax {
		t.note("The machine was busy before the run (load average %.1f): these figures will not hold.", busy)
	}
	for _, fault := range r.Faults {
		t.note("failed: %s", fault)
	}
	return t
}

// quantiles prints p50/p95/p99/p99.9 in milliseconds.
func quantiles(get func(quantile func(hist.Summary) time.Duration) Spread) string {
	s := ""
	for i, q := range []func(hist.Summary) time.Duration{p50, p95, p99, p999} {
		spread := get(q)
		if spread.N == 0 {
			return "–"
		}
		if i > 0 {
			s += " / "
		}
		s += figure(spread.Median)
	}
	return s
}

func (r *Report) brokerTable() table {
	t := table{title: "Produce: ack p50 / p95 / p99 / p99.9 in ms from the intended time, medians of the rounds"}
	t.row("broker", "an ack means", "at 2,000/s", "at 10,000/s", "driver's lag p50 / p99 at 10,000/s", "unthrottled MB/s")
	for i := range r.Brokers {
		b := &r.Brokers[i]
		at := func(rate float64) string {
			return quantiles(func(q func(hist.Summary) time.Duration) Spread { return b.latency(rate, q) })
		}
		lag := func(q func(hist.Summary) time.Duration) string {
			return b.rated(RateHigh, func(r *Rated) float64 { return ms(q(r.Lag)) }).cell()
		}
		t.row(b.Name, b.Ack, at(RateLow), at(RateHigh), lag(p50)+" / "+lag(p99),
			b.unthrottled(func(u *Unthrottled) float64 { return u.BytesPerSecond / 1e6 }).cell())
		b.remarks(&t)
	}
	t.note("The null broker answers at once and keeps nothing: it shows what driver, client and loopback cost.")
	return t
}

// remarks notes what casts a doubt on figures.
func (b *Broker) remarks(t *table) {
	for n, round := range b.Rounds {
		for _, rated := range round.Rated {
			if rated.Saturation != "" {
				t.note("%s, round %d, %s/s: %s.", b.Name, n+1, count(int64(rated.RatePerSecond)), rated.Saturation)
			}
			if rated.Failed > 0 {
				t.note("%s, round %d, %s/s: %s records failed.", b.Name, n+1, count(int64(rated.RatePerSecond)), count(rated.Failed))
			}
		}
	}
}

func (r *Report) costTable() table {
	t := table{title: "Produce: what it costs"}
	t.row("broker", "CPU s/GB unthrottled", "driver's CPU s/GB", "CPU s/GB at 10,000/s", "allocations a batch at 10,000/s", "records a batch", "read back MB/s", "start → first ack ms", "resident MB idle", "after")
	for i := range r.Brokers {
		b := &r.Brokers[i]
		un := func(f func(*Unthrottled) float64) string { return b.unthrottled(f).cell() }
		megabytes := func(f func(*Round) int64) string {
			return b.over(func(r *Round) (float64, bool) { return float64(f(r)) / 1e6, true }).cell()
		}
		t.row(b.Name,
			un(func(u *Unthrottled) float64 { return u.CPUPerGB }),
			un(func(u *Unthrottled) float64 { return u.DriverCPUPerGB }),
			b.rated(RateHigh, func(r *Rated) float64 { return r.CPUPerGB }).cell(),
			known(b.rated(RateHigh, func(r *Rated) float64 { return r.MallocsPerBatch })).cell(),
			b.rated(RateHigh, func(r *Rated) float64 { return r.RecordsPerBatch }).cell(),
			known(b.unthrottled(func(u *Unthrottled) float64 { return u.ReadBytesPerSec / 1e6 })).cell(),
			b.over(func(r *Round) (float64, bool) { return ms(r.FirstAck), true }).cell(),
			megabytes(func(r *Round) int64 { return r.ResidentIdle }),
			megabytes(func(r *Round) int64 { return r.ResidentAfter }))
	}
	return t
}

// Text prints the disk alone for a terminal.
func (d *Device) Text(w io.Writer) {
	t := d.table()
	t.text(w)
}

func (d *Device) table() table {
	t := table{title: "Device: durable writes (" + d.Durability + ") into written space"}
	t.row("what", "by the WAL's write path", "at 2,000/s", "records through the WAL", "fio", "path / fio", "WAL / fio")
	for _, l := range d.Latencies {
		show := func(s hist.Summary) string {
			if s.Count == 0 {
				return "–"
			}
			return quantiles(func(q func(hist.Summary) time.Duration) Spread { return fixed(ms(q(s))) })
		}
		t.row("write of "+size(int64(l.Bytes))+", depth 1, ms", show(l.BackToBack), show(l.Paced), "", show(l.Fio),
			ratio(ms(l.BackToBack.P50), ms(l.Fio.P50)), "")
	}
	for _, b := range d.Bandwidths {
		what := "write"
		if b.Read {
			what = "read"
		}
		rate := func(v float64) string {
			if v == 0 {
				return "–"
			}
			return figure(v / 1e6)
		}
		t.row(fmt.Sprintf("%s of %s, depth %d, MB/s", what, size(int64(b.Bytes)), b.Depth), rate(b.Device), "", rate(b.Log), rate(b.Fio),
			ratio(b.Device, b.Fio), ratio(b.Log, b.Fio))
	}
	if d.Fio == "" {
		t.note("fio is not installed: no ratio to it.")
	}
	return t
}

// ratio prints a/b, or a dash where one is unknown.
func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "–"
	}
	return figure(a / b)
}

func (r *Report) restTable() table {
	t := table{title: "Seawall: start, recovery, cold reads, memory"}
	t.row("what", "")
	if s := r.Start; s != nil {
		t.row("start → first ack, empty WAL of "+size(s.WALBytes)+", ms", milliseconds(s.FirstAck).cell())
		t.row("start → ready, the same, ms", milliseconds(s.Ready).cell())
	}
	if rec := r.Recovery; rec != nil {
		t.row("restart after kill -9 with "+size(rec.Bytes)+" to recover → ready, ms", milliseconds(rec.Ready).cell())
		t.row("the same → first ack, ms", milliseconds(rec.FirstAck).cell())
		t.row("recovery, MB/s beyond an empty start", r.recoveryRate().cell())
	}
	for _, c := range r.Cold {
		t.row("cold read of a partition of "+size(c.Bytes)+" by a consumer, "+c.Store+" store, MB/s", mega(c.Consumer).cell())
		t.row("the same again, cached, MB/s", mega(c.Again).cell())
		t.row("plain ranged GETs of the same objects, MB/s", mega(c.Gets).cell())
	}
	if r.Idle != nil {
		t.row("resident idle, MB", figure(float64(r.Idle.EmptyBytes)/1e6))
		if r.Idle.Partitions > 0 {
			t.row("resident with "+count(int64(r.Idle.Partitions))+" idle partitions, MB", figure(float64(r.Idle.PartitionsBytes)/1e6))
		}
	}
	return t
}
