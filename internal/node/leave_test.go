package node

import (
	"sync"
	"testing"
	"time"
)

// TestAllLeaveAtOnce: all nodes of a cluster are stopped at once, the object
// store being there or not. None waits for the others for long; what they leave
// in their logs is there at the next start.
func TestAllLeaveAtOnce(t *testing.T) {
	for _, mode := range []string{"", "500"} {
		t.Run("store "+mode, func(t *testing.T) {
			c, store := sharedWALs(t, map[string]string{"broker.session.timeout.ms": "1000"})
			l := c.topic("t", 6)
			l.produce(20)
			store.mode.Store(mode)
			began := time.Now()
			var leaving sync.WaitGroup
			for i, n := range c.nodes {
				c.nodes[i] = nil
				leaving.Go(func() {
					r, err := n.Drain(deadline(t))
					if err != nil {
						t.Errorf("node %d: %v, %v", i+1, r, err)
					}
				})
			}
			leaving.Wait()
			if took := time.Since(began); took > aloneMax+5*time.Second {
				t.Errorf("all were gone after %v", took)
			}
			store.mode.Store("")
			c.start()
			l.produce(1)
			l.check()
		})
	}
}

// TestTheLastOneLeaves, when the others, and with them the majority of
// controllers, are gone: it waits for nobody, and the cluster goes on with what it
// left.
func TestTheLastOneLeaves(t *testing.T) {
	c, _ := sharedWALs(t, map[string]string{"broker.session.timeout.ms": "1000"})
	l := c.topic("t", 6)
	l.produce(20)
	c.drop(c.nodes[0])
	c.drop(c.nodes[1])
	last := c.nodes[2]
	c.nodes[2] = nil
	began := time.Now()
	r, err := last.Drain(deadline(t))
	if err != nil || r.Uploaded || r.LeftBytes == 0 {
		t.Errorf("drain: %v, %v", r, err)
	}
	if took := time.Since(began); took > silentMax*time.Second+3*time.Second {
		t.Errorf("gone after %v", took)
	}
	c.start()
	l.produce(1)
	l.check()
}
