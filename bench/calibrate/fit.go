package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/internal/s3sim/model"
)

// medianMinMS is the shortest median that a profile has: a store in the page
// cache answers faster than anybody can tell.
const medianMinMS = 0.001

// A request has stalled that took longer than stallMin and than stallTimes the
// median of its kind.
const (
	stallMin   = time.Second
	stallTimes = 10
)

// sort makes the quantiles of a row known.
func (r *Row) sort() { slices.Sort(r.took) }

// Count is how many samples a row has.
func (r *Row) Count() int { return len(r.took) }

// Quantile is what a share q of the samples did not exceed, 0 ≤ q ≤ 1.
func (r *Row) Quantile(q float64) time.Duration {
	i := int(math.Ceil(q*float64(len(r.took)))) - 1
	return r.took[min(max(i, 0), len(r.took)-1)]
}

// lognormal fits a row: its median, and the sigma that brings the quantiles above
// it about right. Below the median a store has a least time, and no tail.
func lognormal(r *Row) (medianMS, sigma float64) {
	median := r.Quantile(0.5).Seconds()
	if median*1e3 < medianMinMS {
		return medianMinMS, 0
	}
	// Quantiles of the standard normal distribution.
	upper := []struct{ q, z float64 }{{0.75, 0.6745}, {0.9, 1.2816}, {0.95, 1.6449}}
	for _, u := range upper {
		sigma += math.Log(r.Quantile(u.q).Seconds()/median) / u.z / float64(len(upper))
	}
	return rounded(median * 1e3), rounded(min(max(sigma, 0), 3))
}

// rounded keeps three significant digits: more are not in what was measured.
func rounded(v float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		panic("calibrate: a number of ours cannot be read: " + err.Error())
	}
	return short
}

// fit makes a profile of what was measured.
func (r *Report) fit() *model.Profile {
	said := model.Source{Source: fmt.Sprintf("measured by seawall bench store on %s against %s", r.Date.UTC().Format("2006-01-02"), r.URL)}
	p := &model.Profile{
		Format: model.Format, Name: "measured", About: "A store as it was " + said.Source + ".", Latency: map[model.Op][]model.Point{},
	}
	point := func(bytes int64, row *Row) model.Point {
		median, sigma := lognormal(row)
		return model.Point{Bytes: bytes, MedianMS: median, Sigma: sigma, Source: said}
	}
	first := Row{What: GetFirst}
	attempts, failed := 0, 0
	for i := range r.Rows {
		row := &r.Rows[i]
		attempts += row.Count() + row.Failed
		failed += row.Failed
		switch row.What {
		case Put:
			p.Latency[model.Put] = append(p.Latency[model.Put], point(row.Bytes, row))
		case GetFirst:
			first.took = append(first.took, row.took...) // that of a byte is not a matter of the object's size
		case Head:
			p.Latency[model.Head] = []model.Point{point(0, row)}
		case List:
			p.Latency[model.List] = []model.Point{point(0, row)}
		case Delete:
			p.Latency[model.Delete] = []model.Point{point(0, row)}
		}
	}
	first.sort()
	p.Latency[model.Get] = []model.Point{point(0, &first)}
	if rate := r.bandwidth(&first); rate > 0 {
		p.Connection = &model.Bandwidth{BytesPerSecond: rounded(rate), Source: said}
	}
	p.Stalls = r.stalls(attempts, said)
	if failed > 0 {
		p.Errors = &model.Errors{Share: rounded(float64(failed) / float64(attempts)), Source: said}
	}
	return p
}

// stalls gathers the requests that took so long that no lognormal distribution
// has them; nil if there were none.
func (r *Report) stalls(attempts int, said model.Source) *model.Stalls {
	var stalled []time.Duration
	for i := range r.Rows {
		row := &r.Rows[i]
		for _, took := range row.took {
			if took > stallMin && took > stallTimes*row.Quantile(0.5) {
				stalled = append(stalled, took)
			}
		}
	}
	if len(stalled) == 0 {
		return nil
	}
	return &model.Stalls{
		Share:      rounded(float64(len(stalled)) / float64(attempts)),
		ShortestMS: float64(slices.Min(stalled).Milliseconds()), LongestMS: float64(slices.Max(stalled).Milliseconds()),
		Source: said,
	}
}

// bandwidth is that of one connection: how fast the largest object came after its
// first byte; 0 if that cannot be told.
func (r *Report) bandwidth(first *Row) float64 {
	for i := len(r.Rows) - 1; i >= 0; i-- {
		if row := &r.Rows[i]; row.What == Get {
			took := row.Quantile(0.5) - first.Quantile(0.5)
			if took <= 0 {
				return 0
			}
			return float64(row.Bytes) / took.Seconds()
		}
	}
	return 0
}
