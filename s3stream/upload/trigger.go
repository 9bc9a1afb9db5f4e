package upload

import "time"

// Triggers say when the log cache is sealed for upload. Zero values turn a
// trigger off.
type Triggers struct {
	Bytes    int64         // un-sealed bytes
	Interval time.Duration // age of the oldest un-sealed record
	// FillPercent of the WAL's capacity that may be un-trimmed.
	FillPercent int
	// RescueTarget is how long a rescuer may take to read what is un-trimmed,
	// at the device's ReadBandwidth in bytes a second.
	RescueTarget  time.Duration
	ReadBandwidth int64
}

// Reason is why a generation was sealed.
type Reason string

// The reasons.
const (
	NotYet     Reason = ""
	ByBytes    Reason = "bytes"
	ByInterval Reason = "interval"
	ByFill     Reason = "wal-fill"
	ByRescue   Reason = "rescue-bound"
	ByForce    Reason = "forced"
)

// Load is what the triggers look at.
type Load struct {
	Unsealed  int64 // bytes in the WAL since the last seal
	Untrimmed int64 // bytes in the WAL above the trim position
	Capacity  int64 // of the WAL
	Age       time.Duration
}

// Decide says whether to seal now. Fill and rescue count everything un-trimmed
// but seal only once at least half of that is un-sealed: when most of it is on
// its way already, a small generation more would not free anything sooner.
func (t Triggers) Decide(l Load) Reason {
	switch {
	case l.Unsealed <= 0:
		return NotYet
	case t.Bytes > 0 && l.Unsealed >= t.Bytes:
		return ByBytes
	case t.Interval > 0 && l.Age >= t.Interval:
		return ByInterval
	case 2*l.Unsealed < l.Untrimmed:
		return NotYet
	case t.FillPercent > 0 && l.Untrimmed*100 >= l.Capacity*int64(t.FillPercent):
		return ByFill
	case t.rescueBytes() > 0 && l.Untrimmed >= t.rescueBytes():
		return ByRescue
	}
	return NotYet
}

func (t Triggers) rescueBytes() int64 {
	return int64(t.RescueTarget.Seconds() * float64(t.ReadBandwidth))
}

// RescueSeconds is how long a rescue would take now.
func (t Triggers) RescueSeconds(untrimmed int64) float64 {
	if t.ReadBandwidth <= 0 {
		return 0
	}
	return float64(untrimmed) / float64(t.ReadBandwidth)
}
