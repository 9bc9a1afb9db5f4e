package compare

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/bench/result"
)

// sweep offers each arm more and more, the arms in turn at each load, until it is
// too much for it.
func (c *comparison) sweep(ctx context.Context) error {
	sweeps := make([]result.Sweep, len(c.arms))
	ended := make([]bool, len(c.arms))
	for i := range c.arms {
		sweeps[i].Arm = c.arms[i].spec.Name
	}
	defer func() {
		for i := range sweeps {
			s := &sweeps[i]
			if len(s.Points) > 0 {
				s.Knee, s.KneeWhy = knee(s.Points, c.SweepP99Max)
				c.result.Sweeps = append(c.result.Sweeps, *s)
			}
		}
	}()
	for step, rate := range c.SweepRates {
		for i := range c.arms {
			if ended[i] {
				continue
			}
			ended[i] = !c.offer(ctx, step, rate, &c.arms[i], &sweeps[i])
			if ctx.Err() != nil {
				return ErrInterrupted
			}
		}
	}
	return nil
}

// offerings is how often a load may be too much before it counts as that: once may
// be the machine's doing.
const offerings = 2

// offer gives one arm one load and says whether it carried it.
func (c *comparison) offer(ctx context.Context, step int, rate float64, a *contender, to *result.Sweep) bool {
	s := c.Scenarios[0]
	s.Rate = s.Rate.Scaled(rate)
	name := fmt.Sprintf("%s at %.0f/s", a.spec.Name, rate)
	var point result.SweepStep
	for again := range offerings {
		c.Log("load %d of %d: %s", step+1, len(c.SweepRates), name)
		out, err := c.take(ctx, name, &s, a, c.Seed+uint64(step))
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil && out.round.Fault != "":
			err = errors.New(out.round.Fault)
		}
		if err != nil {
			c.fault(name, err)
			return false
		}
		point = stepOf(rate, out)
		why := overload(&point, c.SweepP99Max)
		if why == "" {
			break
		}
		c.Log("%s: too much, %d of %d times: %s", name, again+1, offerings, why)
	}
	to.Points = append(to.Points, point)
	return overload(&point, c.SweepP99Max) == ""
}

// stepOf is one load of a sweep.
func stepOf(rate float64, out *outcome) result.SweepStep {
	return result.SweepStep{
		Offered: rate, Acked: float64(out.load.WindowAcked) / out.load.Window.Seconds(),
		Ack: out.round.Ack, Saturation: out.round.Saturation, Behind: out.load.Behind() != "",
	}
}
