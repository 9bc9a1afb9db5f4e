package report

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

func (r *Report) fenceTable() table {
	first := r.Fence[0]
	t := table{title: fmt.Sprintf("Fence: ack p50 / p95 / p99 / p99.9 in ms by kind of WAL, in windows of %v, turn about", first.Window)}
	t.row("at", "windows of each", "exclusive", "shared", "p50 shared / exclusive", "turn by turn", "p99 shared / exclusive", "turn by turn")
	for i := range r.Fence {
		f := &r.Fence[i]
		t.row(count(int64(f.RatePerSecond))+"/s", count(int64(len(f.Exclusive.Each))), f.Exclusive.cell(), f.Shared.cell(),
			f.ratio(p50), f.byTurn(p50).cell(), f.ratio(p99), f.byTurn(p99).cell())
		f.remarks(&t, "exclusive", &f.Exclusive)
		f.remarks(&t, "shared", &f.Shared)
	}
	t.note("Two brokers on one disk, the one without a load idle; nothing is uploaded. A leader with a shared WAL reads its fence cell after each durable write.")
	return t
}

// cell prints the quantiles of all windows together.
func (t *Turns) cell() string {
	if t.Latency.Count == 0 {
		return "–"
	}
	return quantiles(func(q func(hist.Summary) time.Duration) Spread { return fixed(ms(q(t.Latency))) })
}

// ratio sets a quantile of all windows of the one beside that of the other.
func (f *Fenced) ratio(quantile func(hist.Summary) time.Duration) string {
	return ratio(ms(quantile(f.Shared.Latency)), ms(quantile(f.Exclusive.Latency)))
}

// byTurn does the same for each two windows that followed one another: how far
// these lie apart is the noise.
func (f *Fenced) byTurn(quantile func(hist.Summary) time.Duration) Spread {
	var ratios []float64
	for i := range min(len(f.Exclusive.Each), len(f.Shared.Each)) {
		if exclusive := quantile(f.Exclusive.Each[i]); exclusive > 0 {
			ratios = append(ratios, ms(quantile(f.Shared.Each[i]))/ms(exclusive))
		}
	}
	return spread(ratios)
}

// remarks notes what casts a doubt on figures.
func (f *Fenced) remarks(t *table, kind string, turns *Turns) {
	at := fmt.Sprintf("%s, %s/s", kind, count(int64(f.RatePerSecond)))
	if turns.Saturation != "" {
		t.note("%s: %s.", at, turns.Saturation)
	}
	if turns.Failed > 0 {
		t.note("%s: %s records failed.", at, count(turns.Failed))
	}
}
