package compare

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/bench/result"
)

// sweep offers each arm more and more, the arms in turn at each load, until it is
// too much for it.
func (c *comparison) sweep(ctx context.Context) error {
	base := c.Scenarios[0]
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
			s := base
			s.Rate = s.Rate.Scaled(rate)
			name := fmt.Sprintf("%s at %.0f/s", c.arms[i].spec.Name, rate)
			c.Log("load %d of %d: %s", step+1, len(c.SweepRates), name)
			out, err := c.take(ctx, name, &s, &c.arms[i], c.Seed+uint64(step))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				c.fault(name, err)
				ended[i] = true
				continue
			}
			point := stepOf(rate, out)
			sweeps[i].Points = append(sweeps[i].Points, point)
			if why := overload(&point, c.SweepP99Max); why != "" {
				c.Log("%s: too much: %s", name, why)
				ended[i] = true
			}
			if out.round.Fault != "" {
				c.fault(name, fmt.Errorf("%s", out.round.Fault))
			}
		}
	}
	return nil
}

// stepOf is one load of a sweep.
func stepOf(rate float64, out *outcome) result.SweepStep {
	return result.SweepStep{
		Offered: rate, Acked: float64(out.load.WindowAcked) / out.load.Window.Seconds(),
		Ack: out.round.Ack, Saturation: out.round.Saturation,
	}
}
