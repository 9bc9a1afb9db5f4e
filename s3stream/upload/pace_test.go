package upload

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// steady plays uploads at their pace, each generation after the other, under
// appends at a rate that changes, second by second.
type steady struct {
	t         *testing.T
	triggers  Triggers
	capacity  int64
	pace      pace
	now       time.Time
	load      Load
	unsealedS time.Time // when the oldest un-sealed byte came
	queue     []int64   // sealed, not committed
	sent      float64   // of queue[0]
	highest   int64     // un-trimmed
	seals     int
	deepest   int // queue
}

func newSteady(t *testing.T, triggers Triggers, capacity int64) *steady {
	now := time.Unix(1e9, 0)
	return &steady{t: t, triggers: triggers, capacity: capacity, pace: pace{t: triggers}, now: now, unsealedS: now}
}

const pacedStep = 100 * time.Millisecond

// run appends for a time and returns the highest and the mean pace at which
// something was sent.
func (s *steady) run(appendRate int64, d time.Duration, storeMax float64) (peak, mean float64) {
	var sum, n float64
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(pacedStep) {
		added := int64(float64(appendRate) * pacedStep.Seconds())
		s.load.Appended += added
		s.load.Unsealed += added
		s.load.Untrimmed += added
		s.load.Capacity, s.load.Age = s.capacity, s.now.Sub(s.unsealedS)
		if s.triggers.Decide(s.load) != NotYet {
			s.queue = append(s.queue, s.load.Unsealed)
			s.pace.due = s.load.Untrimmed
			s.load.Unsealed, s.unsealedS = 0, s.now
			s.seals++
		}
		s.highest, s.deepest = max(s.highest, s.load.Untrimmed), max(s.deepest, len(s.queue))
		s.pace.observe(s.now, s.load.Appended)
		rate := min(s.pace.bytesPerSecond(s.load), storeMax)
		if len(s.queue) == 0 {
			continue
		}
		peak, sum, n = max(peak, rate), sum+rate, n+1
		s.sent += rate * pacedStep.Seconds()
		for len(s.queue) > 0 && s.sent >= float64(s.queue[0]) {
			s.sent -= float64(s.queue[0])
			s.load.Untrimmed -= s.queue[0]
			s.queue = s.queue[1:]
		}
		if len(s.queue) == 0 {
			s.sent = 0
		}
	}
	return peak, sum / max(n, 1)
}

const mega = 1 << 20

var defaults = Triggers{Bytes: 256 * mega, Interval: time.Minute, FillPercent: 50, RescueTarget: 5 * time.Second, ReadBandwidth: 125 * mega}

func TestPaceFollowsAppendsWithLittleHeadroom(t *testing.T) {
	for _, appendRate := range []int64{5 * mega, 30 * mega, 100 * mega, 400 * mega} {
		s := newSteady(t, defaults, 10<<30)
		s.run(appendRate, 30*time.Second, math.Inf(1)) // learns
		s.highest, s.deepest = 0, 0
		peak, mean := s.run(appendRate, 3*time.Minute, math.Inf(1))
		if ratio := peak / float64(appendRate); ratio > 1.4 {
			t.Errorf("%d bytes/s appended: uploads at up to %.2f of that, %.2f in the mean", appendRate, ratio, mean/float64(appendRate))
		}
		if bound := defaults.boundBytes(10 << 30); s.highest > bound {
			t.Errorf("%d bytes/s appended: %d bytes un-trimmed, bound is %d", appendRate, s.highest, bound)
		}
		if s.deepest > 1 {
			t.Errorf("%d bytes/s appended: %d generations waited: uploads fall behind", appendRate, s.deepest)
		}
	}
}

func TestPaceEndsWhatIsLeftWhenAppendsEnd(t *testing.T) {
	s := newSteady(t, defaults, 10<<30)
	s.run(100*mega, 20*time.Second, math.Inf(1))
	s.run(0, 2*time.Minute, math.Inf(1))
	if s.load.Untrimmed != 0 {
		t.Errorf("%d bytes are not uploaded two minutes after the last append", s.load.Untrimmed)
	}
}

func TestPaceCatchesUpAfterTheStoreWasAway(t *testing.T) {
	s := newSteady(t, defaults, 10<<30)
	s.run(50*mega, 30*time.Second, math.Inf(1))
	s.run(50*mega, time.Minute, 1)
	if rate := s.pace.bytesPerSecond(s.load); !math.IsInf(rate, 1) {
		t.Errorf("%d bytes wait, and the pace is %.0f", s.load.Untrimmed, rate)
	}
	s.run(50*mega, time.Minute, 300*mega)
	if bound := defaults.boundBytes(10 << 30); s.load.Untrimmed > bound {
		t.Errorf("%d bytes still wait a minute after the store is back", s.load.Untrimmed)
	}
}

// A burst after quiet is followed before the WAL fills up.
func TestPaceFollowsABurst(t *testing.T) {
	s := newSteady(t, defaults, 1<<30)
	s.run(mega, 5*time.Minute, math.Inf(1))
	s.run(300*mega, 30*time.Second, 2000*mega)
	if s.highest > 700*mega {
		t.Errorf("%d bytes of %d were taken", s.highest, s.capacity)
	}
}

func TestPaceOfWhatOthersUploadFirst(t *testing.T) {
	p := pace{t: defaults}
	if got := p.bytesPerSecond(Load{Capacity: 10 << 30}); got != paceMin {
		t.Errorf("nothing to do: %.0f", got)
	}
	got := p.bytesPerSecond(Load{Capacity: 10 << 30, Ahead: 480 * mega})
	if want := 480.0 * mega / (paceShare * 60); math.Abs(got-want) > 1 {
		t.Errorf("480 MiB ahead of an idle log: %.0f, want %.0f", got, want)
	}
}

// What is kept of older instances on the same device leaves appends so little
// room that their own bytes never come to a bound: nothing is held back then.
func TestPaceHoldsNothingBackWhenTheDeviceIsFull(t *testing.T) {
	triggers := defaults
	triggers.ReadBandwidth = 3000 * mega // the rescue bound is past the capacity
	p := pace{t: triggers, due: 64 * mega}
	if got := p.bytesPerSecond(Load{Capacity: 10 << 30, Untrimmed: 4 << 30, Ahead: 6 << 30}); !math.IsInf(got, 1) {
		t.Errorf("producers wait for room, and uploads go at %.0f MiB/s", got/mega)
	}
}

// A node that is about to stop does not wait for its own pace.
func TestDrainIsNotPaced(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	r := newRig(t, clk)
	r.stop()
	var told []float64
	r.cfg.SetPace = func(rate float64) { told = append(told, rate) }
	r.SealIfDue()
	end := r.Hurry()
	r.SealIfDue() // a look in between changes nothing
	end()
	r.SealIfDue()
	if want := []float64{paceMin, math.Inf(1), math.Inf(1), paceMin}; !slices.Equal(told, want) {
		t.Errorf("the pace was %v, want %v", told, want)
	}
}
