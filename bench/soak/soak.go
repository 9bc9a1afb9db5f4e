package soak

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Sample is what a broker holds at a time.
type Sample struct {
	At            time.Duration `json:"at_ns"` // since the first
	ResidentBytes int64         `json:"resident_bytes"`
	HeapBytes     int64         `json:"heap_bytes"` // of ResidentBytes: objects in use, by the last collection's account
	FileBytes     int64         `json:"file_bytes"` // of ResidentBytes: mapped files, the program among them
	Goroutines    int64         `json:"goroutines"`
	Files         int64         `json:"files"` // open descriptors, connections among them
}

// Watch takes a sample at each step until ctx is done, and once more then. take
// fills in all but the time. It returns the samples with the first error of
// take, which ends it.
func Watch(ctx context.Context, step time.Duration, take func(context.Context) (Sample, error)) ([]Sample, error) {
	var out []Sample
	began := time.Now()
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		s, err := take(context.WithoutCancel(ctx))
		if err != nil {
			return out, fmt.Errorf("sample %d: %w", len(out), err)
		}
		s.At = time.Since(began)
		out = append(out, s)
		if ctx.Err() != nil {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Trend is one of the things in samples, early and late.
type Trend struct {
	What  string  `json:"what"`
	Early float64 `json:"early"` // medians, see Judge
	Late  float64 `json:"late"`
	// Allowed is how much of Late there may be.
	Allowed float64 `json:"allowed"`
}

// Grows says that there is more late than is allowed.
func (t Trend) Grows() bool { return t.Late > t.Allowed }

// What may be added from early to late: a share, and something for a handful of
// connections that come and go.
const (
	memoryShare   = 0.10
	memorySlack   = 8 << 20
	countShare    = 0.05
	countSlack    = 8
	samplesForAll = 10 // below, there is no early and no late
)

// Judge compares the median of the second fifth of the samples, the first being
// left for caches to fill, with that of the last.
func Judge(samples []Sample) ([]Trend, error) {
	if len(samples) < samplesForAll {
		return nil, fmt.Errorf("%d samples: at least %d are needed", len(samples), samplesForAll)
	}
	fifth := len(samples) / 5
	early, late := samples[fifth:2*fifth], samples[len(samples)-fifth:]
	trend := func(what string, of func(Sample) int64, share, slack float64) Trend {
		t := Trend{What: what, Early: median(early, of), Late: median(late, of)}
		t.Allowed = t.Early*(1+share) + slack
		return t
	}
	return []Trend{
		trend("resident bytes", func(s Sample) int64 { return s.ResidentBytes }, memoryShare, memorySlack),
		trend("goroutines", func(s Sample) int64 { return s.Goroutines }, countShare, countSlack),
		trend("open files", func(s Sample) int64 { return s.Files }, countShare, countSlack),
	}, nil
}

func median(samples []Sample, of func(Sample) int64) float64 {
	values := make([]int64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return float64(values[len(values)/2])
}
