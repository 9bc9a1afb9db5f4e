package htmlreport

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
	"github.com/seawallmq/seawall/internal/config"
)

// billRetention is how long the bill of a run takes what was stored to be kept.
const billRetention = 24 * time.Hour

// billOf prices what each arm asked of its object store, next to the model.
func billOf(d *digest.Digest, s *styles, p *cost.Prices) (table, []string) {
	t := table{Head: heads("<arm", "acked MiB/s", "PUT/s counted", "PUT/s model", "GET/s", "LIST/s", "PUTs $ a month", "by the model", "all requests $ a month", "a day stored $ a month")}
	express := false
	for i := range d.Scenarios {
		of := &d.Scenarios[i]
		var rows []row
		for j := range of.Rows {
			if r := &of.Rows[j]; r.Usage.Known {
				express = express || r.Express
				rows = append(rows, billRow(r, s, p))
			}
		}
		if len(rows) > 0 {
			t.Rows = append(append(t.Rows, row{Group: of.Title()}), rows...)
		}
	}
	notes := []string{
		"The model's PUTs are those of one broker with the arm's interval and size of a batch; of an arm with a WAL, those of the default upload (128 MiB or a minute, in parts of 16 MiB). A window that is shorter than a minute may see no upload at all, and then shows none to pay; a run in many partitions uploads more and smaller objects than the model.",
		"Requests of a simulated store were counted by it: their number is measured, their latency is not.",
	}
	if express {
		notes = append(notes, "S3 Express is billed for one zone here, as the run wrote one copy; the model above writes two.")
	}
	return t, notes
}

func billRow(r *digest.Row, s *styles, p *cost.Prices) row {
	u := &r.Usage
	counted := cost.Counted{
		Puts: u.RequestsPerSecond["PUT"], Gets: u.RequestsPerSecond["GET"], Lists: u.RequestsPerSecond["LIST"],
		StoredBytes: u.StoredBytesPerSecond, FetchedBytes: u.FetchedBytesPerSecond, Express: r.Express,
	}
	bill := p.Bill(counted.Month(billRetention))
	stored := bill.Of(cost.S3Stored) + bill.Of(cost.ExpressStored)
	model := flushOf(&r.Spec).PutsPerSecond(u.AckedBytesPerSecond)
	puts := func(n float64) string {
		b := p.Bill(cost.Counted{Puts: n, Express: r.Express}.Month(0))
		return units.Dollars(b.USD())
	}
	out := row{Cells: []cell{s.cell(r.Spec.Name)}}
	out.Cells = append(out.Cells, cells(units.MiBPerSecond(u.AckedBytesPerSecond), r.PerSecond("PUT"), units.Number(model), r.PerSecond("GET"), r.PerSecond("LIST"),
		puts(counted.Puts), puts(model), units.Dollars(bill.USD()-stored), units.Dollars(stored))...)
	return out
}

// flushOf is when an arm writes objects, by the properties in its recipe or the
// defaults.
func flushOf(spec *result.ArmSpec) cost.Flush {
	if !spec.FromStore {
		return cost.WALFlush()
	}
	f := cost.DirectFlush()
	for _, property := range spec.Properties {
		value, ok := strings.CutPrefix(property, "s3.wal.path=")
		if !ok {
			continue
		}
		_, query, _ := strings.Cut(value, "?")
		parsed, err := url.ParseQuery(query)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(parsed.Get("batchInterval"), 10, 32); err == nil && n > 0 {
			f.Interval = time.Duration(n) * time.Millisecond
		} else if d, err := time.ParseDuration(parsed.Get("batchInterval")); err == nil && d >= time.Millisecond {
			f.Interval = d
		}
		if n, err := config.ParseSize(parsed.Get("maxBytesInBatch")); err == nil {
			f.Bytes = float64(n)
		}
	}
	return f
}
