package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

// lateMax is how late a record may be sent without that counting as the
// broker's: timers and the scheduler of a busy machine are late by as much.
// Beyond it, the producer was held back by unanswered records.
const lateMax = 5 * time.Millisecond

// produce sends one producer's values until the load ends or its client gives up.
func (l *Load) produce(cl *kgo.Client, producer int) {
	key := []byte(strconv.Itoa(producer))
	pace := pacer{interval: interval(l.cfg.Rate)}
	for seq := int64(0); ; seq++ {
		if !l.waitResumed() {
			return
		}
		due, ok := pace.wait(l.ctx.Done())
		if !ok {
			return
		}
		v := history.Value{Producer: producer, Seq: seq}
		partition := int32((int64(producer) + seq) % int64(l.cfg.Partitions))
		if !l.beginSend(v, partition) {
			seq-- // paused meanwhile: this one comes after
			continue
		}
		sent := time.Now()
		r := &kgo.Record{Topic: l.cfg.Topic, Partition: partition, Key: key, Value: payload(v, l.cfg.ValueBytes)}
		cl.Produce(l.ctx, r, func(r *kgo.Record, err error) { l.answered(v, r, err, due, sent) })
		l.mu.Lock()
		l.sending--
		l.mu.Unlock()
	}
}

// beginSend notes that a value is about to be given to its client, unless the
// producers are paused.
func (l *Load) beginSend(v history.Value, partition int32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !closed(l.resume) {
		return false
	}
	l.history.Sent(v, partition)
	l.sending++
	return true
}

// awaitSends waits until no producer is about to give its client a record.
func (l *Load) awaitSends(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.Lock()
		sending := l.sending
		l.mu.Unlock()
		if sending == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *Load) waitResumed() bool {
	l.mu.Lock()
	resume := l.resume
	l.mu.Unlock()
	select {
	case <-resume:
		return true
	default:
	}
	select {
	case <-resume:
		return true
	case <-l.ctx.Done():
		return false
	}
}

func (l *Load) answered(v history.Value, r *kgo.Record, err error, due, sent time.Time) {
	if err != nil {
		if l.ctx.Err() == nil && !errors.Is(err, kgo.ErrClientClosed) {
			l.problem(fmt.Errorf("producing value %v: %w", v, err))
		}
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history.Acked(v, history.Position{Partition: r.Partition, Offset: r.Offset})
	_ = l.latency.RecordValue(max(1, now.Sub(due).Microseconds())) // out of its range only past ten minutes
	l.lastAck = now
	if l.cfg.OnAck != nil {
		l.cfg.OnAck(Ack{r.Partition, sent, now})
	}
	if l.waiting {
		l.waiting = false
		close(l.acked)
		l.acked = make(chan struct{})
	}
}

// pacer says when each record is due.
type pacer struct {
	interval time.Duration // 0: at once
	next     time.Time
}

func interval(rate int) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Second / time.Duration(rate)
}

// pauseMax is how far a pacer falls behind before it gives up what it missed:
// after a pause the broker is not hit by all of it at once.
const pauseMax = time.Second

// wait sleeps until the next record is due and returns the moment from which
// its latency counts; false when done closes first.
func (p *pacer) wait(done <-chan struct{}) (time.Time, bool) {
	now := time.Now()
	if p.interval == 0 {
		return now, !closed(done)
	}
	if behind := now.Sub(p.next); behind > pauseMax {
		p.next = now
	}
	due := p.next
	p.next = p.next.Add(p.interval)
	if early := due.Sub(now); early > 0 {
		timer := time.NewTimer(early)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-done:
			return now, false
		}
		now = time.Now()
	}
	if now.Sub(due) < lateMax {
		return now, !closed(done)
	}
	return due, !closed(done)
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
