// Package units writes quantities for people: a number with three significant
// digits, and its unit.
//
// MiB and GiB are powers of two, GB is a power of ten; both are always spelled
// out. What is not positive was not measured, and is a dash.
//
// Owns: how numbers look. Does not own: what they mean. Pure: no goroutines, no
// locks.
package units

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Dash stands for what was not measured.
const Dash = "–"

// OrDash is s, or a dash if there is nothing in it.
func OrDash(s string) string {
	if s == "" {
		return Dash
	}
	return s
}

// Bytes in binary units.
const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

// Duration writes a duration: 85.0 µs, 1.92 ms, 412 ms, 1.25 s.
func Duration(d time.Duration) string { return duration(d, Number) }

// RoundDuration writes a duration that was chosen and not measured: 85 µs, 250 ms.
func RoundDuration(d time.Duration) string { return duration(d, Round) }

func duration(d time.Duration, number func(float64) string) string {
	if d <= 0 {
		return Dash
	}
	v, unit := float64(d), "ns"
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		// 999.6 µs is written as 1.00 ms, and not as 1,000 µs.
		if r := v / float64(u.of); r >= 0.9995 {
			v, unit = r, u.name
			break
		}
	}
	return number(v) + " " + unit
}

// MiBPerSecond writes a rate without its unit, for columns that carry it in
// their head.
func MiBPerSecond(bytesPerSecond float64) string { return Number(bytesPerSecond / MiB) }

// Size writes bytes in the largest unit of which there is at least one.
func Size(bytes float64) string {
	for _, u := range []struct {
		bytes float64
		name  string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if bytes >= u.bytes {
			return Round(bytes/u.bytes) + " " + u.name
		}
	}
	if bytes <= 0 || math.IsNaN(bytes) {
		return Dash
	}
	return Number(bytes) + " B"
}

// Round writes a number that was chosen and not measured: with up to three
// significant digits, and no zeros after the last.
func Round(v float64) string {
	s := Number(v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Round0 is Round for what may be nothing.
func Round0(v float64) string {
	if v == 0 {
		return "0"
	}
	return Round(v)
}

// Thousands writes a number for an axis: 500, 20 k, 1.5 M.
func Thousands(v float64) string {
	switch {
	case v >= 1e6:
		return Round(v/1e6) + " M"
	case v >= 1000:
		return Round(v/1000) + " k"
	}
	return Round(v)
}

// Dollars writes US dollars: $31,041, $157.68, $0.0451. Nothing costs $0.
func Dollars(usd float64) string {
	switch {
	case math.IsNaN(usd) || math.IsInf(usd, 0):
		return Dash
	case usd < 0:
		return "−" + Dollars(-usd)
	case usd == 0:
		return "$0"
	case usd >= 1000:
		return "$" + Count(int64(math.Round(usd)))
	case usd >= 1:
		return "$" + strconv.FormatFloat(usd, 'f', 2, 64)
	}
	return "$" + Number(usd)
}

// Times writes how many times as much something is: 217, 3.1, 0.85.
func Times(ratio float64) string {
	if ratio >= 10 {
		return Number(math.Round(ratio))
	}
	if math.IsNaN(ratio) || ratio <= 0 {
		return Dash
	}
	return strconv.FormatFloat(ratio, 'f', max(1, 1-exponent(ratio)), 64)
}

// Number writes a positive number with three significant digits.
func Number(v float64) string {
	switch {
	case math.IsNaN(v) || v <= 0:
		return Dash
	case math.IsInf(v, 1) || v >= math.MaxInt64:
		return "∞"
	case v >= 99.95:
		return Count(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', min(2-exponent(v), 9), 64)
}

// exponent is the power of ten of v's first digit once v is rounded to three:
// 9.999 is written as 10.0.
func exponent(v float64) int {
	_, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e")
	n, _ := strconv.Atoi(power)
	return n
}

// Count groups digits by thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent writes a share: 99.9 %.
func Percent(share float64) string {
	s := strconv.FormatFloat(share*100, 'f', 4, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + " %"
}
