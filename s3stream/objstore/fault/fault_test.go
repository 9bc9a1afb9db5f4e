package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

func TestAcceptanceWithoutFaults(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return New(mem.New(clock.Wall()), clock.Wall(), nil) },
		storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
}

// Once gives f to the first operation of that name only.
func once(name string, f Fault) Script {
	done := false
	return func(op Op) Fault {
		if done || op.Name != name {
			return Fault{}
		}
		done = true
		return f
	}
}

func TestEachFault(t *testing.T) {
	ctx := context.Background()
	c := clock.NewManual(time.Unix(0, 0))
	inner := mem.New(c)
	s := New(inner, c, nil)
	body := objstore.NewBody([]byte("0123456789"))
	put := func(key string) error { return s.Put(ctx, key, body, objstore.PutOptions{}) }
	there := func(key string) bool {
		_, err := inner.Head(ctx, key)
		return err == nil
	}

	s.SetScript(once("put", Fault{Err: objstore.ErrThrottled}))
	if err := put("a"); !errors.Is(err, objstore.ErrThrottled) || there("a") {
		t.Errorf("Err: %v, object there: %t", err, there("a"))
	}
	s.SetScript(once("put", Fault{LoseAnswer: true}))
	if err := put("a"); !errors.Is(err, objstore.ErrUnavailable) || !there("a") {
		t.Errorf("LoseAnswer: %v, object there: %t", err, there("a"))
	}
	s.SetScript(once("get", Fault{Truncate: true}))
	dst := make([]byte, 10)
	if n, err := s.GetRange(ctx, "a", 0, dst); n != 5 || !errors.Is(err, objstore.ErrUnavailable) || string(dst[:n]) != "01234" {
		t.Errorf("Truncate: %d, %v", n, err)
	}
	s.SetScript(once("list", Fault{Stale: true}))
	if err := put("b"); err != nil {
		t.Fatal(err)
	}
	if entries, err := s.List(ctx, "", "", 10); err != nil || len(entries) != 1 || entries[0].Key != "a" {
		t.Errorf("Stale: %v, %v", entries, err)
	}
	s.SetScript(once("put", Fault{Hang: true}))
	ending, cancel := context.WithCancel(ctx)
	c.AfterFunc(time.Second, cancel)
	go c.Advance(time.Second)
	if err := s.Put(ending, "c", body, objstore.PutOptions{}); !errors.Is(err, context.Canceled) || there("c") {
		t.Errorf("Hang: %v, object there: %t", err, there("c"))
	}
	s.SetScript(nil)
	s.Down(true)
	if _, err := s.Head(ctx, "a"); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("Down: %v", err)
	}
	s.Down(false)
	if _, err := s.Head(ctx, "a"); err != nil {
		t.Errorf("up again: %v", err)
	}
	if s.Operations() != 8 {
		t.Errorf("Operations = %d", s.Operations())
	}
}

func TestSeededRepeatsItself(t *testing.T) {
	rates := Rates{Unavailable: 0.2, Throttled: 0.1, Hang: 0.1, LoseAnswer: 0.2, Truncate: 0.2, Stale: 0.2}
	a, b := Seeded(rand.New(rand.NewPCG(7, 7)), rates), Seeded(rand.New(rand.NewPCG(7, 7)), rates)
	seen := map[string]int{}
	for i := range 1000 {
		op := Op{Name: []string{"put", "get", "list"}[i%3], N: i}
		fa, fb := a(op), b(op)
		if fa != fb {
			t.Fatalf("operation %d: %+v and %+v from the same seed", i, fa, fb)
		}
		if fa.Truncate && op.Name != "get" || fa.Stale && op.Name != "list" {
			t.Fatalf("%s got %+v", op.Name, fa)
		}
		switch {
		case fa.Err != nil:
			seen[fa.Err.Error()]++
		case fa.Hang:
			seen["hang"]++
		case fa.LoseAnswer:
			seen["lost"]++
		case fa.Truncate:
			seen["truncate"]++
		case fa.Stale:
			seen["stale"]++
		}
	}
	if len(seen) != 6 {
		t.Errorf("of six faults only these happened: %v", seen)
	}
}
