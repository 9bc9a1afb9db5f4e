package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// Format is the number of the profiles' format. Parse refuses others.
const Format = 1

// Op is what a store is asked to do.
type Op string

// The operations. Those without a curve of their own go by another's: a part is
// put like an object, and beginning or ending an upload is a put of no bytes.
const (
	Put      Op = "put"
	Get      Op = "get"
	Head     Op = "head"
	List     Op = "list"
	Delete   Op = "delete"
	Part     Op = "part"
	Create   Op = "create"
	Complete Op = "complete"
	Abort    Op = "abort"
)

// Ops are all operations.
func Ops() []Op { return []Op{Put, Get, Head, List, Delete, Part, Create, Complete, Abort} }

// measured are the operations of which a profile with latencies has curves.
func measured() []Op { return []Op{Put, Get, Head, List, Delete} }

// Writes says whether the operation is one of those that S3 limits and charges
// as writes.
func (op Op) Writes() bool { return op != Get && op != Head && op != List }

// Source says who published a figure.
type Source struct {
	Source string `json:"source"`
	URL    string `json:"url,omitempty"`
	// Estimate says that the source does not give the figure itself.
	Estimate bool `json:"estimate,omitempty"`
}

// Point is the latency at one size.
type Point struct {
	Bytes    int64   `json:"bytes"`
	MedianMS float64 `json:"median_ms"`
	Sigma    float64 `json:"sigma"` // of the logarithm
	Source
}

// Bandwidth bounds bytes.
type Bandwidth struct {
	BytesPerSecond float64 `json:"bytes_per_second"`
	Source
}

// Rate bounds requests.
type Rate struct {
	PerSecond float64 `json:"per_second"`
	Source
}

// Stalls are requests that take far longer than the curve says.
type Stalls struct {
	Share      float64 `json:"share"` // of all requests
	ShortestMS float64 `json:"shortest_ms"`
	LongestMS  float64 `json:"longest_ms"`
	Source
}

// Errors are requests that fail for the server's own reasons.
type Errors struct {
	Share float64 `json:"share"` // of all requests
	Source
}

// Profile is the behaviour of a store.
type Profile struct {
	Format int    `json:"format"`
	Name   string `json:"name"`
	About  string `json:"about"`
	// Express says that its requests are priced as S3 Express One Zone's.
	Express bool           `json:"express,omitempty"`
	Latency map[Op][]Point `json:"latency,omitempty"` // by rising sizes
	// Connection is the bandwidth of one connection, Total that of all together,
	// in each direction.
	Connection *Bandwidth `json:"connection,omitempty"`
	Total      *Bandwidth `json:"total,omitempty"`
	// Writes and Reads are the requests a second that one prefix takes; a prefix
	// is the first PrefixFolders folders of a key.
	Writes        *Rate   `json:"writes,omitempty"`
	Reads         *Rate   `json:"reads,omitempty"`
	PrefixFolders int     `json:"prefix_folders,omitempty"`
	Stalls        *Stalls `json:"stalls,omitempty"`
	Errors        *Errors `json:"errors,omitempty"`
}

// Parse reads a profile and judges it.
func Parse(text []byte) (*Profile, error) {
	var version struct {
		Format int    `json:"format"`
		Name   string `json:"name"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("profile of a store: %w", err)
	}
	if version.Format != Format {
		return nil, fmt.Errorf("profile %q has format %d; this version reads format %d", version.Name, version.Format, Format)
	}
	p := new(Profile)
	if err := unmarshalStrictly(text, p); err != nil {
		return nil, fmt.Errorf("profile %q: %w", version.Name, err)
	}
	return p, p.Validate()
}

// LatencyOf is how long an operation on so many bytes takes when its luck is z,
// drawn from the standard normal distribution.
func (p *Profile) LatencyOf(op Op, bytes int64, z float64) time.Duration {
	curve, bytes := p.curve(op, bytes)
	if len(curve) == 0 {
		return 0
	}
	median, sigma := at(curve, bytes)
	seconds := median / 1e3 * math.Exp(sigma*z)
	if last := curve[len(curve)-1].Bytes; op.Writes() && bytes > last && p.Connection != nil {
		seconds += float64(bytes-last) / p.Connection.BytesPerSecond
	}
	return duration(seconds)
}

// curve finds the curve that an operation goes by, and the size to look for.
func (p *Profile) curve(op Op, bytes int64) ([]Point, int64) {
	if curve, ok := p.Latency[op]; ok {
		return curve, bytes
	}
	switch op {
	case Part:
		return p.Latency[Put], bytes
	case Create, Complete, Abort:
		return p.Latency[Put], 0
	}
	return nil, 0
}

// at reads a curve, which is not empty, at a size.
func at(curve []Point, bytes int64) (medianMS, sigma float64) {
	i, exact := slices.BinarySearchFunc(curve, bytes, func(p Point, bytes int64) int {
		return int(min(max(p.Bytes-bytes, -1), 1))
	})
	switch {
	case exact || i == 0:
		return curve[i].MedianMS, curve[i].Sigma
	case i == len(curve):
		return curve[i-1].MedianMS, curve[i-1].Sigma
	}
	// The +1 lets a curve begin at no bytes.
	a, b := curve[i-1], curve[i]
	x0, x1 := math.Log(float64(a.Bytes+1)), math.Log(float64(b.Bytes+1))
	t := (math.Log(float64(bytes+1)) - x0) / (x1 - x0)
	return math.Exp(math.Log(a.MedianMS)*(1-t) + math.Log(b.MedianMS)*t), a.Sigma*(1-t) + b.Sigma*t
}

// TransferOf is how long one connection takes for so many bytes of an answer.
func (p *Profile) TransferOf(bytes int64) time.Duration {
	if p.Connection == nil {
		return 0
	}
	return duration(float64(bytes) / p.Connection.BytesPerSecond)
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}
