package pace

import (
	"testing"
	"time"
)

func TestSendersTakeTurns(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, test := range []struct {
		producer int
		seq      uint64
		want     time.Duration
	}{
		{0, 0, 0}, {1, 0, time.Millisecond}, {2, 0, 2 * time.Millisecond},
		{0, 1, 3 * time.Millisecond}, {2, 4, 14 * time.Millisecond},
	} {
		s := NewSchedule(start, 1000, test.producer, 3)
		if got := s.Due(test.seq).Sub(start); got != test.want {
			t.Errorf("record %d of producer %d is due after %v, want %v", test.seq, test.producer, got, test.want)
		}
	}
	if NewSchedule(start, 0, 0, 1).Paced() {
		t.Error("a load without a rate has a pace")
	}
}

// The pacer never wakes early, and catches up after it was held up.
func TestPacing(t *testing.T) {
	defer Lock()()
	s := NewSchedule(time.Now(), 5000, 0, 1)
	for seq := range uint64(200) {
		if late := SleepUntil(s.Due(seq)); late < 0 || time.Now().Before(s.Due(seq)) {
			t.Fatalf("record %d was sent %v early", seq, -late)
		}
	}
	if late := SleepUntil(s.Start); late < 199*200*time.Microsecond {
		t.Errorf("late by %v only", late)
	}
}
