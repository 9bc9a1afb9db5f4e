package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

const (
	// latencyMaxMS is the longest median and stall that a profile may have: no
	// client waits so long.
	latencyMaxMS = 10 * 60 * 1e3
	// sigmaMax keeps what is drawn within what a duration holds.
	sigmaMax = 3
	// pointsMax bounds a curve.
	pointsMax = 64
)

// unmarshalStrictly refuses fields that are not known: a misspelt figure would
// be one that does not exist.
func unmarshalStrictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// faults gathers what is wrong with a profile.
type faults []error

// check notes a fault of what, unless ok.
func (f *faults) check(ok bool, what, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf("%s: %s", what, fmt.Sprintf(format, args...)))
	}
}

func (f *faults) source(s Source, what string) {
	f.check(strings.TrimSpace(s.Source) != "", what, "a figure without its source")
}

// Validate says everything that is wrong with the profile, or nil.
func (p *Profile) Validate() error {
	var f faults
	f.check(p.Format == Format, "format", "%d, not %d", p.Format, Format)
	f.check(strings.TrimSpace(p.Name) != "", "name", "there is none")
	f.check(strings.TrimSpace(p.About) != "", "about", "nothing says what the profile stands for")
	p.checkLatency(&f)
	for what, b := range map[string]*Bandwidth{"connection": p.Connection, "total": p.Total} {
		if b != nil {
			f.check(positive(b.BytesPerSecond), what, "%v bytes a second", b.BytesPerSecond)
			f.source(b.Source, what)
		}
	}
	for what, r := range map[string]*Rate{"writes": p.Writes, "reads": p.Reads} {
		if r != nil {
			f.check(r.PerSecond >= 1 && positive(r.PerSecond), what, "%v requests a second", r.PerSecond)
			f.source(r.Source, what)
		}
	}
	f.check(p.PrefixFolders >= 0, "prefix_folders", "%d", p.PrefixFolders)
	if s := p.Stalls; s != nil {
		f.check(isShare(s.Share), "stalls", "a share of %v", s.Share)
		f.check(s.ShortestMS >= 0 && s.LongestMS >= s.ShortestMS && s.LongestMS <= latencyMaxMS,
			"stalls", "from %v to %v ms", s.ShortestMS, s.LongestMS)
		f.source(s.Source, "stalls")
	}
	if e := p.Errors; e != nil {
		f.check(isShare(e.Share), "errors", "a share of %v", e.Share)
		f.source(e.Source, "errors")
	}
	if len(f) > 0 {
		return fmt.Errorf("profile %q: %w", p.Name, errors.Join(f...))
	}
	return nil
}

// checkLatency judges the curves: none at all, or one for all that is measured.
func (p *Profile) checkLatency(f *faults) {
	known := map[Op]bool{}
	for _, op := range Ops() {
		known[op] = true
	}
	for op, curve := range p.Latency {
		what := "latency of " + string(op)
		f.check(known[op], what, "no such operation")
		f.check(len(curve) > 0 && len(curve) <= pointsMax, what, "%d sizes", len(curve))
		for i, point := range curve {
			at := fmt.Sprintf("%s at %d bytes", what, point.Bytes)
			f.check(point.Bytes >= 0 && (i == 0 || point.Bytes > curve[i-1].Bytes), at, "sizes must rise")
			f.check(positive(point.MedianMS) && point.MedianMS <= latencyMaxMS, at, "a median of %v ms", point.MedianMS)
			f.check(point.Sigma >= 0 && point.Sigma <= sigmaMax, at, "a sigma of %v", point.Sigma)
			f.source(point.Source, at)
		}
	}
	if len(p.Latency) > 0 {
		for _, op := range measured() {
			f.check(len(p.Latency[op]) > 0, "latency of "+string(op), "it is missing")
		}
	}
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }

func isShare(x float64) bool { return x >= 0 && x <= 1 }
