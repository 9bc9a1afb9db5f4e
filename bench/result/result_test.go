package result

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/bench/scenario"
)

func small() *Result {
	ms := time.Millisecond
	return &Result{
		Format: Format, Began: time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC), Version: "v1",
		Recipe: Recipe{
			Command: []string{"bench", "compare"}, Seed: 1<<64 - 1, Rounds: 1,
			Arms:      []ArmSpec{{Name: "wal"}, {Name: "s3-250ms", Store: "s3", FromStore: true}},
			Scenarios: []scenario.Scenario{{Name: "A", Producers: 4}},
		},
		Stores: []Store{{Name: "s3", Simulated: true, Profile: map[string]any{"put": 1.5}}},
		Scenarios: []Scenario{{Name: "A", Arms: []ArmResult{
			{Arm: "wal", Ack: Histogram{Summary: Summary{Count: 4}, Buckets: []Bucket{{ms, 1}, {2 * ms, 3}}}},
			{Arm: "s3-250ms", EndToEnd: Histogram{Buckets: []Bucket{{ms, 0}}}},
		}}},
	}
}

func TestReadsWhatWasWritten(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, small()); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), got); diff != "" {
		t.Error(diff)
	}
}

// What a written result looks like is kept: programs of others read it.
func TestWrittenNames(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, small()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"format": 1`, `"began": "2026-11-25T17:00:00Z"`, `"seed": 18446744073709551615`,
		`"from_store": true`, `"simulated": true`, `"up_to_ns": 2000000`, `"p999_ns": 0`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
}

func TestWhatIsNotRead(t *testing.T) {
	for _, test := range []struct{ in, fault string }{
		{``, "unexpected end"},
		{`[]`, "array"},
		{`{}`, "no format number"},
		{`{"format": 2, "began": {"of": "another type"}}`, "its format is 2 and this program reads up to 1"},
		{`{"format": 1, "began": 7}`, "not a JSON string"},
		{`{"format": 1, "scenarios": [{"name": "A", "arms": [{"arm": "wal", "ack": {"count": -1}}]}]}`, `scenario "A", arm "wal", ack: -1 values`},
		{`{"format": 1, "scenarios": [{"arms": [{"end_to_end": {"buckets": [{"up_to_ns": 2}, {"up_to_ns": 2}]}}]}]}`, "end_to_end: the bucket up to 2ns follows"},
		{`{"format": 1, "scenarios": [{"arms": [{"ack": {"buckets": [{"up_to_ns": 2, "count": -2}]}}]}]}`, "-2 values of up to 2ns"},
	} {
		if _, err := Read(strings.NewReader(test.in)); err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v", test.in, err)
		}
	}
	if _, err := Read(strings.NewReader(`{"format": 1, "weather": "fair"}`)); err != nil {
		t.Errorf("a field that is not known: %v", err)
	}
}

func TestCSV(t *testing.T) {
	var b strings.Builder
	if err := CSV(&b, small()); err != nil {
		t.Fatal(err)
	}
	const want = `scenario,arm,kind,up_to_ns,count,cumulative_share,simulated_store
A,wal,ack,1000000,1,0.25,false
A,wal,ack,2000000,3,1,false
A,s3-250ms,end_to_end,1000000,0,0,true
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestLookUps(t *testing.T) {
	r := small()
	if s := r.StoreOf("s3-250ms"); s == nil || !s.Simulated {
		t.Errorf("store %+v", s)
	}
	for _, arm := range []string{"wal", "nobody"} {
		if s := r.StoreOf(arm); s != nil {
			t.Errorf("store of %s: %+v", arm, s)
		}
	}
	if s := r.Spec("nobody"); s.Name != "nobody" {
		t.Errorf("spec %+v", s)
	}
	if s := r.Setting("A"); s.Producers != 4 {
		t.Errorf("setting %+v", s)
	}
}

// Whatever is read can be written and read again, and is the same.
func FuzzRead(f *testing.F) {
	var b strings.Builder
	if err := Write(&b, small()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add(`{"format": 1, "stores": [{"profile": [null, {"a": "<b>"}]}], "scenarios": [{"arms": [{"rounds": [{"series": [{}]}]}]}]}`)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := Read(strings.NewReader(in))
		if err != nil {
			return
		}
		var once, twice strings.Builder
		if err := Write(&once, r); err != nil {
			t.Fatal(err)
		}
		again, err := Read(strings.NewReader(once.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(&twice, again); err != nil || once.String() != twice.String() {
			t.Fatalf("%v:\n%s\n%s", err, once.String(), twice.String())
		}
		if err := CSV(new(strings.Builder), r); err != nil {
			t.Fatal(err)
		}
	})
}
