package scenario

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Bounds of a scenario: past them the driver, one process of one machine, would
// only measure itself.
const (
	// RecordBytesMin leaves room for what identifies a record, and for something
	// to compare.
	RecordBytesMin = 40
	recordBytesMax = 1 << 20
	slotsMax       = 100_000 // partitions of all topics
	clientsMax     = 1000    // producers, and consumers of all groups
	durationMax    = 24 * time.Hour
)

// Validate returns all that is wrong with a scenario as [Faults], and turns a
// rate in bytes into one in records.
func (s *Scenario) Validate() error { return s.faults(s.Name).errOrNil() }

// faults finds what is wrong; name stands before each.
func (s *Scenario) faults(name string) Faults {
	var faults Faults
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults.add(name+": "+format, args...)
		}
	}
	between := func(field string, n, low, high int) {
		check(n >= low && n <= high, "%s=%d is not between %d and %d", field, n, low, high)
	}
	between("record.bytes", s.RecordBytes, RecordBytesMin, recordBytesMax)
	between("topics", s.Topics, 1, slotsMax)
	between("partitions", s.Partitions, 1, slotsMax)
	check(s.Topics < 1 || s.Partitions < 1 || s.Topics <= slotsMax/s.Partitions, "topics × partitions is more than %d", slotsMax)
	between("producers", s.Producers, 1, clientsMax)
	between("groups", s.Groups, 0, clientsMax)
	between("consumers", s.Consumers, 1, clientsMax)
	check(s.Groups < 1 || s.Consumers <= clientsMax/s.Groups, "groups × consumers is more than %d", clientsMax)
	check(s.DistinctKeys >= 0 && s.DistinctKeys <= math.MaxInt32, "distinct.keys=%d is not between 0 and %d", s.DistinctKeys, math.MaxInt32)
	check(slices.Contains([]string{"all", "1", "0"}, s.Acks), "acks=%s is neither all, 1 nor 0", s.Acks)
	check(slices.Contains(Compressions, s.Compression), "compression=%s is none of %s", s.Compression, strings.Join(Compressions, ", "))
	check(s.Acks == "all" || !s.Idempotent, "acks=%s needs idempotent=false: only what all replicas have can be told apart", s.Acks)
	check(s.Transaction == 0 || s.Idempotent, "transactions need idempotent=true")
	check(s.Transaction >= 0 && s.Transaction <= math.MaxInt32, "transaction=%d is not between 0 and %d", s.Transaction, math.MaxInt32)
	check(s.BackfillBytes >= 0, "backfill=%d is less than nothing", s.BackfillBytes)
	check(s.Duration > 0 && s.Duration <= durationMax, "duration=%v is not between 0s and %v", s.Duration, durationMax)
	check(s.WarmUp >= 0 && s.WarmUp <= durationMax, "warm.up=%v is not between 0s and %v", s.WarmUp, durationMax)
	check(s.Linger >= 0 && s.Linger <= time.Minute, "linger=%v is not between 0s and 1m", s.Linger)
	s.checkRate(check)
	return faults
}

func (s *Scenario) checkRate(check func(ok bool, format string, args ...any)) {
	r := &s.Rate
	if r.BytesPerSecond > 0 && s.RecordBytes > 0 {
		r.RecordsPerSecond = r.BytesPerSecond / float64(s.RecordBytes)
	}
	paced := r.Shape == Fixed || r.Shape == Ramp || r.Shape == Burst
	check(paced || r.Shape == Unlimited, "rate: %q is no shape: fixed, ramp, burst or unlimited", string(r.Shape))
	check(!paced || r.RecordsPerSecond > 0 && r.RecordsPerSecond <= recordsPerSecondMax, "rate=%v is not between 0 and %.0f records a second", *r, float64(recordsPerSecondMax))
	check(r.Shape != Ramp || r.From > 0 && r.From <= recordsPerSecondMax, "rate=%v begins at nothing", *r)
	check(r.Shape != Burst || r.For > 0 && r.Every >= r.For, "rate=%v: a burst is longer than what it is part of", *r)
}
