package htmlreport

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/result/resulttest"
)

func drawn(t *testing.T, r *result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r, cost.Listed()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var svg = regexp.MustCompile(`(?s)<svg.*?</svg>`)

// wellFormed fails on a figure that is no XML, or has a coordinate that is no
// number.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	for _, figure := range svg.FindAllString(page, -1) {
		d := xml.NewDecoder(strings.NewReader(figure))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %.300s", err, figure)
			}
		}
	}
	for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<no value>", "%!"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Fatalf("%s in …%s…", bad, page[max(0, i-100):min(len(page), i+100)])
		}
	}
}

// figures are those of a page whose words hold all of some.
func figuresWith(page string, words ...string) []string {
	var out []string
	for _, f := range svg.FindAllString(page, -1) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(f, w)
		}
		if has {
			out = append(out, f)
		}
	}
	return out
}

func TestPageIsWhole(t *testing.T) {
	r := resulttest.Full()
	page := drawn(t, r)
	wellFormed(t, page)
	for _, a := range r.Recipe.Arms {
		// The overview and both distributions of each scenario, and the sweep.
		if n := len(figuresWith(page, ">"+a.Name+"<")); n < 2*len(r.Scenarios) {
			t.Errorf("%s is in %d figures", a.Name, n)
		}
	}
	for _, want := range []string{
		"seawall bench replay result.json", "seawall bench compare A B E F --arms all --rounds 3", "O_DIRECT, RWF_DSYNC",
		"https://example.org/put-latency", "partition 4: record 10241", "NOT as acknowledged", "yes, but in doubt",
		"WAL on gp3", "S3 Express, 25 ms", "Kafka, nearest replica", "cheaper below", "uploads", `id="sweep"`, `id="bill"`, "prefers-color-scheme:dark",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

// Nothing is loaded, and nothing runs.
func TestPageNeedsNothingElse(t *testing.T) {
	page := drawn(t, resulttest.Full())
	for _, bad := range []string{"<script", "<link", "<img", "@import", "url(", "src="} {
		if strings.Contains(page, bad) {
			t.Errorf("%s in the page", bad)
		}
	}
}

// A simulated store is named in every figure that shows it, and in every row.
func TestSimulatedIsNeverShownAsMeasured(t *testing.T) {
	r := resulttest.Full()
	page := drawn(t, r)
	for _, arm := range []string{"s3-250ms", "s3-50ms", "express-25ms"} {
		for _, f := range figuresWith(page, ">"+arm+"<") {
			if !strings.Contains(f, "simulated store") || !strings.Contains(f, "dashed") {
				t.Errorf("%s in a figure without the words: %.200s", arm, f)
			}
		}
	}
	rows := regexp.MustCompile(`(?s)<tr[ >].*?</tr>`).FindAllString(page, -1)
	n := 0
	for _, row := range rows {
		for _, a := range r.Recipe.Arms {
			if strings.Contains(row, "</svg>\n"+a.Name+"</td>") && a.Store != "" {
				t.Errorf("a row without the words: %s", row)
			}
			if a.Store != "" && strings.Contains(row, "</svg>\n"+a.Name+"<br>") {
				n++
				if !strings.Contains(row, "simulated store</span>") {
					t.Errorf("a row without the words: %s", row)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d rows of simulated stores", n)
	}
}

func TestSameResultSameBytes(t *testing.T) {
	var b bytes.Buffer
	if err := result.Write(&b, resulttest.Full()); err != nil {
		t.Fatal(err)
	}
	read, err := result.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if drawn(t, resulttest.Full()) != drawn(t, read) {
		t.Error("what was written and read again is drawn otherwise")
	}
}

func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script>` + "\x00\x1b]\xff"
	r := resulttest.Full()
	name := func(s *string) { *s = evil + *s }
	name(&r.Version)
	name(&r.Machine.CPU)
	r.Faults = []string{evil}
	r.Recipe.Command = append(r.Recipe.Command, evil)
	r.Stores[0].URL = "javascript:alert(1)//" + evil
	r.Stores[0].Profile = map[string]any{evil: map[string]any{"source": evil, "url": "javascript:alert(2)"}}
	for i := range r.Recipe.Arms {
		name(&r.Recipe.Arms[i].Name)
		name(&r.Recipe.Arms[i].Ack)
	}
	for i := range r.Scenarios {
		name(&r.Scenarios[i].Name)
		name(&r.Recipe.Scenarios[i].Name)
		name(&r.Recipe.Scenarios[i].Title)
		for j := range r.Scenarios[i].Arms {
			name(&r.Scenarios[i].Arms[j].Arm)
			r.Scenarios[i].Arms[j].Rounds[0].Saturation = evil
		}
	}
	for i := range r.Sweeps {
		name(&r.Sweeps[i].Arm)
		name(&r.Sweeps[i].KneeWhy)
	}
	page := drawn(t, r)
	wellFormed(t, page)
	for _, bad := range []string{"<script", `href="javascript`} {
		if strings.Contains(page, bad) {
			t.Errorf("%q came through", bad)
		}
	}
}

// Whatever is missing or absurd, the rest is drawn.
func TestPartialResults(t *testing.T) {
	const forever = time.Duration(1<<63 - 1)
	one := func(change func(a *result.ArmResult)) *result.Result {
		a := result.ArmResult{Arm: "wal", Rounds: []result.Round{{ReadBack: true}}}
		change(&a)
		return &result.Result{Scenarios: []result.Scenario{{Name: "A", Arms: []result.ArmResult{a}}}}
	}
	for name, r := range map[string]*result.Result{
		"nothing":         {},
		"a fault":         {Faults: []string{"no disk"}},
		"no arms":         {Scenarios: []result.Scenario{{Name: "A"}}},
		"no rounds":       one(func(a *result.ArmResult) { a.Rounds = nil }),
		"an empty device": {Device: new(report.Device)},
		"an empty store":  {Stores: []result.Store{{}}, Recipe: result.Recipe{Arms: []result.ArmSpec{{}}}},
		"no latencies":    one(func(a *result.ArmResult) { a.Ack.Buckets = []result.Bucket{{UpTo: 0, Count: 5}} }),
		"counts of 0":     one(func(a *result.ArmResult) { a.Ack.Buckets = []result.Bucket{{UpTo: 5}} }),
		"one value":       one(func(a *result.ArmResult) { a.Ack.Buckets = []result.Bucket{{UpTo: time.Millisecond, Count: 1}} }),
		"endless": one(func(a *result.ArmResult) {
			a.Ack.Buckets = []result.Bucket{{UpTo: 1, Count: 1 << 62}, {UpTo: forever, Count: 1 << 62}}
		}),
		"only a summary": one(func(a *result.ArmResult) {
			a.Ack.Summary = result.Summary{Count: 10, P50: time.Millisecond, P99: time.Second}
		}),
		"one point":      one(func(a *result.ArmResult) { a.Rounds[0].Series = []result.Point{{P50: 1, P99: 2, Max: 3, Bytes: 9}} }),
		"points at once": one(func(a *result.ArmResult) { a.Rounds[0].Series = []result.Point{{At: 5, Bytes: 1}, {At: 5, Bytes: 1}} }),
		"negative points": one(func(a *result.ArmResult) {
			a.Rounds[0].Series = []result.Point{{At: -forever, P99: -1, Bytes: -1 << 62}, {At: forever, Max: forever}}
		}),
		"events alone":     one(func(a *result.ArmResult) { a.Rounds[0].Events = []result.Event{{Kind: result.Upload}, {Kind: "odd"}} }),
		"requests alone":   one(func(a *result.ArmResult) { a.Rounds[0].Requests = map[string]float64{"PUT": 1e300, "GET": -4} }),
		"an empty sweep":   {Sweeps: []result.Sweep{{}}},
		"a sweep of a dot": {Sweeps: []result.Sweep{{Arm: "wal", Knee: 5, Points: []result.SweepStep{{Offered: 5, Ack: result.Summary{P99: 1}}}}}},
		"a sweep of zeros": {Sweeps: []result.Sweep{{Arm: "wal", Points: []result.SweepStep{{}, {Offered: -1}}}}},
	} {
		t.Run(name, func(t *testing.T) { wellFormed(t, drawn(t, r)) })
	}
}

func TestStylesTellArmsApart(t *testing.T) {
	r := new(result.Result)
	for i := range 8 {
		r.Recipe.Arms = append(r.Recipe.Arms, result.ArmSpec{Name: fmt.Sprintf("other-%d", i)})
	}
	r.Recipe.Arms[7].Name = "wal"
	s := stylesOf(r)
	seen := map[int]string{}
	for name, style := range s.of {
		if other, ok := seen[style]; ok {
			t.Errorf("%s looks like %s", name, other)
		}
		seen[style] = name
	}
	if s.of["wal"] != 0 {
		t.Errorf("the WAL has style %d", s.of["wal"])
	}
}

func TestBatchesFromProperties(t *testing.T) {
	for _, test := range []struct {
		property string
		want     cost.Flush
	}{
		{"s3.wal.path=0@s3://sea?batchInterval=50&maxBytesInBatch=4194304", cost.Flush{Bytes: 4 * cost.MiB, Interval: 50 * time.Millisecond}},
		{"s3.wal.path=0@s3://sea?batchInterval=25ms&maxBytesInBatch=8MiB", cost.Flush{Bytes: 8 * cost.MiB, Interval: 25 * time.Millisecond}},
		{"s3.wal.path=0@s3://sea?batchInterval=-1&maxBytesInBatch=NaN", cost.DirectFlush()},
		{"s3.wal.path=0@s3://sea?%zz", cost.DirectFlush()},
		{"other=1", cost.DirectFlush()},
	} {
		if got := flushOf(&result.ArmSpec{FromStore: true, Properties: []string{test.property}}); got != test.want {
			t.Errorf("%s: %+v", test.property, got)
		}
	}
	if got := flushOf(&result.ArmSpec{}); got != cost.WALFlush() {
		t.Errorf("a WAL: %+v", got)
	}
}

// Whatever is read can be drawn.
func FuzzHTML(f *testing.F) {
	var small bytes.Buffer
	r := resulttest.Full()
	r.Scenarios, r.Sweeps = r.Scenarios[:1], r.Sweeps[:1]
	s := &r.Scenarios[0]
	s.Arms = s.Arms[:1]
	s.Arms[0].Ack.Buckets, s.Arms[0].EndToEnd.Buckets = s.Arms[0].Ack.Buckets[:3], nil
	s.Arms[0].Rounds = s.Arms[0].Rounds[:1]
	s.Arms[0].Rounds[0].Series = s.Arms[0].Rounds[0].Series[:3]
	r.Sweeps[0].Points = r.Sweeps[0].Points[:2]
	if err := result.Write(&small, r); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	f.Add([]byte(`{"format": 1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := result.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		var page bytes.Buffer
		if err := HTML(&page, r, cost.Listed()); err != nil {
			t.Fatal(err)
		}
		for _, figure := range svg.FindAllString(page.String(), -1) {
			if strings.Contains(figure, `="NaN`) || strings.Contains(figure, "Inf ") {
				t.Fatalf("no number in %.300s", figure)
			}
		}
	})
}
