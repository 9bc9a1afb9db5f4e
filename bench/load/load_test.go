package load

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

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
	if again := valueOf(1024); string(valueOf(1024)) != string(again) || len(valueOf(1024)) != 1024-keyBytes {
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
		r := &Result{Config: Config{RatePerSecond: 1}, Latency: hist.New(), Lag: hist.New()}
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
