package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// insist asks again where the store says that somebody else is not done yet.
func insist(op func() error) error {
	err := op()
	for n := 0; n < 100 && errors.Is(err, objstore.ErrConflict); n++ {
		err = op()
	}
	return err
}

// testPutIfAbsentOneWinner races 16 writers of one key, twice: in the second
// race the object is there already.
func testPutIfAbsentOneWinner(t *testing.T, s objstore.Store) {
	const racers = 16
	ctx := testContext(t)
	var winner []byte
	for race := range 2 {
		var wg sync.WaitGroup
		errs := make([]error, racers)
		for i := range racers {
			wg.Go(func() {
				body := objstore.NewBody(fmt.Appendf(nil, "race %d racer %d", race, i))
				errs[i] = insist(func() error {
					return s.Put(ctx, "deep/er/prize", body, objstore.PutOptions{IfNoneMatch: true})
				})
			})
		}
		wg.Wait()
		wins := 0
		for i, err := range errs {
			if err == nil {
				wins++
				winner = fmt.Appendf(nil, "race %d racer %d", race, i)
				continue
			}
			mustBe(t, err, objstore.ErrPreconditionFailed, "put", "deep/er/prize")
			if objstore.Retriable(err) {
				t.Errorf("%v is retriable", err)
			}
		}
		if wins != 1-race {
			t.Errorf("race %d: %d of %d won, want %d", race, wins, racers, 1-race)
		}
	}
	mustHold(t, s, "deep/er/prize", winner)
}

func testCompleteIfAbsent(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	absent := objstore.PutOptions{IfNoneMatch: true}
	first, second := mustCreate(t, s, "m", absent), mustCreate(t, s, "m", absent)
	mustUpload(t, first, 1, []byte("first"))
	mustUpload(t, second, 1, []byte("second"))
	if err := first.Complete(ctx); err != nil {
		t.Fatal(err)
	}
	mustBe(t, second.Complete(ctx), objstore.ErrPreconditionFailed, "complete", "m")
	if err := second.Abort(ctx); err != nil {
		t.Error(err)
	}
	mustHold(t, s, "m", []byte("first"))
	unconditional := mustCreate(t, s, "m", objstore.PutOptions{})
	mustUpload(t, unconditional, 1, []byte("third"))
	if err := unconditional.Complete(ctx); err != nil {
		t.Fatal(err)
	}
	mustHold(t, s, "m", []byte("third"))
}

// testConcurrent uses one store from many goroutines, each with keys of its
// own below common folders that come and go.
func testConcurrent(t *testing.T, s objstore.Store) {
	const workers, rounds = 8, 5
	ctx := testContext(t)
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for round := range rounds {
				if errs[w] = oneRound(t, s, fmt.Sprintf("c/%d/%d", round, w), content(w, 10_000+w)); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for w, err := range errs {
		if err != nil {
			t.Errorf("worker %d: %v", w, err)
		}
	}
	if left, err := s.List(ctx, "", "", 10); err != nil || len(left) != 0 {
		t.Errorf("List at the end = %v, %v; want nothing", left, err)
	}
}

func oneRound(t *testing.T, s objstore.Store, key string, p []byte) error {
	ctx := testContext(t)
	err := insist(func() error { return s.Put(ctx, key, objstore.NewBody(p), objstore.PutOptions{}) })
	if err != nil {
		return err
	}
	got := make([]byte, len(p))
	if _, err := s.GetRange(ctx, key, 0, got); err != nil {
		return err
	}
	if !bytes.Equal(got, p) {
		return fmt.Errorf("%s holds other bytes than were put", key)
	}
	entries, err := s.List(ctx, key, "", 1)
	if err != nil {
		return err
	}
	if len(entries) != 1 {
		return fmt.Errorf("%s is not listed", key)
	}
	return insist(func() error { return s.Delete(ctx, key) })
}

// testProbe demands that Probe finds exactly what the store is known to do and
// leaves nothing behind.
func testProbe(t *testing.T, s objstore.Store, expect Expect) {
	ctx := testContext(t)
	got, err := Probe(ctx, s, "probe/1")
	if err != nil {
		t.Fatal(err)
	}
	want := Capabilities{PutIfAbsent: expect.PutIfAbsent, Multipart: true, CompleteIfAbsent: expect.CompleteIfAbsent}
	if got != want {
		t.Errorf("Probe found %v, want %v", got, want)
	}
	if left, err := s.List(ctx, "", "", 10); err != nil || len(left) != 0 {
		t.Errorf("Probe left %v (%v)", left, err)
	}
}
