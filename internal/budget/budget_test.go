package budget

import (
	"context"
	"errors"
	"testing"
)

func TestAccountsShareTheTotal(t *testing.T) {
	b := New(100)
	x, y := b.Account("x", 80), b.Account("y", 80)
	if !x.TryAcquire(80) || x.TryAcquire(1) {
		t.Fatal("x must get its limit and no more")
	}
	if y.TryAcquire(21) || !y.TryAcquire(20) {
		t.Fatal("y must get what x leaves of the total and no more")
	}
	x.Release(80)
	if !y.TryAcquire(60) || y.Used() != 80 || x.Used() != 0 {
		t.Fatalf("after x gave back: x holds %d, y %d", x.Used(), y.Used())
	}
}

func TestWaitersAreServedInTurn(t *testing.T) {
	b := New(10)
	a := b.Account("a", 10)
	if err := a.Acquire(context.Background(), 10); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() { gone <- a.Acquire(ctx, 9) }()
	waitFor(t, a, 1)
	got := make(chan error, 1)
	go func() { got <- a.Acquire(context.Background(), 4) }()
	waitFor(t, a, 2)
	a.Release(5)
	if a.TryAcquire(1) {
		t.Error("TryAcquire must not pass those who wait")
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up got %v", err)
	}
	if err := <-got; err != nil {
		t.Errorf("the next in turn got %v", err)
	}
	if a.Used() != 9 {
		t.Errorf("%d bytes held, want 9", a.Used())
	}
}

func TestMoreThanTheLimitIsRefusedAtOnce(t *testing.T) {
	a := New(10).Account("a", 5)
	if err := a.Acquire(context.Background(), 6); err == nil {
		t.Error("6 of 5 bytes were granted")
	}
}

// waitFor returns when n acquirers are queued.
func waitFor(t *testing.T, a *Account, n int) {
	t.Helper()
	for {
		a.b.mu.Lock()
		queued := len(a.waiters)
		a.b.mu.Unlock()
		if queued == n {
			return
		}
	}
}
