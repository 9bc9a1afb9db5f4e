package main

import (
	"math/rand/v2"
	"testing"

	"github.com/seawallmq/seawall/conformance/toxic"
)

func TestFaultsComeInTurn(t *testing.T) {
	x := &faults{rig: &rig{random: rand.New(rand.NewPCG(1, 0))}}
	const turns = 100
	away := 0
	for n := range turns * len(faultKinds) {
		f := x.newFault(n + 1)
		g := f.gate
		if sum := g.Cut + g.Error + g.Lost + g.Late; sum > 1 || (sum > 0) == (f.proxy != toxic.Pass) {
			t.Errorf("%+v: a fault is the proxy's or the gate's, for some of the requests", f)
		}
		if g.Late > 0 && g.Delay < faultMin {
			t.Errorf("%+v: late by nothing", f)
		}
		// What the server does, it has done: such records may be acknowledged.
		if f.away() {
			away++
			if g.Lost+g.Late > 0 {
				t.Errorf("%+v: the store is not away", f)
			}
		}
	}
	// Three kinds always, two where all requests are struck.
	if away <= 3*turns || away >= 5*turns {
		t.Errorf("the store was away %d times in %d turns", away, turns)
	}
}
