package scenario

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seawallmq/seawall/internal/config"
)

// ParseRate reads a rate as it stands in a scenario file; the package's doc has
// its forms. One in bytes is of records only after [Scenario.Validate].
func ParseRate(v string) (Rate, error) {
	words := strings.Fields(v)
	if len(words) == 0 {
		return Rate{}, errRate
	}
	switch shape := Shape(words[0]); {
	case shape == Unlimited && len(words) == 1:
		return Rate{Shape: Unlimited}, nil
	case shape == Ramp && len(words) == 4 && words[2] == "to":
		from, err := parseRecords(words[1])
		to, err2 := parseRecords(words[3])
		return Rate{Shape: Ramp, From: from, RecordsPerSecond: to}, errors.Join(err, err2)
	case shape == Burst && len(words) == 7 && words[2] == "in" && words[4] == "of" && words[5] == "each":
		average, err := parseRecords(words[1])
		during, err2 := time.ParseDuration(words[3])
		every, err3 := time.ParseDuration(words[6])
		if errors.Join(err2, err3) != nil || during <= 0 || every < during {
			return Rate{}, errors.New("a burst is to be shorter than what it is part of: burst 2000/s in 100ms of each 1s")
		}
		return Rate{Shape: Burst, RecordsPerSecond: average, For: during, Every: every}, err
	case len(words) == 1:
		return parseFixed(words[0])
	}
	return Rate{}, errRate
}

var errRate = errors.New("is no rate: write 2000/s, 20MiB/s, ramp 100/s to 5000/s, burst 2000/s in 100ms of each 1s, or unlimited")

// parseFixed reads 2000/s and 20MiB/s.
func parseFixed(v string) (Rate, error) {
	if n, err := parseRecords(v); err == nil {
		return Rate{Shape: Fixed, RecordsPerSecond: n}, nil
	}
	size, ok := strings.CutSuffix(v, "/s")
	if !ok {
		return Rate{}, errRate
	}
	bytes, err := config.ParseSize(size)
	if err != nil {
		return Rate{}, errRate
	}
	return Rate{Shape: Fixed, BytesPerSecond: float64(bytes)}, nil
}

// parseRecords reads 2000/s.
func parseRecords(v string) (float64, error) {
	number, ok := strings.CutSuffix(v, "/s")
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(n > 0 && n <= recordsPerSecondMax) {
		return 0, errRate
	}
	return n, nil
}

// recordsPerSecondMax is more than one machine sends.
const recordsPerSecondMax = 1e9

// String is the rate as it stands in a file.
func (r Rate) String() string {
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + "/s" }
	switch {
	case r.Shape == Ramp:
		return fmt.Sprintf("ramp %s to %s", n(r.From), n(r.RecordsPerSecond))
	case r.Shape == Burst:
		return fmt.Sprintf("burst %s in %v of each %v", n(r.RecordsPerSecond), r.For, r.Every)
	case r.Shape == Unlimited:
		return string(Unlimited)
	case r.BytesPerSecond > 0:
		return config.FormatSize(int64(r.BytesPerSecond)) + "/s"
	}
	return n(r.RecordsPerSecond)
}

// Scaled is the same shape with another rate, the last of a ramp and the average
// of bursts.
func (r Rate) Scaled(recordsPerSecond float64) Rate {
	if r.RecordsPerSecond > 0 {
		r.From *= recordsPerSecond / r.RecordsPerSecond
	}
	r.RecordsPerSecond, r.BytesPerSecond = recordsPerSecond, 0
	if r.Shape == Unlimited {
		r.Shape = Fixed
	}
	return r
}

// Due is when record n of a load that lasts for long is due after its beginning,
// the first being number 0. A rate without a pace has everything due at once.
func (r Rate) Due(n float64, long time.Duration) time.Duration {
	switch r.Shape {
	case Fixed:
		return seconds(n / r.RecordsPerSecond)
	case Ramp:
		return r.rampDue(n, long)
	case Burst:
		even := n / r.RecordsPerSecond
		every := r.Every.Seconds()
		bursts := float64(int64(even / every))
		return seconds(bursts*every + (even-bursts*every)*r.For.Seconds()/every)
	}
	return 0
}

// seconds is s seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// rampDue solves from·t + (to−from)·t²/(2·long) = n for t. Past the end the last
// rate goes on.
func (r Rate) rampDue(n float64, long time.Duration) time.Duration {
	from, to, end := r.From, r.RecordsPerSecond, long.Seconds()
	if whole := (from + to) / 2 * end; n >= whole {
		return seconds(end + (n-whole)/to)
	}
	slope := (to - from) / end
	// The form of the root that stays exact when the slope is small.
	return seconds(2 * n / (from + math.Sqrt(from*from+2*slope*n)))
}
