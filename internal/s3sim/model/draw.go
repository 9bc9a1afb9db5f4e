package model

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Fault is how a request fails for the server's own reasons.
type Fault int

// The faults.
const (
	NoFault       Fault = iota
	InternalError       // 500
	Unavailable         // 503
)

// Draw is what happens to one request.
type Draw struct {
	Z     float64       // its luck: see Profile.LatencyOf
	Stall time.Duration // to be added to its latency; mostly none
	Fault Fault
}

// Draw draws for the n-th request of an operation.
func (p *Profile) Draw(seed uint64, op Op, n uint64) Draw {
	name := fnv.New64a()
	_, _ = name.Write([]byte(op)) // never fails
	r := rand.New(rand.NewPCG(mix(seed^name.Sum64()), mix(n)))
	// Always in this order, and all of it, so that a profile's stalls do not
	// change its latencies.
	failed, kind, stalled, long := r.Float64(), r.IntN(2), r.Float64(), r.Float64()
	d := Draw{Z: r.NormFloat64()}
	if p.Errors != nil && failed < p.Errors.Share {
		d.Fault = [...]Fault{InternalError, Unavailable}[kind]
	}
	if s := p.Stalls; s != nil && stalled < s.Share {
		d.Stall = duration((s.ShortestMS + long*(s.LongestMS-s.ShortestMS)) / 1e3)
	}
	return d
}

// mix spreads numbers that follow each other over all of 64 bits (splitmix64):
// generators seeded with neighbours must not begin alike.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
