package load

import (
	"fmt"
	"time"
)

const (
	// lagShareMax of the median latency may be the driver's own.
	lagShareMax = 0.5
	// lagP99Max is the lateness past which the driver did not keep its pace.
	lagP99Max = 2 * time.Millisecond
	// busyMax of the machine's CPU time may be used before whatever is measured
	// waits for a CPU.
	busyMax = 0.97
)

// Saturation says why the figures tell of the driver or of the machine rather
// than of the broker, or nothing if they do not.
func (r *Result) Saturation() string {
	if why := r.Behind(); why != "" {
		return why
	}
	if r.CPU.Busy > busyMax {
		return fmt.Sprintf("the machine's CPUs were %.0f %% busy, %.0f %% with the driver: a broker with CPUs of its own does more",
			100*r.CPU.Busy, 100*r.CPU.Share)
	}
	return ""
}

// Behind says how the driver did not keep its pace, or nothing if it did. A full
// client is not its fault: the broker had taken too little.
func (r *Result) Behind() string {
	if r.Lag == nil || r.Latency == nil {
		return ""
	}
	lag, latency := r.Lag.Summary(), r.Latency.Summary()
	switch {
	case latency.Count > 0 && float64(lag.P50) > lagShareMax*float64(latency.P50):
		return fmt.Sprintf("the driver's own lag is %v of a median of %v", lag.P50.Round(time.Microsecond), latency.P50.Round(time.Microsecond))
	case lag.P99 > lagP99Max && lag.P99 > latency.P99/2:
		return fmt.Sprintf("the driver sent 1 %% of the records more than %v late", lag.P99.Round(time.Microsecond))
	}
	return ""
}
