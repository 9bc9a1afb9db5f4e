package cost

import (
	"math"
	"strings"
	"testing"
	"time"
)

// What is read again, by hand: 3 brokers, 30 MiB/s, a tenth read once more.
//
//	month                30 × 2,628,000 / 1024                   = 76,992.1875 GiB
//	read again           a tenth of it, in GETs of 4 MiB         = 7,699.21875 × 256 = 1,971,000 → $0.7884
//	between zones        2/3 × (1 produced + 1 group + 0.1)      = 107,789.0625 GiB → $2,155.78125
//	a WAL's uploads      of 10 MiB/s a broker, 128 MiB at a time = 0.078125/s × (8 parts + 2) × 3 × 2,628,000 s
//	                                                             = 6,159,375 requests → $30.796875
func TestReadAgainByHand(t *testing.T) {
	w := Workload{BytesPerSecond: 30 * MiB, Retention: 24 * time.Hour, Groups: 1, Reread: 0.1, Zones: 3, Brokers: 3}
	b := WAL(GP3(20, 64<<10), walFlush).Bill(w, Listed())
	near(t, "GETs", b.Of(S3Get), 0.7884)
	near(t, "between zones", b.Of(CrossZone), 2_155.78125)
	near(t, "PUTs", b.Of(S3Put), 30.796875)
	if b.Of(S3List) != 0 {
		t.Error("something is listed")
	}
	// At 250 ms objects have 2.5 MiB, and each is read whole: 8/5 as many GETs.
	near(t, "GETs of smaller objects", DirectS3(directFlush).Bill(w, Listed()).Of(S3Get), 0.7884*8/5)
}

func TestRequestsOfAnObject(t *testing.T) {
	f := Flush{Bytes: 128 * MiB, Interval: time.Minute, PartBytes: 16 * MiB}
	for _, test := range []struct{ rate, want float64 }{
		{0, 0},
		{16 * MiB / 60.0, 1 / 60.0},        // an object of 16 MiB a minute, in one piece
		{40 * MiB / 60.0, (3 + 2) / 60.0},  // of 40 MiB, in three
		{256 * MiB, 2 * (8 + 2)},           // two full ones a second
		{1024, 1 / 60.0},                   // a trickle
		{128 * MiB / 60.0, (8 + 2) / 60.0}, // both bounds at once
	} {
		near(t, "requests a second", f.PutsPerSecond(test.rate), test.want)
	}
}

func TestTheLeastThatOneGets(t *testing.T) {
	w := Workload{BytesPerSecond: 3 * 64 << 10, Zones: 3, Brokers: 3}
	near(t, "io2", WAL(IO2(20, 64<<10), walFlush).Bill(w, Listed()).Of(IO2IOPS), 3*1000*0.065)
	fsx := WAL(FSx(20, 64<<10), walFlush).Bill(w, Listed())
	near(t, "FSx", fsx.Of(FSxStored), 1024*0.25)
	near(t, "its throughput", fsx.Of(FSxThroughput), 128*1.6)
	w.BytesPerSecond = 3 * 100 * MiB
	near(t, "io2 at load", WAL(IO2(20, 64<<10), walFlush).Bill(w, Listed()).Of(IO2IOPS), 3*1600*0.065)
	near(t, "FSx at load", WAL(FSx(20, 64<<10), walFlush).Bill(w, Listed()).Of(FSxThroughput), 300*1.6)
}

func TestNearestReplicasSpareConsumersTheWay(t *testing.T) {
	w := Workload{BytesPerSecond: MiB, Groups: 2, Reread: 0.5, Zones: 3, Brokers: 3}
	month := 2_628_000 / 1024.0
	near(t, "spared", Kafka().Bill(w, Listed()).USD()-KafkaNearest().Bill(w, Listed()).USD(), month*2/3*2.5*0.02)
}

func TestWhatWasCountedIsScaled(t *testing.T) {
	standard := Listed().Bill(Counted{Puts: 4, Gets: 10, Lists: 0.5, StoredBytes: MiB, FetchedBytes: MiB}.Month(24 * time.Hour))
	near(t, "PUTs", standard.Of(S3Put), 4*2_628_000*0.005/1000)
	near(t, "GETs", standard.Of(S3Get), 10*2_628_000*0.0004/1000)
	near(t, "LISTs", standard.Of(S3List), 0.5*2_628_000*0.005/1000)
	near(t, "stored", standard.Of(S3Stored), 86_400/1024.0*0.023)
	express := Listed().Bill(Counted{Puts: 4, Gets: 10, Lists: 1, StoredBytes: MiB, FetchedBytes: 2 * MiB, Express: true}.Month(time.Hour))
	near(t, "PUTs and LISTs", express.Of(ExpressPut), 5*2_628_000*0.00113/1000)
	near(t, "GETs", express.Of(ExpressGet), 10*2_628_000*0.00003/1000)
	near(t, "uploaded", express.Of(ExpressUploaded), 2_628_000/1024.0*0.0032)
	near(t, "retrieved", express.Of(ExpressRetrieved), 2*2_628_000/1024.0*0.0006)
	near(t, "stored", express.Of(ExpressStored), 3600/1024.0*0.11)
}

// At each crossing both cost the same, and around it the one that is named is
// the cheaper.
func TestCrossingsOfAllArms(t *testing.T) {
	w := Workload{Retention: 7 * 24 * time.Hour, Groups: 1, Reread: 0.1, Zones: 3, Brokers: 3}
	arms := map[string]Arm{}
	for _, a := range Arms() {
		if arms[a.Name].Month != nil {
			t.Errorf("two arms are named %s", a.Name)
		}
		arms[a.Name] = a
	}
	found := Crossings(Arms(), w, Listed(), 0.01*MiB, 500*MiB)
	if len(found) == 0 {
		t.Fatal("nothing crosses")
	}
	last := 0.0
	for _, c := range found {
		if c.BytesPerSecond < last {
			t.Error("not by rising rates")
		}
		last = c.BytesPerSecond
		below, above := arms[c.Below], arms[c.Above]
		w.BytesPerSecond = c.BytesPerSecond
		// Where whole IOPS or parts are counted, costs go in small steps.
		if a, b := below.Bill(w, Listed()).USD(), above.Bill(w, Listed()).USD(); math.Abs(a-b) > 1e-3*a {
			t.Errorf("%s costs %.2f and %s %.2f at %.3f MiB/s", c.Below, a, c.Above, b, c.BytesPerSecond/MiB)
		}
		near(t, "told", c.USD, above.Bill(w, Listed()).USD())
		w.BytesPerSecond = c.BytesPerSecond * 0.999
		if below.Bill(w, Listed()).USD() >= above.Bill(w, Listed()).USD() {
			t.Errorf("below %.3f MiB/s %s is not cheaper than %s", c.BytesPerSecond/MiB, c.Below, c.Above)
		}
		w.BytesPerSecond = c.BytesPerSecond * 1.001
		if above.Bill(w, Listed()).USD() >= below.Bill(w, Listed()).USD() {
			t.Errorf("above %.3f MiB/s %s is not cheaper than %s", c.BytesPerSecond/MiB, c.Above, c.Below)
		}
	}
}

func TestRates(t *testing.T) {
	r := Rates(1, 100, 3)
	if len(r) != 3 || r[0] != 1 || math.Abs(r[1]-10) > 1e-9 || math.Abs(r[2]-100) > 1e-9 {
		t.Errorf("%v", r)
	}
}

func TestAssumptionsNameTheWorkload(t *testing.T) {
	text := strings.Join(Assumptions(Workload{Groups: 2, Reread: 0.25, Zones: 2, Brokers: 4}), "\n")
	for _, want := range []string{"4 brokers in 2 zones", "50 %", "each consumer group (2)", "25 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
