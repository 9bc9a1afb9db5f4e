package cost

import (
	"fmt"
	"math"
	"time"
)

// Bytes, and the month that prices go by.
const (
	MiB          = 1 << 20
	GiB          = 1 << 30
	monthHours   = 730
	monthSeconds = monthHours * 3600
)

// Workload is what is to be carried, day and night.
type Workload struct {
	BytesPerSecond float64 // produced
	Retention      time.Duration
	// Groups are the consumer groups that read everything at the tail, each once.
	Groups int
	// Zones that producers, consumers and brokers are spread over evenly.
	Zones int
	// Brokers there are, at least one a zone; see [Workload.Validate].
	Brokers int
}

// Validate says what is wrong with a workload.
func (w Workload) Validate() error {
	switch {
	case w.BytesPerSecond < 0 || w.Retention < 0 || w.Groups < 0:
		return fmt.Errorf("cost: rate, retention and groups must not be negative")
	case w.Zones < 1 || w.Brokers < w.Zones:
		return fmt.Errorf("cost: %d brokers in %d zones: at least one a zone is needed", w.Brokers, w.Zones)
	}
	return nil
}

// away is the share of a zone's traffic that goes to brokers in others: clients
// talk to leaders, wherever those are.
func (w Workload) away() float64 { return float64(w.Zones-1) / float64(w.Zones) }

func (w Workload) monthGiB() float64 { return w.BytesPerSecond * monthSeconds / GiB }

func (w Workload) storedGiB() float64 { return w.BytesPerSecond * w.Retention.Seconds() / GiB }

// clients notes what producers and consumers cost between zones, and brokers by
// the hour.
func (w Workload) clients(u Used) {
	u.add(Instance, float64(w.Brokers)*monthHours)
	u.add(CrossZone, w.monthGiB()*w.away()*float64(1+w.Groups))
}

// Flush is when a broker writes an object: at a size, or after a time if there
// is anything at all, whichever comes first.
type Flush struct {
	Bytes    float64
	Interval time.Duration
}

// aSecond is how many objects a broker writes a second at a rate.
func (f Flush) aSecond(bytesPerSecond float64) float64 {
	if bytesPerSecond <= 0 {
		return 0
	}
	return max(bytesPerSecond/f.Bytes, 1/f.Interval.Seconds())
}

// uploads are the objects that all brokers write in a month.
func (w Workload) uploads(f Flush) float64 {
	n := float64(w.Brokers)
	return n * f.aSecond(w.BytesPerSecond/n) * monthSeconds
}

// objects notes what the objects cost that all brokers write and keep.
func (w Workload) objects(u Used, f Flush) {
	u.add(S3Put, w.uploads(f))
	u.add(S3Stored, w.storedGiB())
}

// Arm is a way of running a workload.
type Arm struct {
	Name string
	// Month is what a workload uses in a month.
	Month func(Workload) Used
}

// Volume is what a broker's WAL is on.
type Volume struct {
	Name   string
	GiB    float64
	WriteB float64 // bytes of a write to it, on average
	use    func(u Used, v Volume, bytesPerSecond float64)
}

// What AWS gives with a gp3 volume.
const (
	gp3IOPS       = 3000
	gp3Throughput = 125 // MiB/s
)

// GP3 is a volume with as many IOPS and as much throughput as it takes.
func GP3(gib, writeBytes float64) Volume {
	return Volume{"gp3", gib, writeBytes, func(u Used, v Volume, rate float64) {
		u.add(GP3Stored, v.GiB)
		u.add(GP3IOPS, math.Ceil(rate/v.WriteB)-gp3IOPS)
		u.add(GP3Throughput, rate/MiB-gp3Throughput)
	}}
}

// IO2 is a volume with as many IOPS as it takes.
func IO2(gib, writeBytes float64) Volume {
	return Volume{"io2", gib, writeBytes, func(u Used, v Volume, rate float64) {
		u.add(IO2Stored, v.GiB)
		u.add(IO2IOPS, math.Ceil(rate/v.WriteB))
	}}
}

// FSx is a share of a Multi-AZ file system for ONTAP.
func FSx(gib, writeBytes float64) Volume {
	return Volume{"FSx", gib, writeBytes, func(u Used, v Volume, rate float64) {
		u.add(FSxStored, v.GiB)
		u.add(FSxThroughput, rate/MiB)
	}}
}

// WAL acknowledges from a volume a broker, and uploads later.
func WAL(v Volume, f Flush) Arm {
	return Arm{"WAL on " + v.Name, func(w Workload) Used {
		u := Used{}
		w.clients(u)
		for range w.Brokers {
			v.use(u, v, w.BytesPerSecond/float64(w.Brokers))
		}
		w.objects(u, f)
		return u
	}}
}

// DirectS3 acknowledges from S3 Standard.
func DirectS3(f Flush) Arm {
	return Arm{"direct S3", func(w Workload) Used {
		u := Used{}
		w.clients(u)
		w.objects(u, f)
		return u
	}}
}

// DirectExpress acknowledges from S3 Express One Zone in two zones, and moves
// everything to S3 Standard in objects of the given size, after it was kept for
// so long.
func DirectExpress(f Flush, kept time.Duration, moved float64) Arm {
	const copies = 2 // one zone may be lost
	return Arm{"direct S3 Express", func(w Workload) Used {
		u := Used{}
		w.clients(u)
		month := w.monthGiB()
		u.add(ExpressPut, copies*w.uploads(f))
		u.add(ExpressUploaded, copies*month)
		u.add(ExpressStored, copies*w.BytesPerSecond*kept.Seconds()/GiB)
		u.add(ExpressGet, w.uploads(f))
		u.add(ExpressRetrieved, month)
		u.add(S3Put, month*GiB/moved)
		u.add(S3Stored, w.storedGiB())
		return u
	}}
}

// Kafka is Apache Kafka with three replicas on gp3 volumes, whose consumers
// fetch from leaders.
func Kafka() Arm {
	const replicas = 3
	return Arm{"Kafka, 3 replicas", func(w Workload) Used {
		u := Used{}
		w.clients(u)
		u.add(CrossZone, w.monthGiB()*min(replicas-1, float64(w.Zones-1)))
		u.add(GP3Stored, w.storedGiB()*replicas)
		u.add(GP3Throughput, replicas*w.BytesPerSecond/MiB-float64(w.Brokers)*gp3Throughput)
		return u
	}}
}

// Bill is what a workload costs on an arm in a month.
func (a Arm) Bill(w Workload, p *Prices) *Bill { return p.Bill(a.Month(w)) }

// PerGiB is a month's cost by what is produced in it; 0 if nothing is.
func (a Arm) PerGiB(w Workload, p *Prices) float64 {
	if w.BytesPerSecond <= 0 {
		return 0
	}
	return a.Bill(w, p).USD() / w.monthGiB()
}

// Crossing is the rate in [from, to], bytes a second, at which a stops being the
// cheaper of two arms, or begins to be. ok is false if one is cheaper at both
// ends.
func Crossing(a, b Arm, w Workload, p *Prices, from, to float64) (bytesPerSecond float64, ok bool) {
	cheaper := func(rate float64) bool {
		w.BytesPerSecond = rate
		return a.Bill(w, p).USD() < b.Bill(w, p).USD()
	}
	first := cheaper(from)
	if cheaper(to) == first {
		return 0, false
	}
	const halvings = 60 // of the rate's logarithm: more than a float's precision
	for range halvings {
		middle := math.Sqrt(from * to)
		if cheaper(middle) == first {
			from = middle
		} else {
			to = middle
		}
	}
	return to, true
}
