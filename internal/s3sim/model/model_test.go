package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

var said = Source{Source: "a test"}

// sample is a profile with everything in it.
func sample() *Profile {
	flat := []Point{{Bytes: 0, MedianMS: 10, Sigma: 0.5, Source: said}}
	return &Profile{
		Format: Format, Name: "sample", About: "of a test",
		Latency: map[Op][]Point{
			Put:    {{Bytes: 1000, MedianMS: 10, Sigma: 0.2, Source: said}, {Bytes: 1_000_000, MedianMS: 1000, Sigma: 0.6, Source: said}},
			Get:    flat,
			Head:   flat,
			List:   flat,
			Delete: flat,
		},
		Connection: &Bandwidth{BytesPerSecond: 1e6, Source: said},
		Total:      &Bandwidth{BytesPerSecond: 1e7, Source: said},
		Writes:     &Rate{PerSecond: 10, Source: said},
		Reads:      &Rate{PerSecond: 20, Source: said},
		Stalls:     &Stalls{Share: 0.01, ShortestMS: 1000, LongestMS: 10_000, Source: said},
		Errors:     &Errors{Share: 0.02, Source: said},
	}
}

func TestLatencyFollowsTheCurve(t *testing.T) {
	p := sample()
	for _, c := range []struct {
		op    Op
		bytes int64
		z     float64
		want  float64 // ms
	}{
		{Put, 0, 0, 10}, {Put, 1000, 0, 10}, {Put, 1_000_000, 0, 1000},
		{Put, 31_622, 0, 100}, // half way, in logarithms
		{Put, 1000, 1, 10 * math.Exp(0.2)}, {Put, 31_622, -2, 100 * math.Exp(-0.8)},
		{Put, 3_000_000, 1, 1000*math.Exp(0.6) + 2000}, // the rest at the bandwidth
		{Part, 1000, 0, 10}, {Complete, 5_000_000, 0, 10}, {Create, 0, 0, 10}, {Abort, 0, 0, 10},
		{Get, 3_000_000, 0, 10}, {Get, 3_000_000, 2, 10 * math.E}, {List, 0, 0, 10},
	} {
		got := p.LatencyOf(c.op, c.bytes, c.z).Seconds() * 1e3
		if math.Abs(got-c.want) > 0.005*c.want {
			t.Errorf("%s of %d bytes, z %v: %v ms, want %v", c.op, c.bytes, c.z, got, c.want)
		}
	}
	if d := p.TransferOf(2_000_000); d != 2*time.Second {
		t.Errorf("2 MB took %v", d)
	}
	none := &Profile{}
	if none.LatencyOf(Put, 1<<30, 3) != 0 || none.TransferOf(1<<30) != 0 {
		t.Error("a profile of nothing takes time")
	}
}

// What is drawn has the distribution that the profile says.
func TestDrawsAreAsTheProfileSays(t *testing.T) {
	p := sample()
	const n = 100_000
	zs := make([]float64, n)
	stalls, longest, shortest, failed := 0, time.Duration(0), time.Hour, map[Fault]int{}
	for i := range zs {
		d := p.Draw(42, Put, uint64(i))
		zs[i] = d.Z
		failed[d.Fault]++
		if d.Stall > 0 {
			stalls++
			longest, shortest = max(longest, d.Stall), min(shortest, d.Stall)
		}
	}
	slices.Sort(zs)
	for q, want := range map[float64]float64{0.01: -2.326, 0.1: -1.2816, 0.5: 0, 0.9: 1.2816, 0.99: 2.326, 0.999: 3.09} {
		if got := zs[int(q*n)]; math.Abs(got-want) > 0.05+0.1*max(0, q-0.99)/0.009 {
			t.Errorf("quantile %v of z: %.3f, want %.3f", q, got, want)
		}
	}
	if stalls < 850 || stalls > 1150 || shortest < time.Second || shortest > 1100*time.Millisecond || longest > 10*time.Second || longest < 9900*time.Millisecond {
		t.Errorf("%d stalls of %v to %v", stalls, shortest, longest)
	}
	if failed[InternalError] < 850 || failed[InternalError] > 1150 || failed[Unavailable] < 850 || failed[Unavailable] > 1150 {
		t.Errorf("failed: %v", failed)
	}
}

func TestDrawsRepeat(t *testing.T) {
	p, calm := sample(), sample()
	calm.Stalls, calm.Errors = nil, nil
	if a, b := p.Draw(1, Get, 7), p.Draw(1, Get, 7); a != b {
		t.Errorf("%v and %v", a, b)
	}
	z := p.Draw(1, Get, 7).Z
	if calm.Draw(1, Get, 7).Z != z {
		t.Error("stalls and errors change latencies")
	}
	if p.Draw(2, Get, 7).Z == z || p.Draw(1, Put, 7).Z == z || p.Draw(1, Get, 8).Z == z {
		t.Error("another seed, operation or number drew the same")
	}
}

func TestLink(t *testing.T) {
	now := time.Unix(0, 0)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	l := NewLink(&Bandwidth{BytesPerSecond: 1000})
	for _, c := range []struct {
		now   time.Duration
		bytes int64
		want  time.Duration
	}{{0, 1000, time.Second}, {0, 500, 1500 * time.Millisecond}, {time.Second, 500, 2 * time.Second}, {9 * time.Second, 1000, 10 * time.Second}} {
		if got := l.Reserve(at(c.now), c.bytes); !got.Equal(at(c.want)) {
			t.Errorf("%d bytes at %v are through at %v, want %v", c.bytes, c.now, got.Sub(now), c.want)
		}
	}
	if got := NewLink(nil).Reserve(now, 1<<40); !got.Equal(now) {
		t.Error("a link without a bound takes time")
	}
}

func TestLimits(t *testing.T) {
	p := sample()
	p.PrefixFolders = 2
	l := NewLimits(p)
	now := time.Unix(0, 0)
	allowed := func(op Op, key string, n int) (ok int) {
		for range n {
			if l.Allow(now, op, key) {
				ok++
			}
		}
		return ok
	}
	if got := allowed(Put, "a/b/k", 15); got != 10 {
		t.Errorf("%d writes of 15 at once, want 10", got)
	}
	if got := allowed(Delete, "a/b/c/other", 1); got != 0 {
		t.Error("the same prefix, and not refused")
	}
	if got := allowed(Put, "a/c/k", 15); got != 10 {
		t.Errorf("another prefix: %d of 15", got)
	}
	if got := allowed(List, "a/b/", 30); got != 20 {
		t.Errorf("%d reads of 30", got)
	}
	now = now.Add(500 * time.Millisecond)
	if got := allowed(Part, "a/b/k", 15); got != 5 {
		t.Errorf("%d writes half a second later, want 5", got)
	}
	for i := range 3 * prefixesMax {
		now = now.Add(time.Millisecond)
		l.Allow(now, Put, fmt.Sprintf("%d/x/k", i))
	}
	if len(l.prefixes) > prefixesMax+1 {
		t.Errorf("%d prefixes are remembered", len(l.prefixes))
	}
	if !NewLimits(&Profile{}).Allow(now, Put, "k") {
		t.Error("refused without a limit")
	}
}

func TestParseReadsWhatItWrites(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(p)
	if err != nil || string(again) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for want, spoil := range map[string]func(p *Profile){
		"format: 2, not 1":                               func(p *Profile) { p.Format = 2 },
		"name: there is none":                            func(p *Profile) { p.Name = " " },
		"about: nothing says":                            func(p *Profile) { p.About = "" },
		"put at 1000 bytes: a figure without its source": func(p *Profile) { p.Latency[Put][0].Source.Source = " " },
		"connection: a figure without its source":        func(p *Profile) { p.Connection.Source = Source{URL: "https://example.com"} },
		"total: -1 bytes":                                func(p *Profile) { p.Total.BytesPerSecond = -1 },
		"writes: a figure without its source":            func(p *Profile) { p.Writes.Source = Source{} },
		"reads: 0 requests":                              func(p *Profile) { p.Reads.PerSecond = 0 },
		"stalls: a share of 2":                           func(p *Profile) { p.Stalls.Share = 2 },
		"stalls: from 1000 to 10 ms":                     func(p *Profile) { p.Stalls.LongestMS = 10 },
		"stalls: a figure without its source":            func(p *Profile) { p.Stalls.Source = Source{} },
		"errors: a figure without its source":            func(p *Profile) { p.Errors.Source = Source{} },
		"errors: a share of NaN":                         func(p *Profile) { p.Errors.Share = math.NaN() },
		"latency of list: it is missing":                 func(p *Profile) { delete(p.Latency, List) },
		"latency of copy: no such operation":             func(p *Profile) { p.Latency["copy"] = p.Latency[Get] },
		"latency of put at 1000 bytes: sizes must rise":  func(p *Profile) { p.Latency[Put][1].Bytes = 1000 },
		"latency of put at 1000 bytes: a sigma of 9":     func(p *Profile) { p.Latency[Put][0].Sigma = 9 },
		"latency of put at 1000 bytes: a median of 0 ms": func(p *Profile) { p.Latency[Put][0].MedianMS = 0 },
		"prefix_folders: -1":                             func(p *Profile) { p.PrefixFolders = -1 },
	} {
		p := sample()
		spoil(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	for text, want := range map[string]string{
		`{`:                              "profile of a store",
		`{"format": 2, "name": "new"}`:   "has format 2; this version reads format 1",
		`{"format": 1, "speed": "high"}`: "unknown field",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, _ := json.Marshal(sample())
	f.Add(text)
	f.Add([]byte(`{"format": 1, "name": "n", "about": "a"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		for _, op := range Ops() {
			if d := p.LatencyOf(op, 1<<20, p.Draw(1, op, 1).Z); d < 0 {
				t.Errorf("%s takes %v", op, d)
			}
		}
	})
}
