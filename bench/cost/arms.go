package cost

import (
	"time"

	"github.com/seawallmq/seawall/bench/units"
)

// Arm is a way of running a workload.
type Arm struct {
	Name string
	// Month is what a workload uses in a month.
	Month func(Workload) Used
}

// The settings of the arms of [Arms]: Seawall's own defaults.
var (
	walFlush     = Flush{Bytes: 128 * MiB, Interval: time.Minute, PartBytes: 16 * MiB}
	directFlush  = Flush{Bytes: 8 * MiB, Interval: 250 * time.Millisecond}
	quickFlush   = Flush{Bytes: 8 * MiB, Interval: 50 * time.Millisecond}
	expressFlush = Flush{Bytes: 8 * MiB, Interval: 25 * time.Millisecond}
)

const (
	walGiB        = 20
	walWriteBytes = 64 << 10
	expressKept   = 10 * time.Minute
	movedBytes    = 64 * MiB
)

// Arms are the ones that a report sets side by side.
func Arms() []Arm {
	return []Arm{
		WAL(GP3(walGiB, walWriteBytes), walFlush),
		WAL(IO2(walGiB, walWriteBytes), walFlush),
		WAL(FSx(walGiB, walWriteBytes), walFlush),
		DirectS3(directFlush),
		DirectS3(quickFlush),
		DirectExpress(expressFlush, expressKept, movedBytes),
		Kafka(),
		KafkaNearest(),
	}
}

// WALFlush is when a broker with a WAL uploads, by its defaults.
func WALFlush() Flush { return walFlush }

// DirectFlush is when a broker that acknowledges from object storage writes an
// object, by its defaults.
func DirectFlush() Flush { return directFlush }

// WAL acknowledges from a volume a broker, and uploads later.
func WAL(v Volume, f Flush) Arm {
	return Arm{"WAL on " + v.Name, func(w Workload) Used {
		u := Used{}
		w.instances(u)
		w.clients(u)
		v.use(u, v, w)
		w.objects(u, f)
		return u
	}}
}

// DirectS3 acknowledges from S3 Standard.
func DirectS3(f Flush) Arm {
	return Arm{"direct S3, " + units.RoundDuration(f.Interval), func(w Workload) Used {
		u := Used{}
		w.instances(u)
		w.clients(u)
		w.objects(u, f)
		return u
	}}
}

// DirectExpress acknowledges from S3 Express One Zone in two zones, and moves
// everything to S3 Standard in objects of the given size, after it was kept for
// so long.
func DirectExpress(f Flush, kept time.Duration, movedBytes float64) Arm {
	const copies = 2 // one zone may be lost
	return Arm{"S3 Express, " + units.RoundDuration(f.Interval), func(w Workload) Used {
		u := Used{}
		w.instances(u)
		w.clients(u)
		month, puts := w.monthGiB(), w.puts(f)
		u.add(ExpressPut, copies*puts)
		u.add(ExpressUploaded, copies*month)
		u.add(ExpressStored, copies*w.BytesPerSecond*kept.Seconds()/GiB)
		u.add(ExpressGet, puts)
		u.add(ExpressRetrieved, month)
		u.add(S3Put, month*GiB/movedBytes)
		u.add(S3Get, w.Reread*month*GiB/min(movedBytes, readBytesMax))
		u.add(S3Stored, w.storedGiB())
		return u
	}}
}

// Kafka is Apache Kafka with three replicas on gp3 volumes, whose consumers
// fetch from leaders.
func Kafka() Arm {
	return Arm{"Kafka, 3 replicas", func(w Workload) Used {
		u := kafka(w)
		w.clients(u)
		return u
	}}
}

// KafkaNearest is the same with consumers that fetch from a replica in their own
// zone (KIP-392), so that only producers pay for going to leaders.
func KafkaNearest() Arm {
	return Arm{"Kafka, nearest replica", func(w Workload) Used {
		u := kafka(w)
		produced := w
		produced.Groups, produced.Reread = 0, 0
		produced.clients(u)
		return u
	}}
}

// kafka is what Kafka's brokers use, without their clients.
func kafka(w Workload) Used {
	const replicas = 3
	u := Used{}
	w.instances(u)
	u.add(CrossZone, w.monthGiB()*min(replicas-1, float64(w.Zones-1)))
	u.add(GP3Stored, w.storedGiB()*replicas)
	u.add(GP3Throughput, replicas*w.BytesPerSecond/MiB-float64(w.Brokers)*gp3Throughput)
	return u
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
