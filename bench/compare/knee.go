package compare

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// keptUp of what is offered must be acknowledged.
const keptUp = 0.98

// overload says why a load was more than an arm, or the driver, can carry; empty
// if it was not.
func overload(s *result.SweepStep, p99Max time.Duration) string {
	switch {
	case s.Acked < keptUp*s.Offered:
		return fmt.Sprintf("of %s records/s offered %s were acknowledged", units.Count(int64(s.Offered)), units.Count(int64(s.Acked)))
	case p99Max > 0 && s.Ack.P99 > p99Max:
		return fmt.Sprintf("p99 was %s, more than %s", units.Duration(s.Ack.P99), units.Duration(p99Max))
	case s.Behind:
		return s.Saturation
	}
	return ""
}

// knee is the highest load below the first that was too much, and why that was; 0
// if none was carried.
func knee(points []result.SweepStep, p99Max time.Duration) (offered float64, why string) {
	for i := range points {
		if why := overload(&points[i], p99Max); why != "" {
			return offered, why
		}
		offered = points[i].Offered
	}
	return offered, "nothing higher was offered"
}
