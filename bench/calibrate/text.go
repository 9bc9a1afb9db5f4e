package calibrate

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/seawallmq/seawall/bench/units"
	"github.com/seawallmq/seawall/internal/s3sim/model"
)

// Text prints the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s, measured on %s, one request at a time\n\n", r.URL, r.Date.UTC().Format("2006-01-02 15:04 UTC"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "request\tobject\tsamples\tfailed\tp50\tp90\tp99\tmax\tMiB/s at p50\t")
	for i := range r.Rows {
		row := &r.Rows[i]
		rate := units.Dash
		if row.What == Put || row.What == Get {
			rate = units.MiBPerSecond(float64(row.Bytes) / row.Quantile(0.5).Seconds())
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t\n", row.What, units.Size(float64(row.Bytes)), row.Count(), row.Failed,
			units.Duration(row.Quantile(0.5)), units.Duration(row.Quantile(0.9)), units.Duration(row.Quantile(0.99)), units.Duration(row.Quantile(1)), rate)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !r.Conditional {
		fmt.Fprintln(w, "\nThe store does not refuse a write on condition that there is no object (If-None-Match).")
	}
	return r.fitText(w)
}

// fitText prints what was fitted.
func (r *Report) fitText(w io.Writer) error {
	fmt.Fprint(w, "\nFitted: median and sigma of a lognormal distribution\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, op := range model.Ops() {
		for _, point := range r.Profile.Latency[op] {
			fmt.Fprintf(t, "%s\t%s\t%s ms\tσ %.2f\t\n", op, units.Size(float64(point.Bytes)), units.Number(point.MedianMS), point.Sigma)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if c := r.Profile.Connection; c != nil {
		fmt.Fprintf(w, "\nOne connection: %s MiB/s\n", units.MiBPerSecond(c.BytesPerSecond))
	}
	return nil
}
