package units

import (
	"math"
	"testing"
	"time"
)

func TestHowQuantitiesLook(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{Duration(0), "–"}, {Duration(-time.Second), "–"}, {Duration(900), "900 ns"},
		{Duration(85 * time.Microsecond), "85.0 µs"}, {Duration(999_600), "1.00 ms"}, {Duration(1_921_000), "1.92 ms"},
		{Duration(412 * time.Millisecond), "412 ms"}, {Duration(1250 * time.Millisecond), "1.25 s"}, {Duration(time.Hour), "3,600 s"},
		{MiBPerSecond(20 * MiB), "20.0"}, {MiBPerSecond(0), "–"}, {MiBPerSecond(-1), "–"}, {MiBPerSecond(1229 * MiB), "1,229"},
		{Size(8 * MiB), "8 MiB"}, {Size(1.5 * GiB), "1.5 GiB"}, {Size(300 * KiB), "300 KiB"}, {Size(100), "100 B"}, {Size(0), "–"}, {Size(math.NaN()), "–"},
		{Dollars(31041.3), "$31,041"}, {Dollars(157.68), "$157.68"}, {Dollars(0.04512), "$0.0451"}, {Dollars(0), "$0"}, {Dollars(-2), "−$2.00"}, {Dollars(math.NaN()), "–"},
		{Times(217.4), "217"}, {Times(3.14), "3.1"}, {Times(0.853), "0.85"}, {Times(0), "–"}, {Times(math.NaN()), "–"}, {Times(math.Inf(1)), "∞"},
		{Number(0.0123), "0.0123"}, {Number(9.999), "10.0"}, {Number(99.96), "100"}, {Number(math.MaxFloat64), "∞"}, {Number(1e-12), "0.000000000"},
		{Round(0.01), "0.01"}, {Round(500), "500"}, {Round0(0), "0"}, {Round0(2), "2"}, {Thousands(500), "500"}, {Thousands(20000), "20 k"}, {Thousands(1.5e6), "1.5 M"}, {Round(0), "–"}, {RoundDuration(250 * time.Millisecond), "250 ms"}, {RoundDuration(25 * time.Millisecond), "25 ms"},
		{OrDash(""), "–"}, {OrDash("x"), "x"},
		{Count(-1234567), "-1,234,567"}, {Count(999), "999"},
		{Percent(0.999), "99.9 %"}, {Percent(0.5), "50 %"}, {Percent(0.9999), "99.99 %"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
