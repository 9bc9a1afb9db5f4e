package objstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/fault"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
)

// bed is a Retry over a faulty memory store. Tests run in a synctest bubble,
// where back-off and time-outs take no time and exactly as long as they say.
type bed struct {
	inner  *mem.Store
	faults *fault.Store
	*objstore.Retry
}

// inBed runs a test with a bed whose faults come from script. Its waits are as
// long as the bounds allow.
func inBed(t *testing.T, o objstore.RetryOptions, script fault.Script, test func(t *testing.T, b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{inner: mem.New(clock.Wall())}
		b.faults = fault.New(b.inner, clock.Wall(), script)
		b.Retry = objstore.NewRetry(b.faults, clock.Wall(), func(n int64) int64 { return n - 1 }, o)
		test(t, b)
	})
}

// sequence gives its faults to operations of a name, one after another.
func sequence(name string, faults ...fault.Fault) fault.Script {
	return func(op fault.Op) fault.Fault {
		if op.Name != name || len(faults) == 0 {
			return fault.Fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
}

var (
	ctx       = context.Background()
	ifAbsent  = objstore.PutOptions{IfNoneMatch: true}
	lost      = fault.Fault{LoseAnswer: true}
	failed    = fault.Fault{Err: objstore.ErrUnavailable}
	throttled = fault.Fault{Err: objstore.ErrThrottled}
	conflict  = fault.Fault{Err: objstore.ErrConflict}
	hangs     = fault.Fault{Hang: true}
	content   = objstore.NewBody([]byte("content"))
	other     = objstore.NewBody([]byte("CONTENT"))
)

func TestRetryRecoversWithinItsBounds(t *testing.T) {
	o := objstore.RetryOptions{Attempts: 5, BackoffMin: time.Second, BackoffMax: 3 * time.Second}
	inBed(t, o, sequence("put", failed, throttled, hangs, conflict), func(t *testing.T, b *bed) {
		start := time.Now()
		if err := b.Put(ctx, "k", content, ifAbsent); err != nil {
			t.Fatal(err)
		}
		// 1 + 2 + 3 + 3 s of waiting and one attempt of 30 s that hung.
		if took := time.Since(start); took != 39*time.Second {
			t.Errorf("took %v, want 39s", took)
		}
	})
}

func TestRetryGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		o        objstore.RetryOptions
		faults   []fault.Fault
		attempts int
		says     string
	}{
		"attempts": {objstore.RetryOptions{Attempts: 3}, slices.Repeat([]fault.Fault{failed}, 9), 3, "gave up after 3 attempts"},
		"total": {objstore.RetryOptions{Attempts: 99, Total: 10 * time.Second, BackoffMin: 4 * time.Second, BackoffMax: 4 * time.Second},
			slices.Repeat([]fault.Fault{failed}, 9), 3, "in 8s"},
		"hung for the total": {objstore.RetryOptions{Total: 45 * time.Second}, slices.Repeat([]fault.Fault{hangs}, 9), 2, "no answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, c.o, sequence("head", c.faults...), func(t *testing.T, b *bed) {
				start := time.Now()
				_, err := b.Head(ctx, "k")
				if !errors.Is(err, objstore.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want ErrUnavailable that says %q", err, c.says)
				}
				if n := b.faults.Operations(); n != c.attempts {
					t.Errorf("%d attempts, want %d", n, c.attempts)
				}
				if took := time.Since(start); c.o.Total > 0 && took > c.o.Total {
					t.Errorf("took %v, more than %v", took, c.o.Total)
				}
			})
		})
	}
}

func TestRetryDoesNotRepeatWhatIsFinal(t *testing.T) {
	for _, kind := range []error{objstore.ErrNotFound, objstore.ErrDenied, objstore.ErrInvalid, io.EOF} {
		inBed(t, objstore.RetryOptions{}, sequence("get", fault.Fault{Err: kind}), func(t *testing.T, b *bed) {
			if _, err := b.GetRange(ctx, "k", 0, make([]byte, 1)); !errors.Is(err, kind) || b.faults.Operations() != 1 {
				t.Errorf("%v after %d attempts, want %v after one", err, b.faults.Operations(), kind)
			}
		})
	}
}

func TestRetryHonoursItsContext(t *testing.T) {
	inBed(t, objstore.RetryOptions{}, sequence("head", hangs, hangs), func(t *testing.T, b *bed) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		start := time.Now()
		if _, err := b.Head(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || objstore.Retriable(err) {
			t.Errorf("got %v, want the context's error", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestRetryRecognisesALostWrite(t *testing.T) {
	many := slices.Repeat([]fault.Fault{failed}, 9)
	for name, c := range map[string]struct {
		before *objstore.Body // there already
		faults []fault.Fault
		want   error
	}{
		"done, answer lost":                      {nil, []fault.Fault{lost}, nil},
		"done, answer lost, then down":           {nil, append([]fault.Fault{lost}, many...), nil},
		"not done, then done":                    {nil, []fault.Fault{failed}, nil},
		"never done":                             {nil, many, objstore.ErrUnavailable},
		"somebody else's was there":              {&other, []fault.Fault{failed}, objstore.ErrPreconditionFailed},
		"the same was there before any attempt":  {&content, nil, objstore.ErrPreconditionFailed},
		"the same was there, refused for sure":   {&content, []fault.Fault{conflict}, objstore.ErrPreconditionFailed},
		"hung after it was done":                 {nil, []fault.Fault{{LoseAnswer: true, Delay: time.Second}}, nil},
		"somebody else's was there, answer lost": {&other, []fault.Fault{lost}, objstore.ErrPreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, objstore.RetryOptions{Attempts: 4}, sequence("put", c.faults...), func(t *testing.T, b *bed) {
				if c.before != nil {
					if err := b.inner.Put(ctx, "k", *c.before, ifAbsent); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Put(ctx, "k", content, ifAbsent); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestRetryRecognisesALostCompletion(t *testing.T) {
	for name, faults := range map[string][]fault.Fault{
		"answer lost":            {lost},
		"answer lost, then down": append([]fault.Fault{lost}, slices.Repeat([]fault.Fault{failed}, 9)...),
		"failed first":           {failed, throttled},
	} {
		for _, opts := range []objstore.PutOptions{{}, ifAbsent} {
			t.Run(fmt.Sprintf("%s, %+v", name, opts), func(t *testing.T) {
				inBed(t, objstore.RetryOptions{Attempts: 4}, sequence("complete", faults...), func(t *testing.T, b *bed) {
					u := begin(t, b, opts)
					if err := u.Complete(ctx); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
	inBed(t, objstore.RetryOptions{Attempts: 4}, sequence("complete", failed), func(t *testing.T, b *bed) {
		u := begin(t, b, objstore.PutOptions{})
		if _, err := b.inner.AbortUploads(ctx, "", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := u.Complete(ctx); !errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("an upload that was given up: got %v, want ErrNotFound", err)
		}
	})
}

// A beginning whose answer was lost leaves a second upload, of which nothing
// stays once the known one has ended.
func TestRetryGivesUpTheUploadItDidNotHearOf(t *testing.T) {
	for name, end := range map[string]func(objstore.Upload) error{
		"completed": func(u objstore.Upload) error { return u.Complete(ctx) },
		"aborted":   func(u objstore.Upload) error { return u.Abort(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, objstore.RetryOptions{Attempts: 4}, sequence("create", lost), func(t *testing.T, b *bed) {
				if err := end(begin(t, b, objstore.PutOptions{})); err != nil {
					t.Fatal(err)
				}
				if n, err := b.inner.AbortUploads(ctx, "", time.Now().Add(time.Hour)); n != 0 || err != nil {
					t.Errorf("%d uploads are left, %v", n, err)
				}
			})
		})
	}
}

// begin makes an upload of two parts.
func begin(t *testing.T, b *bed, opts objstore.PutOptions) objstore.Upload {
	t.Helper()
	u, err := b.CreateMultipart(ctx, "k", opts)
	if err != nil {
		t.Fatal(err)
	}
	for n, body := range map[int]objstore.Body{1: content, 2: other} {
		if err := u.UploadPart(ctx, n, body); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func TestRetryGoesOnWhereAReadBrokeOff(t *testing.T) {
	inBed(t, objstore.RetryOptions{}, sequence("get", fault.Fault{Truncate: true}, fault.Fault{Truncate: true}), func(t *testing.T, b *bed) {
		if err := b.Put(ctx, "k", content, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, 7)
		if n, err := b.GetRange(ctx, "k", 0, dst); n != 7 || err != nil || string(dst) != "content" {
			t.Errorf("GetRange = %d, %v, %q", n, err, dst)
		}
	})
}

// Under any mix of faults a write that reports success is there, whole, and
// what is read is what was written.
func TestRetryUnderRandomFaults(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		rates := fault.Rates{Unavailable: 0.15, Throttled: 0.1, Hang: 0.05, LoseAnswer: 0.2, Truncate: 0.2}
		inBed(t, objstore.RetryOptions{Attempts: 6}, fault.Seeded(rng, rates), func(t *testing.T, b *bed) {
			for i := range 50 {
				key := fmt.Sprintf("k%d", i)
				body := objstore.NewBody(fmt.Appendf(nil, "content of %d", i))
				if err := b.Put(ctx, key, body, ifAbsent); err != nil {
					if !objstore.Retriable(err) {
						t.Errorf("seed %d: a write of a fresh key failed for good: %v", seed, err)
					}
					continue
				}
				got := make([]byte, body.Size)
				if _, err := b.inner.GetRange(ctx, key, 0, got); err != nil || string(got) != string(body.Parts[0]) {
					t.Errorf("seed %d: %s was acknowledged; it holds %q (%v)", seed, key, got, err)
				}
				if _, err := b.GetRange(ctx, key, 0, got); err == nil && string(got) != string(body.Parts[0]) {
					t.Errorf("seed %d: read %q", seed, got)
				}
			}
		})
	}
}
