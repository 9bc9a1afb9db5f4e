package soak

import (
	"context"
	"errors"
	"testing"
	"time"
)

// samples makes n, of which f says what the i-th holds.
func samples(n int, f func(i int) Sample) []Sample {
	out := make([]Sample, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func TestGrowthIsSeenAndFillingIsNot(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		of    func(i int) Sample
		grows []bool // memory, goroutines, files
	}{
		{"flat", func(int) Sample { return Sample{ResidentBytes: 300 * mib, Goroutines: 50, Files: 40} }, []bool{false, false, false}},
		{"fills at first", func(i int) Sample {
			return Sample{ResidentBytes: int64(min(i, 20)) * 20 * mib, Goroutines: 50, Files: 40}
		}, []bool{false, false, false}},
		{"a spike", func(i int) Sample {
			return Sample{ResidentBytes: 300*mib + int64(i%10)/9*200*mib, Goroutines: 50, Files: 40}
		}, []bool{false, false, false}},
		{"leaks memory", func(i int) Sample { return Sample{ResidentBytes: 300*mib + int64(i)*mib, Goroutines: 50, Files: 40} }, []bool{true, false, false}},
		{"leaks goroutines", func(i int) Sample { return Sample{ResidentBytes: 300 * mib, Goroutines: 50 + int64(i)/5, Files: 40} }, []bool{false, true, false}},
		{"leaks files", func(i int) Sample { return Sample{ResidentBytes: 300 * mib, Goroutines: 50, Files: 40 + int64(i)/5} }, []bool{false, false, true}},
	} {
		trends, err := Judge(samples(100, c.of))
		if err != nil {
			t.Fatal(err)
		}
		for i, trend := range trends {
			if trend.Grows() != c.grows[i] {
				t.Errorf("%s: %+v", c.name, trend)
			}
		}
	}
	if _, err := Judge(samples(9, func(int) Sample { return Sample{} })); err == nil {
		t.Error("judged nine samples")
	}
}

func TestWatchEndsWithALastSample(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	got, err := Watch(ctx, time.Microsecond, func(ctx context.Context) (Sample, error) {
		if n++; n == 3 {
			cancel()
		}
		return Sample{Files: int64(n)}, ctx.Err()
	})
	if err != nil || len(got) != 3 || got[2].Files != 3 || got[1].At > got[2].At {
		t.Errorf("%+v, %v", got, err)
	}
	broken := errors.New("gone")
	if got, err := Watch(t.Context(), time.Microsecond, func(context.Context) (Sample, error) { return Sample{}, broken }); !errors.Is(err, broken) || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
