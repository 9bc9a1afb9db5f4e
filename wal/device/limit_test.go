package device

import (
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// instant is a device that is done at once and notes when.
type instant struct {
	*Memory
	clock *clock.Manual
	at    []time.Time
}

func (d *instant) Submit(op *Op) {
	d.Inline(op)
	op.Done(op)
}

func (d *instant) Inline(op *Op) bool {
	d.at = append(d.at, d.clock.Now())
	return d.Memory.Inline(op)
}

func limited(caps Caps) (Device, *instant) {
	c := clock.NewManual(time.Unix(1000, 0))
	d := &instant{Memory: NewMemory(4 << 20), clock: c}
	return Limit(d, c, caps), d
}

// run submits n writes of so many bytes and lets time pass until all are done.
func run(t *testing.T, l Device, d *instant, n, bytes int) time.Duration {
	t.Helper()
	began := d.clock.Now()
	done := 0
	for range n {
		l.Submit(&Op{Kind: Write, Bufs: [][]byte{make([]byte, bytes)}, Done: func(op *Op) {
			if op.Err != nil {
				t.Error(op.Err)
			}
			done++
		}})
	}
	for done < n {
		next, ok := d.clock.Next()
		if !ok {
			t.Fatalf("%d of %d done and nothing to wait for", done, n)
		}
		d.clock.Advance(next.Sub(d.clock.Now()))
	}
	return d.clock.Now().Sub(began)
}

func TestLimitHoldsRates(t *testing.T) {
	for name, c := range map[string]struct {
		caps     Caps
		n, bytes int
		want     time.Duration
	}{
		"operations":             {Caps{OpsPerSecond: 1000}, 500, 4096, 500 * time.Millisecond},
		"bytes":                  {Caps{BytesPerSecond: 100 << 20}, 50, 1 << 20, 500 * time.Millisecond},
		"large ones count often": {Caps{OpsPerSecond: 1000}, 100, 1 << 20, 400 * time.Millisecond},
		"the tighter of both":    {Caps{OpsPerSecond: 1000, BytesPerSecond: 1 << 20}, 100, 10240, 976 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			l, d := limited(c.caps)
			took := run(t, l, d, c.n, c.bytes)
			if took > c.want || took < c.want-3*burst {
				t.Fatalf("took %s, want about %s", took, c.want)
			}
		})
	}
}

func TestLimitInline(t *testing.T) {
	l, d := limited(Caps{OpsPerSecond: 100}) // 10 ms each
	op := func() *Op { return &Op{Kind: Write, Bufs: [][]byte{make([]byte, 512)}} }
	for range 2 {
		if !l.Inline(op()) {
			t.Fatal("an idle device refused the burst")
		}
	}
	if l.Inline(op()) {
		t.Fatal("inline out of turn")
	}
	if len(d.at) != 2 {
		t.Fatalf("%d writes reached the device", len(d.at))
	}
	d.clock.Advance(20 * time.Millisecond)
	if !l.Inline(op()) {
		t.Fatal("refused in its turn")
	}
}

func TestNoCapsIsNoLimit(t *testing.T) {
	m := NewMemory(4096)
	if Limit(m, clock.Wall(), Caps{}) != Device(m) {
		t.Fatal("wrapped for nothing")
	}
}
