package server

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// progressive makes keyEcho answer with the length of its body and whether it was
// of the pattern, having read it a piece at a time; awaited is told of each.
func progressive(awaited chan<- int) func(*testHandler) {
	return func(h *testHandler) {
		h.apis[keyEcho].Progressive = true
		h.apis[keyEcho].Serve = func(r *Request) {
			good := true
			for left := len(r.Body); left > 0; {
				from := len(r.Body) - left
				left = max(left-100_000, 0)
				if err := r.Await(left); err != nil {
					if !errors.Is(err, ErrCut) {
						panic(err)
					}
					r.Ticket().Done()
					return
				}
				good = good && bytes.Equal(r.Body[from:len(r.Body)-left], pattern[from:len(r.Body)-left])
				awaited <- len(r.Body) - left
			}
			r.Ticket().Respond(Response{Head: fmt.Appendf(nil, "%d %v", len(r.Body), good)})
		}
	}
}

// pattern is what bodies begin with.
var pattern = func() []byte {
	b := make([]byte, 3<<20)
	for i := range b {
		b[i] = byte(i >> 8)
	}
	return b
}()

func TestProgressiveBodies(t *testing.T) {
	awaited := make(chan int, 1000)
	s := startServer(t, Config{}, progressive(awaited))
	c := s.dial(t)
	sizes := []int{0, 10, progressiveMin - 20, progressiveMin, progressiveMin + 1, 1 << 20, 3 << 20, 5}
	for _, n := range sizes { // behind one another
		c.send(keyEcho, string(pattern[:n]))
	}
	for i, n := range sizes {
		c.want(int32(i+1), fmt.Sprintf("%d true", n))
	}
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// A body is read as far as it has come, and its deadline holds until its end.
func TestProgressiveBodyThatStalls(t *testing.T) {
	awaited := make(chan int, 1000)
	manual := clock.NewManual(time.Unix(1e9, 0))
	s := startServer(t, Config{Clock: manual, FrameMax: 10 * time.Second}, progressive(awaited))
	c := s.dial(t)
	f := frameOf(keyEcho, 0, 1, pattern[:1<<20])
	c.write(f[:500_000])
	for n := 0; n < 400_000; n = <-awaited {
	}
	eventually(t, "the rest to be waited for", func() bool { return s.anyReading() })
	manual.Advance(8 * time.Second)
	c.write(f[500_000:600_000])
	manual.Advance(8 * time.Second)
	c.wantClosed()
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// What comes before a body that is cut short is answered.
func TestProgressiveBodyCutShort(t *testing.T) {
	awaited := make(chan int, 1000)
	s := startServer(t, Config{}, progressive(awaited))
	c := s.dial(t)
	c.send(keyEcho, "")
	c.write(frameOf(keyEcho, 0, 2, pattern[:1<<20])[:700_000])
	c.want(1, "0 true")
	for n := 0; n < 600_000; n = <-awaited {
	}
	_ = c.Close()
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// A handler that leaves some of a body unread does not disturb the next request.
func TestProgressiveBodyLeftUnread(t *testing.T) {
	s := startServer(t, Config{}, func(h *testHandler) {
		h.apis[keyHold].Progressive = true
		h.apis[keyHold].Serve = func(r *Request) { r.Ticket().Respond(Response{Head: []byte("enough")}) }
	})
	c := s.dial(t)
	c.send(keyHold, string(pattern[:1<<20]))
	c.send(keyEcho, "next")
	c.want(1, "enough")
	c.want(2, "next")
}
