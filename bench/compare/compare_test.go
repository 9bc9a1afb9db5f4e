package compare

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/internal/config"
)

func TestArmsTakeTurns(t *testing.T) {
	var got []string
	for _, x := range plan(2, 2, 3) {
		got = append(got, string([]byte{byte('0' + x.scenario), byte('1' + x.round), byte('A' + x.arm)}))
	}
	if want := strings.Fields("01A 01B 01C 02A 02B 02C 11A 11B 11C 12A 12B 12C"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestKnee(t *testing.T) {
	ms := time.Millisecond
	step := func(offered, acked float64, p99 time.Duration, saturation string) result.SweepStep {
		return result.SweepStep{Offered: offered, Acked: acked, Ack: result.Summary{P99: p99}, Saturation: saturation, Behind: saturation != ""}
	}
	for name, test := range map[string]struct {
		points []result.SweepStep
		knee   float64
		why    string
	}{
		"behind":     {[]result.SweepStep{step(1000, 999, ms, ""), step(2000, 1970, ms, ""), step(4000, 3900, ms, "")}, 2000, "of 4,000 records/s offered 3,900"},
		"slow":       {[]result.SweepStep{step(1000, 1000, ms, ""), step(2000, 2000, 60*ms, "")}, 1000, "p99 was 60.0 ms, more than 50.0 ms"},
		"the driver": {[]result.SweepStep{step(1000, 1000, ms, ""), step(2000, 2000, ms, "the driver is late")}, 1000, "the driver is late"},
		"at once":    {[]result.SweepStep{step(1000, 10, ms, "")}, 0, "offered 10"},
		"never":      {[]result.SweepStep{step(1000, 1000, ms, ""), step(2000, 2000, ms, "")}, 2000, "nothing higher"},
	} {
		if knee, why := knee(test.points, 50*ms); knee != test.knee || !strings.Contains(why, test.why) {
			t.Errorf("%s: %v, %q", name, knee, why)
		}
	}
	if why := overload(&result.SweepStep{Offered: 1, Acked: 1, Ack: result.Summary{P99: time.Hour}}, 0); why != "" {
		t.Errorf("without a bound: %s", why)
	}
}

func TestEveryArmByName(t *testing.T) {
	for _, name := range append(Names(), "kafka=127.0.0.1:9092") {
		c, err := contenderOf(name, Means{}, "/seawall")
		if err != nil || c.make == nil || c.spec.Name != name || c.spec.Ack == "" {
			t.Errorf("%s: %+v, %v", name, c, err)
			continue
		}
		if direct := strings.HasPrefix(name, "s3") || strings.HasPrefix(name, "express"); c.spec.FromStore != direct || c.wal != nil != (c.profile != "") {
			t.Errorf("%s: %+v", name, c)
		}
		if real, _ := contenderOf(name, Means{StoreURL: "s3://mine"}, "/seawall"); real.profile != "" || c.wal != nil && real.spec.Store != realStore {
			t.Errorf("%s on a real store: %+v", name, real)
		}
	}
	for name, want := range map[string]string{"wall": "did you mean wal?", "x": "there are wal, wal-block", "kafka=": "kafka=HOST:PORT"} {
		if _, err := contenderOf(name, Means{}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, _ := contenderOf("kafka", Means{Root: t.TempDir()}, ""); c.missing == "" {
		t.Error("there is a Kafka in an empty folder")
	}
}

func TestWALsAreOnesThatSeawallKnows(t *testing.T) {
	for name, want := range map[string]config.WAL{
		"wal":        {Kind: config.WALFile, Path: "/d/wal", CapacityBytes: walBytes, IOPS: 3000, IOBandwidth: 125 << 20, IODepth: 8, FenceKind: config.FenceExclusive},
		"wal-shared": {Kind: config.WALFile, Path: "/d/wal", CapacityBytes: walBytes, IOPS: 3000, IOBandwidth: 125 << 20, IODepth: 8, FenceKind: config.FenceShared},
		"wal-block":  {Kind: config.WALBlock, Path: "/dev/x", IOPS: 3000, IOBandwidth: 125 << 20, IODepth: 8, FenceKind: config.FenceExclusive},
	} {
		for _, uncapped := range []bool{false, true} {
			c, err := contenderOf(name, Means{Uncapped: uncapped}, "")
			if err != nil {
				t.Fatal(err)
			}
			if uncapped {
				want.IOPS, want.IOBandwidth = 0, 0
			}
			got, err := config.ParseWALPath(c.wal(place{dir: "/d", device: "/dev/x"}))
			if err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%s: %v %s", name, err, cmp.Diff(want, got))
			}
		}
	}
}

func TestAllFaultsOfOptions(t *testing.T) {
	o := Options{Arms: []string{"wall", "wal", "wal"}, Scenarios: []scenario.Scenario{{Name: "x"}, scenario.Default()}, SweepRates: []float64{2, 1}}
	err := o.Validate()
	for _, want := range []string{"rounds: 0", "did you mean wal?", "arm wal is named twice", "x: partitions=0", "a sweep is of one scenario", "1 comes after 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestEvents(t *testing.T) {
	opened := time.Unix(1000, 0)
	at := func(seconds float64, objects int64) look {
		return look{opened.Add(time.Duration(seconds * float64(time.Second))), objects}
	}
	got := events([]look{at(-3, 0), at(-2, 1), at(-1, 1), at(0.5, 3), at(9, 4), at(11, 9)}, opened, -2*time.Second, 10*time.Second)
	want := []result.Event{{At: -2 * time.Second, Kind: result.Upload, N: 1}, {At: 500 * time.Millisecond, Kind: result.Upload, N: 2}, {At: 9 * time.Second, Kind: result.Upload, N: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
