package clock

import (
	"context"
	"slices"
	"testing"
	"time"
)

func TestManualRunsTimersInOrder(t *testing.T) {
	c := NewManual(time.Unix(0, 0))
	var got []string
	c.AfterFunc(2*time.Second, func() { got = append(got, "b") })
	c.AfterFunc(time.Second, func() {
		got = append(got, "a")
		c.AfterFunc(500*time.Millisecond, func() { got = append(got, "a+") })
	})
	c.AfterFunc(2*time.Second, func() { got = append(got, "c") })
	stopped := c.AfterFunc(time.Second, func() { got = append(got, "stopped") })
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop must be true once")
	}
	c.Advance(999 * time.Millisecond)
	if len(got) != 0 {
		t.Fatalf("ran early: %v", got)
	}
	c.Advance(2 * time.Second)
	if want := []string{"a", "a+", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	if n, ok := c.Next(); ok {
		t.Errorf("a timer is left at %v", n)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Sleep(ctx, NewManual(time.Unix(0, 0)), time.Hour); err != context.Canceled {
		t.Errorf("Sleep = %v, want context.Canceled", err)
	}
	if err := Sleep(context.Background(), Wall(), time.Microsecond); err != nil {
		t.Errorf("Sleep = %v", err)
	}
}
