package cost

import "math"

// Volume is what the brokers' WALs are on.
type Volume struct {
	Name   string
	GiB    float64 // of each broker
	WriteB float64 // bytes of a write to it, on average
	use    func(u Used, v Volume, w Workload)
}

// What AWS gives with a gp3 volume, and the least that one gets of the others.
const (
	gp3IOPS       = 3000
	gp3Throughput = 125 // MiB/s

	// io2IOPSMin lets a broker acknowledge one record at a time so often a second,
	// whatever the rate: an idle WAL gathers nothing.
	io2IOPSMin = 1000

	// The smallest file system for ONTAP.
	fsxGiBMin        = 1024
	fsxThroughputMin = 128 // MiB/s
)

// GP3 is a volume for each broker with as many IOPS and as much throughput as it
// takes.
func GP3(gib, writeBytes float64) Volume {
	return Volume{"gp3", gib, writeBytes, func(u Used, v Volume, w Workload) {
		n, rate := w.perBroker()
		u.add(GP3Stored, n*v.GiB)
		u.add(GP3IOPS, n*(math.Ceil(rate/v.WriteB)-gp3IOPS))
		u.add(GP3Throughput, n*(rate/MiB-gp3Throughput))
	}}
}

// IO2 is a volume for each broker with as many IOPS as it takes.
func IO2(gib, writeBytes float64) Volume {
	return Volume{"io2", gib, writeBytes, func(u Used, v Volume, w Workload) {
		n, rate := w.perBroker()
		u.add(IO2Stored, n*v.GiB)
		u.add(IO2IOPS, n*max(math.Ceil(rate/v.WriteB), io2IOPSMin))
	}}
}

// FSx is one Multi-AZ file system for ONTAP with the WALs of all brokers, no
// smaller than such a file system can be. It serves from one zone, so that what
// brokers of the others write crosses zones.
func FSx(gib, writeBytes float64) Volume {
	return Volume{"FSx", gib, writeBytes, func(u Used, v Volume, w Workload) {
		n, _ := w.perBroker()
		u.add(FSxStored, max(n*v.GiB, fsxGiBMin))
		u.add(FSxThroughput, max(w.BytesPerSecond/MiB, fsxThroughputMin))
		u.add(CrossZone, w.monthGiB()*w.away())
	}}
}

// perBroker is how many brokers there are, and how much each takes a second.
func (w Workload) perBroker() (n, bytesPerSecond float64) {
	n = float64(w.Brokers)
	return n, w.BytesPerSecond / n
}
