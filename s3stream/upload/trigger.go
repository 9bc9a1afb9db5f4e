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
	// at the device's ReadBandwidth in bytes a second. A generation takes half
	// of that: while it is on its way, at its pace, the next one grows.
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
	Appended  int64 // bytes in the WAL since its beginning
	Ahead     int64 // bytes that other instances upload first
}

// Decide says whether to seal now. Fill counts everything un-trimmed but seals
// only once at least half of that is un-sealed: when most of it is on its way
// already, a small generation more would not free anything sooner.
func (t Triggers) Decide(l Load) Reason {
	switch {
	case l.Unsealed <= 0:
		return NotYet
	case t.Bytes > 0 && l.Unsealed >= t.Bytes:
		return ByBytes
	case t.Interval > 0 && l.Age >= t.Interval:
		return ByInterval
	case t.rescueBytes() > 0 && l.Unsealed >= t.rescueBytes()/2:
		return ByRescue
	case t.fillBytes(l.Capacity) > 0 && l.Untrimmed >= t.fillBytes(l.Capacity) && 2*l.Unsealed >= l.Untrimmed:
		return ByFill
	}
	return NotYet
}

// SealBytes is how many un-sealed bytes are sealed at the latest; zero if that
// is not bounded.
func (t Triggers) SealBytes() int64 { return leastBound(t.Bytes, t.rescueBytes()/2) }

// boundBytes is what the un-trimmed bytes should stay below; zero if there is
// no such bound.
func (t Triggers) boundBytes(capacity int64) int64 {
	return leastBound(t.fillBytes(capacity), t.rescueBytes())
}

func (t Triggers) fillBytes(capacity int64) int64 { return capacity * int64(t.FillPercent) / 100 }

func (t Triggers) rescueBytes() int64 {
	return int64(t.RescueTarget.Seconds() * float64(t.ReadBandwidth))
}

// leastBound is the lesser of two bounds, of which zero is none.
func leastBound(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return max(a, b, 0)
	}
	return min(a, b)
}

// RescueSeconds is how long a rescue would take now.
func (t Triggers) RescueSeconds(untrimmed int64) float64 {
	if t.ReadBandwidth <= 0 {
		return 0
	}
	return float64(untrimmed) / float64(t.ReadBandwidth)
}
