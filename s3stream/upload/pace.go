package upload

import (
	"math"
	"time"
)

// pace works out how fast a generation is to be uploaded: so fast that it is
// committed when the next one is due, and no faster, so that appends have the
// device, the link and the processor to themselves as far as can be. It is a
// follower of the append rate, with headroom; the un-trimmed bytes are its
// brake the other way: near their bound nothing is held back any more.
type pace struct {
	t Triggers

	at       time.Time
	appended int64   // at that time
	rate     float64 // of appends, smoothed, bytes a second
	due      int64   // bytes sealed and not committed, at the last seal
}

const (
	// paceShare of the time until the next generation is due is what an upload
	// takes: the rest is headroom for a store that has slow moments.
	paceShare = 0.8
	// paceFalling and paceRising are the times in which two thirds of a change of
	// the append rate are believed. A rise that is believed late leaves behind it,
	// at the beginning of every burst, memory for as much as the burst brings.
	paceFalling = 3 * time.Second
	paceRising  = paceFalling / 10
	// paceIntervalMax stands for the age trigger where that is off or rare.
	paceIntervalMax = time.Minute
	// paceMin disturbs no device, and keeps a rate that was worked out of
	// almost nothing from standing in anybody's way.
	paceMin = 4 << 20
)

// observe takes note of what was appended until now.
func (p *pace) observe(now time.Time, appended int64) {
	took := now.Sub(p.at)
	if p.at.IsZero() {
		p.at, p.appended = now, appended
		return
	}
	if took <= 0 {
		return
	}
	change, smoothing := float64(appended-p.appended)/took.Seconds()-p.rate, paceFalling
	if change > 0 {
		smoothing = paceRising
	}
	p.rate += change * (1 - math.Exp(-float64(took)/float64(smoothing)))
	p.at, p.appended = now, appended
}

// bytesPerSecond is how fast uploads are to go now; +Inf is without a bound.
func (p *pace) bytesPerSecond(l Load) float64 {
	due := max(p.due, l.Ahead)
	period := paceIntervalMax.Seconds()
	if p.t.Interval > 0 {
		period = min(period, p.t.Interval.Seconds())
	}
	if most := p.t.SealBytes(); most > 0 && p.rate > 0 {
		period = min(period, float64(most)/p.rate)
	}
	if bound := p.t.boundBytes(l.Capacity); bound > 0 {
		// Instances that were kept may take their room on the same device: then
		// it can be full long before this one has much.
		fill := p.t.fillBytes(l.Capacity)
		if l.Untrimmed >= bound || fill > 0 && l.Untrimmed+l.Ahead >= fill {
			return math.Inf(1)
		}
		if p.rate > 0 {
			period = min(period, max(float64(bound-due), 0)/p.rate)
		}
	}
	if period == 0 {
		return math.Inf(1)
	}
	return max(paceMin, float64(due)/(paceShare*period))
}
