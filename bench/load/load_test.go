package load

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/scenario"
)

// checked gives records of producer 0 to a checker of two partitions, each
// written as partition and sequence number, and returns what it finds.
func checked(change func(*Config), failed []uint64, records ...[2]uint64) error {
	cfg := Config{Topics: []string{"t"}, Scenario: scenario.Default()}
	cfg.Scenario.Partitions = 2
	if change != nil {
		change(&cfg)
	}
	f := fate{sent: 8}
	for _, seq := range failed {
		f.fail(seq, errors.New("timed out"))
	}
	c := newChecker(&cfg, []fate{f})
	rs := newRecords(&cfg)
	for _, r := range records {
		rec := rs.get(0, r[1])
		rec.Topic, rec.Partition = cfg.Topics[r[0]/2], int32(r[0]%2)
		if err := c.record(rec); err != nil {
			return err
		}
	}
	return c.complete()
}

func TestCheckerFindsWhatIsWrong(t *testing.T) {
	whole := [][2]uint64{{0, 0}, {1, 1}, {1, 3}, {0, 2}, {0, 4}, {0, 6}, {1, 5}, {1, 7}}
	if err := checked(nil, nil, whole...); err != nil {
		t.Fatalf("good records: %v", err)
	}
	gone := []uint64{2, 7}
	if err := checked(nil, gone, whole...); err != nil {
		t.Errorf("what was not acknowledged may be there all the same: %v", err)
	}
	if err := checked(nil, gone, whole[0], whole[1], whole[2], whole[4], whole[5], whole[6]); err != nil {
		t.Errorf("or not: %v", err)
	}
	for name, test := range map[string]struct {
		records [][2]uint64
		want    string
	}{
		"lost inside":     {[][2]uint64{{0, 0}, {0, 4}}, "record 2 of producer 0 was acknowledged and is missing"},
		"lost at the end": {whole[:7], "record 7 of producer 0 was acknowledged and is missing"},
		"repeated":        {[][2]uint64{{0, 0}, {0, 2}, {0, 2}}, "comes again"},
		"reordered":       {[][2]uint64{{1, 1}, {1, 3}, {1, 1}}, "comes again, or late"},
		"elsewhere":       {[][2]uint64{{1, 2}}, "does not belong here"},
		"never sent":      {[][2]uint64{{0, 8}}, "does not belong here"},
	} {
		if err := checked(nil, nil, test.records...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newChecker(&Config{Topics: []string{"t"}, Scenario: scenario.Default()}, []fate{{sent: 1}})
	id := make([]byte, idBytes)
	if err := c.record(&kgo.Record{Topic: "t", Key: id, Value: []byte("w")}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged: %v", err)
	}
	again := func(cfg *Config) { cfg.Scenario.Idempotent = false }
	if err := checked(again, nil, append(whole, [2]uint64{1, 5})...); err != nil {
		t.Errorf("without idempotence a record may come again: %v", err)
	}
	lost := func(cfg *Config) { cfg.Scenario.Acks = "0" }
	if err := checked(lost, nil, whole[0], whole[4]); err != nil {
		t.Errorf("with acks=0 a record may be missing: %v", err)
	}
	topics := func(cfg *Config) { cfg.Topics, cfg.Scenario.Topics = []string{"t", "u"}, 2 }
	if err := checked(topics, nil, [2]uint64{0, 0}, [2]uint64{1, 1}, [2]uint64{2, 2}, [2]uint64{3, 3}, [2]uint64{0, 4}, [2]uint64{1, 5}, [2]uint64{2, 6}, [2]uint64{3, 7}); err != nil {
		t.Errorf("two topics: %v", err)
	}
}

// Records of a key stay in one partition, and the next one of a partition is the
// next sequence number that goes there.
func TestLayout(t *testing.T) {
	for _, l := range []layout{{slots: 6, partitions: 3}, {slots: 6, partitions: 3, keys: 4}, {slots: 6, partitions: 3, keys: 6}, {slots: 6, partitions: 3, keys: 20}, {slots: 1, partitions: 1, keys: 1}} {
		bySlot := make(map[int][]uint64)
		for seq := range uint64(200) {
			slot := l.slot(seq)
			bySlot[slot] = append(bySlot[slot], seq)
			if l.keys > 0 && slot != l.slot(l.key(seq)) {
				t.Fatalf("%+v: a key is in two slots", l)
			}
		}
		for slot := range l.slots {
			first, ok := l.first(slot)
			if all := bySlot[slot]; ok != (len(all) > 0) || ok && all[0] != first {
				t.Errorf("%+v: slot %d begins with %d, %v; want %v", l, slot, first, ok, all)
			}
			for i, seq := range bySlot[slot][:max(len(bySlot[slot])-1, 0)] {
				if got := l.next(seq); got != bySlot[slot][i+1] {
					t.Fatalf("%+v: after %d comes %d, want %d", l, seq, got, bySlot[slot][i+1])
				}
			}
		}
		if topic, partition := l.place(l.slots - 1); topic != l.slots/l.partitions-1 || partition != int32(l.partitions-1) {
			t.Errorf("%+v: the last slot is topic %d, partition %d", l, topic, partition)
		}
	}
}

func TestRecordsAreTold(t *testing.T) {
	for _, keys := range []int{0, 3} {
		cfg := Config{Topics: []string{"t"}, Scenario: scenario.Default()}
		cfg.Scenario.DistinctKeys = keys
		rs := newRecords(&cfg)
		r := rs.get(7, 1<<40)
		producer, seq, ok := identify(r)
		if producer != 7 || seq != 1<<40 || !ok {
			t.Errorf("identified as %d, %d, %v", producer, seq, ok)
		}
		bytes := len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			bytes += len(h.Key) + len(h.Value)
		}
		if bytes != cfg.Scenario.RecordBytes {
			t.Errorf("%d bytes", bytes)
		}
		if string(r.Value) == string(rs.get(7, 1<<40+1).Value) {
			t.Error("two records are alike")
		}
	}
	if _, _, ok := parseID(make([]byte, idBytes-1)); ok {
		t.Error("took a short id")
	}
}

func TestSaturation(t *testing.T) {
	result := func(latency, lag time.Duration) *Result {
		r := &Result{Latency: hist.New(), Lag: hist.New()}
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
	full := result(time.Millisecond, 0)
	full.CPU = CPU{Busy: 0.99, Share: 0.4}
	if why := full.Saturation(); !strings.Contains(why, "99 % busy, 40 % with the driver") {
		t.Errorf("a full machine: %q", why)
	}
}

func TestCPU(t *testing.T) {
	before := readCPU()
	c := cpuTimes{busy: before.busy + 150*time.Millisecond, all: before.all + 200*time.Millisecond, own: before.own + 50*time.Millisecond}.since(before)
	if before.all <= before.busy || before.busy <= 0 || before.own <= 0 || c.Busy != 0.75 || c.Share != 0.25 {
		t.Errorf("%+v, %+v", before, c)
	}
}
