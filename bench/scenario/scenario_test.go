package scenario

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	s, err := Parse("mine", []byte("# words\n\n partitions = 36 \nrate=20MiB/s\nrecord.bytes=2048\nlinger=5ms\nbackfill=512MiB\n"+
		"compression=zstd\nwarm.up=0s\nduration=1m30s"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Name, want.Partitions, want.RecordBytes, want.Linger, want.BackfillBytes = "mine", 36, 2048, 5*time.Millisecond, 512<<20
	want.Rate = Rate{Shape: Fixed, RecordsPerSecond: 10240, BytesPerSecond: 20 << 20}
	want.Compression, want.WarmUp, want.Duration = "zstd", 0, 90*time.Second
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if s.BytesPerSecond() != 20<<20 {
		t.Errorf("%v bytes a second", s.BytesPerSecond())
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := Parse("mine", []byte("partition=3\nrate=fast\nacks\nproducers=-1\nproducers=2\nlinger=5\nidempotent=yes\nunheard=1"))
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 8 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{
		`mine line 1: no field is named "partition"; did you mean partitions?`, `mine line 2: rate=fast: is no rate`,
		`mine line 3: "acks" is not name=value`, `line 4: producers=-1: is not a whole number`, `line 5: producers stands in line 4 already`,
		`line 6: linger=5: is no duration`, `line 7: idempotent=yes: is neither`, `line 8: no field is named "unheard"; there are title, topics`,
	} {
		if !strings.Contains(faults[i], want) {
			t.Errorf("fault %d is %q, want %q", i, faults[i], want)
		}
	}
	_, err = Parse("mine", []byte("topics=0\nacks=2\ncompression=rar\ntransaction=5\nidempotent=false\nduration=0s\nrecord.bytes=1"))
	if !errors.As(err, &faults) || len(faults) != 6 {
		t.Errorf("%v", err)
	}
	if _, err = Parse("mine", []byte("acks=1")); err == nil || !strings.Contains(err.Error(), "needs idempotent=false") {
		t.Errorf("%v", err)
	}
}

func TestRates(t *testing.T) {
	const long = 10 * time.Second
	for _, test := range []struct {
		text string
		due  map[float64]time.Duration
	}{
		{"2000/s", map[float64]time.Duration{0: 0, 1: 500 * time.Microsecond, 20_000: 10 * time.Second}},
		{"ramp 100/s to 300/s", map[float64]time.Duration{0: 0, 750: 5 * time.Second, 2000: 10 * time.Second, 2300: 11 * time.Second}},
		{"ramp 300/s to 100/s", map[float64]time.Duration{0: 0, 1250: 5 * time.Second, 2000: 10 * time.Second, 2100: 11 * time.Second}},
		{"ramp 100/s to 100/s", map[float64]time.Duration{500: 5 * time.Second}},
		{"burst 1000/s in 100ms of each 1s", map[float64]time.Duration{0: 0, 500: 50 * time.Millisecond, 999: 99900 * time.Microsecond, 1000: time.Second, 2500: 2050 * time.Millisecond}},
		{"unlimited", map[float64]time.Duration{5: 0}},
	} {
		r, err := ParseRate(test.text)
		if err != nil || r.String() != test.text {
			t.Errorf("%s is %+v, %q, %v", test.text, r, r, err)
			continue
		}
		for n, want := range test.due {
			if got := r.Due(n, long); math.Abs(float64(got-want)) > float64(time.Microsecond) {
				t.Errorf("%s: record %v is due after %v, want %v", test.text, n, got, want)
			}
		}
	}
	for _, text := range []string{"", "2000", "0/s", "-1/s", "NaN/s", "Inf/s", "ramp 1/s", "ramp 1/s to", "burst 1/s in 2s of each 1s", "burst 1/s in 0s of each 1s", "unlimited 5", "5kB/s", "1e12/s"} {
		if r, err := ParseRate(text); err == nil {
			t.Errorf("%q was read as %+v", text, r)
		}
	}
}

func TestScaled(t *testing.T) {
	if r := (Rate{Shape: Ramp, From: 10, RecordsPerSecond: 100}).Scaled(200); r.From != 20 || r.RecordsPerSecond != 200 {
		t.Errorf("%+v", r)
	}
	if r := (Rate{Shape: Unlimited}).Scaled(200); r != (Rate{Shape: Fixed, RecordsPerSecond: 200}) {
		t.Errorf("%+v", r)
	}
}

func TestEveryFieldIsSetAndRead(t *testing.T) {
	s, standard := Default(), Default()
	for _, f := range Fields() {
		if f.Help == "" {
			t.Errorf("%s says nothing", f.Name)
		}
		if err := s.Set(f.Name, f.Get(&standard)); err != nil {
			t.Errorf("%v", err)
		}
	}
	if s != standard {
		t.Errorf("%+v, want %+v", s, standard)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("rate=20MiB/s\npartitions=3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("x", text)
		if err != nil {
			return
		}
		again, err := Parse("x", []byte(s.String()))
		if err != nil || again != s {
			t.Errorf("%q: %+v is written as %q and read as %+v, %v", text, s, s.String(), again, err)
		}
	})
}
