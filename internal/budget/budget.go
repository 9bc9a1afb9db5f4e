// Package budget is the owner of invariant I9: every queue and cache of a
// process draws its bytes from one Budget.
//
// Owns: the count of bytes by account and who waits for them. Does not own:
// the memory itself, nor what an account does when it is refused.
// Goroutines: none. Locks: one mutex a Budget, a leaf: nothing is called
// under it.
package budget

import (
	"context"
	"fmt"
	"sync"
)

// Budget is a bound in bytes shared by accounts, each with a bound of its own.
type Budget struct {
	mu       sync.Mutex
	total    int64
	used     int64
	accounts []*Account
}

// Account is one user's share: it is bounded by its own limit and by what the
// other accounts leave of the total.
type Account struct {
	b       *Budget
	name    string
	limit   int64
	used    int64
	waiters []*waiter // first come, first served
}

type waiter struct {
	n     int64
	ready chan struct{}
}

// New makes a budget of total bytes.
func New(total int64) *Budget { return &Budget{total: total} }

// Account opens an account of at most limit bytes. The sum of limits may pass
// the total: then accounts compete.
func (b *Budget) Account(name string, limit int64) *Account {
	a := &Account{b: b, name: name, limit: min(limit, b.total)}
	b.mu.Lock()
	b.accounts = append(b.accounts, a)
	b.mu.Unlock()
	return a
}

// Usage calls f with the name, used and limit bytes of every account.
func (b *Budget) Usage(f func(name string, used, limit int64)) {
	b.mu.Lock()
	accounts := b.accounts
	b.mu.Unlock()
	for _, a := range accounts {
		f(a.name, a.Used(), a.limit)
	}
}

// TryAcquire takes n bytes if they are free and nobody waits for them.
func (a *Account) TryAcquire(n int64) bool {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return len(a.waiters) == 0 && a.take(n)
}

// Acquire takes n bytes, waiting its turn until they are free or ctx is done.
// More than the account's limit can never be had and is refused at once.
func (a *Account) Acquire(ctx context.Context, n int64) error {
	a.b.mu.Lock()
	if n > a.limit {
		a.b.mu.Unlock()
		return fmt.Errorf("budget %s: %d bytes asked, limit is %d", a.name, n, a.limit)
	}
	if len(a.waiters) == 0 && a.take(n) {
		a.b.mu.Unlock()
		return nil
	}
	w := &waiter{n: n, ready: make(chan struct{})}
	a.waiters = append(a.waiters, w)
	a.b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return a.abandon(w, ctx.Err())
	}
}

// abandon leaves the queue; bytes granted meanwhile are given back.
func (a *Account) abandon(w *waiter, cause error) error {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	select {
	case <-w.ready:
		a.give(w.n)
	default:
		for i, x := range a.waiters {
			if x == w {
				a.waiters = append(a.waiters[:i], a.waiters[i+1:]...)
				break
			}
		}
	}
	a.b.wake()
	return fmt.Errorf("budget %s: waiting for %d bytes: %w", a.name, w.n, cause)
}

// Release gives back n bytes that were acquired.
func (a *Account) Release(n int64) {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	a.give(n)
	a.b.wake()
}

// Used is how many bytes the account holds.
func (a *Account) Used() int64 {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return a.used
}

// Limit is the account's own bound in bytes.
func (a *Account) Limit() int64 { return a.limit }

func (a *Account) take(n int64) bool {
	if a.used+n > a.limit || a.b.used+n > a.b.total {
		return false
	}
	a.used += n
	a.b.used += n
	return true
}

func (a *Account) give(n int64) {
	if n > a.used {
		panic(fmt.Sprintf("budget %s: %d bytes released, %d held", a.name, n, a.used))
	}
	a.used -= n
	a.b.used -= n
}

// wake grants what is free, in the order of the accounts, which is the order
// in which work gives way: the first opened account is served first.
func (b *Budget) wake() {
	for _, a := range b.accounts {
		for len(a.waiters) > 0 && a.take(a.waiters[0].n) {
			close(a.waiters[0].ready)
			a.waiters = a.waiters[1:]
		}
	}
}
