package load

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestHistogramKeepsQuantiles(t *testing.T) {
	h, other := NewHistogram(), NewHistogram()
	for i := 1; i <= 10_000; i++ {
		into := h
		if i%3 == 0 {
			into = other
		}
		into.Record(time.Duration(i) * 10 * time.Microsecond)
	}
	h.Add(other)
	s := h.Summary()
	if s.Count != 10_000 {
		t.Fatalf("%d values", s.Count)
	}
	for _, q := range []struct {
		got  time.Duration
		want float64 // ms
	}{{s.P50, 50}, {s.P95, 95}, {s.P99, 99}, {s.P999, 99.9}, {s.Max, 100}} {
		if got := q.got.Seconds() * 1000; math.Abs(got-q.want) > q.want*0.002 {
			t.Errorf("%v ms, want %v within 0.2 %%", got, q.want)
		}
	}
}

func TestHistogramTakesAnyDuration(t *testing.T) {
	h := NewHistogram()
	for _, d := range []time.Duration{-1, 0, 1, time.Microsecond, latencyMax, 100 * latencyMax} {
		h.Record(d)
	}
	if s := h.Summary(); s.Count != 6 || s.Max < latencyMax {
		t.Errorf("%+v", s)
	}
}

func TestProducersTakeTurns(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, test := range []struct {
		producer int
		seq      uint64
		want     time.Duration
	}{
		{0, 0, 0}, {1, 0, time.Millisecond}, {2, 0, 2 * time.Millisecond},
		{0, 1, 3 * time.Millisecond}, {2, 4, 14 * time.Millisecond},
	} {
		s := newSchedule(start, 1000, test.producer, 3)
		if got := s.due(test.seq).Sub(start); got != test.want {
			t.Errorf("record %d of producer %d is due after %v, want %v", test.seq, test.producer, got, test.want)
		}
	}
	if newSchedule(start, 0, 0, 1).paced() {
		t.Error("a load without a rate has a pace")
	}
}

// The pacer never wakes early, and catches up after it was held up.
func TestPacing(t *testing.T) {
	defer lockForPacing()()
	s := newSchedule(time.Now(), 5000, 0, 1)
	for seq := range uint64(200) {
		if late := sleepUntil(s.due(seq)); late < 0 || time.Now().Before(s.due(seq)) {
			t.Fatalf("record %d was sent %v early", seq, -late)
		}
	}
	if late := sleepUntil(s.start); late < 199*200*time.Microsecond {
		t.Errorf("late by %v only", late)
	}
}

func TestKeysAndPartitions(t *testing.T) {
	key := make([]byte, keyBytes)
	putKey(key, 7, 1<<40)
	producer, seq, ok := parseKey(key)
	if producer != 7 || seq != 1<<40 || !ok {
		t.Errorf("parsed %d, %d, %v", producer, seq, ok)
	}
	if _, _, ok := parseKey(key[1:]); ok {
		t.Error("took a short key")
	}
	if string(valueOf(1024)) != string(valueOf(1024)) || len(valueOf(1024)) != 1024-keyBytes {
		t.Error("values differ or have a wrong length")
	}
}

// read gives records of producer 0 to a checker of two partitions, each
// written as partition and sequence number, and returns what it finds.
func read(failed map[uint64]error, records ...[2]uint64) error {
	c := newChecker([]fate{{sent: 8, failed: failed}}, 2, []byte("v"))
	key := make([]byte, keyBytes)
	for _, r := range records {
		putKey(key, 0, r[1])
		if err := c.record(int32(r[0]), key, []byte("v")); err != nil {
			return err
		}
	}
	return c.complete()
}

func TestCheckerFindsWhatIsWrong(t *testing.T) {
	whole := [][2]uint64{{0, 0}, {1, 1}, {1, 3}, {0, 2}, {0, 4}, {0, 6}, {1, 5}, {1, 7}}
	if err := read(nil, whole...); err != nil {
		t.Fatalf("good records: %v", err)
	}
	gone := map[uint64]error{2: errors.New("timed out"), 7: errors.New("timed out")}
	if err := read(gone, whole...); err != nil {
		t.Errorf("what was not acknowledged may be there all the same: %v", err)
	}
	if err := read(gone, whole[0], whole[1], whole[2], whole[4], whole[5], whole[6]); err != nil {
		t.Errorf("or not: %v", err)
	}
	for name, test := range map[string]struct {
		records [][2]uint64
		want    string
	}{
		"lost inside":     {[][2]uint64{{0, 0}, {0, 4}}, "record 2 of producer 0 was acknowledged and is missing"},
		"lost at the end": {whole[:7], "record 7 of producer 0 was acknowledged and is missing"},
		"repeated":        {[][2]uint64{{0, 0}, {0, 2}, {0, 2}}, "comes again"},
		"reordered":       {[][2]uint64{{1, 1}, {1, 3}, {1, 1}}, "comes again, or after"},
		"elsewhere":       {[][2]uint64{{1, 2}}, "does not belong here"},
		"never sent":      {[][2]uint64{{0, 8}}, "does not belong here"},
	} {
		if err := read(nil, test.records...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newChecker([]fate{{sent: 1}}, 1, []byte("v"))
	if err := c.record(0, make([]byte, keyBytes), []byte("w")); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged: %v", err)
	}
}

func TestSaturation(t *testing.T) {
	result := func(latency, lag time.Duration) *Result {
		r := &Result{Config: Config{RatePerSecond: 1}, Latency: NewHistogram(), Lag: NewHistogram()}
		r.Latency.Record(latency)
		r.Lag.Record(lag)
		return r
	}
	if why := result(time.Millisecond, 100*time.Microsecond).Saturation(); why != "" {
		t.Errorf("a small lag: %s", why)
	}
	if result(time.Millisecond, 600*time.Microsecond).Saturation() == "" {
		t.Error("most of the latency is the driver's, and nothing is said")
	}
	if result(7*time.Millisecond, 4*time.Millisecond).Saturation() == "" {
		t.Error("records are sent late, and nothing is said")
	}
}
