package cost

import (
	"math"
	"strings"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// direct is Seawall's own default of acknowledging from object storage.
var direct = Flush{Bytes: 8 * MiB, Interval: 250 * time.Millisecond}

// A trickle, by hand: 3 brokers in 3 zones, 300 KiB/s, a day kept, one group.
//
//	a broker flushes by time:  4 objects/s × 3 × 2,628,000 s    = 31,536,000 PUTs → $157.68
//	in a month                 300 × 1024 × 2,628,000 / 2^30    = 751.87683... GiB
//	between zones              2/3 of it, produced and consumed = 1002.50244... GiB → $20.0500...
//	stored                     300 × 1024 × 86,400 / 2^30       = 24.71923... GiB  → $0.568542...
//	instances                  3 × 730 h × $0.1632                                → $357.408
func TestTrickleStraightToS3ByHand(t *testing.T) {
	w := Workload{BytesPerSecond: 300 * 1024, Retention: 24 * time.Hour, Groups: 1, Zones: 3, Brokers: 3}
	b := DirectS3(direct).Bill(w, Listed())
	near(t, "PUTs", b.Of(S3Put), 157.68)
	near(t, "between zones", b.Of(CrossZone), 1002.5024414*0.02)
	near(t, "stored", b.Of(S3Stored), 24.719238*0.023)
	near(t, "instances", b.Of(Instance), 357.408)
	near(t, "all", b.USD(), 157.68+20.050048828+0.568542474+357.408)
	if n := len(b.Lines); n != 4 {
		t.Errorf("%d lines", n)
	}
}

// A torrent, by hand: 3 brokers in 3 zones, 300 MiB/s, a day kept, no groups.
//
//	month       300 × 2,628,000 / 1024 = 769,921.875 GiB
//	Kafka       replication 2 × $0.02 a GiB = $30,796.875; producers 2/3 × $0.02 = $10,265.625
//	            stored 3 × 25,312.5 GiB × $0.08 = $6,075; throughput 900 - 375 MiB/s × $0.04 = $21
//	WAL on gp3  3 × 20 GiB × $0.08 = $4.80; no throughput beyond the 125 MiB/s of each, and of
//	            64 KiB writes 1,600/s; objects of 64 MiB: 4.6875/s × 2,628,000 s = 12,318,750 → $61.59375
//	            stored 25,312.5 GiB × $0.023 = $582.1875; producers as before
func TestTorrentByHand(t *testing.T) {
	w := Workload{BytesPerSecond: 300 * MiB, Retention: 24 * time.Hour, Zones: 3, Brokers: 3}
	const instances, producers = 357.408, 10_265.625
	kafka := Kafka().Bill(w, Listed())
	near(t, "Kafka between zones", kafka.Of(CrossZone), 30_796.875+producers)
	near(t, "Kafka's volumes", kafka.Of(GP3Stored), 6_075)
	near(t, "Kafka's throughput", kafka.Of(GP3Throughput), 21)
	near(t, "Kafka", kafka.USD(), instances+30_796.875+producers+6_075+21)

	wal := WAL(GP3(20, 64*1024), Flush{Bytes: 64 * MiB, Interval: time.Minute}).Bill(w, Listed())
	near(t, "the WAL's volumes", wal.Of(GP3Stored)+wal.Of(GP3IOPS)+wal.Of(GP3Throughput), 4.8)
	near(t, "its PUTs", wal.Of(S3Put), 61.59375)
	near(t, "its objects", wal.Of(S3Stored), 582.1875)
	near(t, "WAL", wal.USD(), instances+producers+4.8+61.59375+582.1875)
}

// The faster direct acknowledgements are, the more PUTs a trickle takes; at a
// high rate objects are full either way.
func TestWhereTheLinesCross(t *testing.T) {
	w := Workload{Retention: 24 * time.Hour, Groups: 1, Zones: 3, Brokers: 3}
	wal := WAL(GP3(20, 64*1024), Flush{Bytes: 64 * MiB, Interval: time.Minute})
	s3, kafka := DirectS3(direct), Kafka()
	if at, ok := Crossing(s3, wal, w, Listed(), 0.01*MiB, 500*MiB); ok {
		t.Errorf("direct S3 becomes cheaper than a WAL at %.2f MiB/s", at/MiB)
	}
	at, ok := Crossing(kafka, s3, w, Listed(), 0.001*MiB, 500*MiB)
	if !ok {
		t.Fatal("Kafka is never cheaper than direct S3, or always")
	}
	for _, side := range []struct {
		rate  float64
		kafka bool
	}{{at * 0.99, true}, {at * 1.01, false}} {
		w.BytesPerSecond = side.rate
		if k, s := kafka.Bill(w, Listed()).USD(), s3.Bill(w, Listed()).USD(); (k < s) != side.kafka {
			t.Errorf("at %.2f MiB/s Kafka costs %.2f, direct S3 %.2f", side.rate/MiB, k, s)
		}
	}
	w.BytesPerSecond = 100 * MiB
	if per := kafka.PerGiB(w, Listed()); per < 0.0666 { // replication, producers, consumers between zones
		t.Errorf("Kafka costs %.4f a GiB", per)
	}
	w.BytesPerSecond = 0
	if per := kafka.PerGiB(w, Listed()); per != 0 {
		t.Errorf("nothing costs %v a GiB", per)
	}
}

func TestExpressIsKeptShortly(t *testing.T) {
	w := Workload{BytesPerSecond: MiB, Retention: 24 * time.Hour, Zones: 3, Brokers: 3}
	b := DirectExpress(Flush{Bytes: 8 * MiB, Interval: 25 * time.Millisecond}, 10*time.Minute, 64*MiB).Bill(w, Listed())
	near(t, "PUTs of two copies", b.Of(ExpressPut), 2*3*40*2_628_000*0.00113/1000)
	near(t, "stored there", b.Of(ExpressStored), 2*600.0/1024*0.11)
	near(t, "uploaded", b.Of(ExpressUploaded), 2*2_628_000/1024.0*0.0032)
}

func TestListsThatAreWrong(t *testing.T) {
	for _, test := range []struct{ old, new, fault string }{
		{`"date": "2026-11-01"`, `"date": "lately"`, "lately"},
		{`"s3.put"`, `"s3.putt"`, "s3.put is missing"},
		{`"s3.put"`, `"s3.putt"`, "s3.putt is unknown"},
		{`"usd": 0.023`, `"usd": 0`, "s3.stored needs"},
		{`"per": 1000`, `"each": 1000`, "each"},
	} {
		_, err := ReadPrices(strings.NewReader(strings.Replace(listed, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v", test.new, err)
		}
	}
}

func TestWorkloadsThatAreWrong(t *testing.T) {
	good := Workload{BytesPerSecond: 1, Zones: 3, Brokers: 3}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Workload){
		func(w *Workload) { w.BytesPerSecond = -1 }, func(w *Workload) { w.Retention = -1 }, func(w *Workload) { w.Groups = -1 },
		func(w *Workload) { w.Zones = 0 }, func(w *Workload) { w.Brokers = 2 },
	} {
		w := good
		if change(&w); w.Validate() == nil {
			t.Errorf("%+v passes", w)
		}
	}
}
