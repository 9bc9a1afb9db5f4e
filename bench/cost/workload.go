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
	// Reread is what share of everything is read once more later, from where it is
	// kept: by consumers that catch up or start over.
	Reread float64
	// Zones that producers, consumers and brokers are spread over evenly.
	Zones int
	// Brokers there are, at least one a zone; see [Workload.Validate].
	Brokers int
}

// Validate says what is wrong with a workload.
func (w Workload) Validate() error {
	switch {
	// Not written as < 0, so that what is no number fails too.
	case !(w.BytesPerSecond >= 0 && w.Reread >= 0) || w.Retention < 0 || w.Groups < 0:
		return fmt.Errorf("cost: rate, retention, groups and what is read again must not be negative")
	case math.IsInf(w.BytesPerSecond, 1) || math.IsInf(w.Reread, 1):
		return fmt.Errorf("cost: rate and what is read again must be finite")
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

// instances notes what brokers cost by the hour.
func (w Workload) instances(u Used) {
	u.add(Instance, float64(w.Brokers)*monthHours)
}

// clients notes what producers, and consumers that read from leaders, cost
// between zones.
func (w Workload) clients(u Used) {
	u.add(CrossZone, w.monthGiB()*w.away()*(1+float64(w.Groups)+w.Reread))
}

// Flush is when a broker writes an object: at a size, or after a time if there
// is anything at all, whichever comes first.
type Flush struct {
	Bytes    float64
	Interval time.Duration
	// PartBytes is the size past which an object is sent in parts of that size: a
	// request for each, and two around them. 0 is never.
	PartBytes float64
}

// aSecond is how many objects a broker writes a second at a rate.
func (f Flush) aSecond(bytesPerSecond float64) float64 {
	if bytesPerSecond <= 0 {
		return 0
	}
	return max(bytesPerSecond/f.Bytes, 1/f.Interval.Seconds())
}

// objectBytes is how large the objects are at a rate.
func (f Flush) objectBytes(bytesPerSecond float64) float64 {
	return min(f.Bytes, bytesPerSecond*f.Interval.Seconds())
}

// PutsPerSecond is how many requests a broker's objects take a second at a rate.
func (f Flush) PutsPerSecond(bytesPerSecond float64) float64 {
	each := 1.0
	if size := f.objectBytes(bytesPerSecond); f.PartBytes > 0 && size > f.PartBytes {
		each = math.Ceil(size/f.PartBytes) + 2
	}
	return each * f.aSecond(bytesPerSecond)
}

// puts are the requests by which all brokers write objects in a month.
func (w Workload) puts(f Flush) float64 {
	n := float64(w.Brokers)
	return n * f.PutsPerSecond(w.BytesPerSecond/n) * monthSeconds
}

// readBytesMax is how much a broker reads of an object with one GET.
const readBytesMax = 4 * MiB

// objects notes what the objects cost that all brokers write, keep and read
// again. Nothing is listed: the metadata knows every object; and nothing is paid
// for deleting.
func (w Workload) objects(u Used, f Flush) {
	u.add(S3Put, w.puts(f))
	u.add(S3Stored, w.storedGiB())
	if w.BytesPerSecond > 0 {
		size := f.objectBytes(w.BytesPerSecond / float64(w.Brokers))
		u.add(S3Get, w.Reread*w.monthGiB()*GiB/min(size, readBytesMax))
	}
}
