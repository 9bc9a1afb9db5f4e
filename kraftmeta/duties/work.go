package duties

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/kraftmeta/lease"
)

// worker does the duties of one controller, in one goroutine.
type worker struct {
	*Duties
	issuer   ids.UUID
	sequence uint64
	asleep   bool          // it has looked before in this term, and then went to sleep
	looked   time.Duration // when it last did
	balanced time.Duration // when it last evened out load
	// outOfReach are the WALs that people were told nobody reaches.
	outOfReach map[ids.WALInstance]bool
}

func newWorker(d *Duties, issuer ids.UUID) *worker {
	return &worker{Duties: d, issuer: issuer, outOfReach: map[ids.WALInstance]bool{}}
}

// lookEvery is the least part of a session after which the worker looks at the
// leases, whatever happens.
const lookEvery = 4

// work does what there is to do, and returns after how long to look again.
func (w *worker) work(ctx context.Context) time.Duration {
	w.noticeSleep()
	for ctx.Err() == nil {
		img := w.cfg.Controller.Image()
		w.mu.Lock()
		s := w.situation(img)
		todo := s.next()
		w.fencing = fencedBy(todo)
		if todo == nil {
			todo = w.even(&s)
		}
		w.mu.Unlock()
		if todo == nil {
			w.tellReach(img)
		}
		if todo == nil || !w.do(ctx, todo) {
			break
		}
	}
	return w.pause()
}

// fencedBy are the nodes whose epochs commands end.
func fencedBy(cmds []image.Command) map[ids.NodeID]ids.NodeEpoch {
	out := map[ids.NodeID]ids.NodeEpoch{}
	for _, cmd := range cmds {
		if f, ok := cmd.(*image.FenceNode); ok {
			out[f.Node] = f.Epoch
		}
	}
	return out
}

// noticeSleep begins all leases anew when this controller itself slept: while
// it was paused it heard nobody, which says nothing about them.
func (w *worker) noticeSleep() {
	slept := w.now() - w.looked
	if w.asleep && slept > w.cfg.Session/lookEvery+w.cfg.Session/2 {
		w.cfg.Log.Warn("the controller was paused: all leases begin anew", "for", slept)
		w.mu.Lock()
		w.leases = lease.New(w.cfg.Session)
		w.mu.Unlock()
	}
}

// pause is the time until the next lease ends, at most a part of a session.
func (w *worker) pause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	w.asleep, w.looked = true, now
	pause := w.cfg.Session / lookEvery
	if at, ok := w.leases.Next(w.cfg.Controller.Image(), now); ok {
		pause = min(pause, at-now)
	}
	return pause
}

// even plans moves when it is time to.
func (w *worker) even(s *situation) []image.Command {
	b := &w.cfg.Balance
	if !b.Enabled || s.now-w.balanced < b.Interval {
		return nil
	}
	w.balanced = s.now
	cmd := new(image.SetLeaders)
	for _, m := range balance.Plan(s.img, s.loads, b.Options) {
		w.cfg.Log.Info("moving a partition", "topic", m.Topic.String(), "partition", m.Index, "from", m.From, "to", m.To, "why", m.Why)
		cmd.Partitions = append(cmd.Partitions, m.Leader())
	}
	if len(cmd.Partitions) == 0 {
		return nil
	}
	return []image.Command{cmd}
}

// do submits commands in order. It returns false when one could not be: the
// worker then looks again later, perhaps at another term.
func (w *worker) do(ctx context.Context, cmds []image.Command) bool {
	for _, cmd := range cmds {
		w.sequence++
		answer, err := w.cfg.Controller.Submit(ctx, &image.Request{
			ID: image.CommandID{Issuer: w.issuer, Sequence: w.sequence}, AckedBelow: w.sequence, Command: cmd,
		})
		if err != nil {
			w.cfg.Log.Info("a duty is put off", "command", cmd.CommandKind().String(), "error", err)
			return false
		}
		w.report(cmd, answer)
	}
	return true
}

// report logs what matters to people.
func (w *worker) report(cmd image.Command, answer *image.Answer) {
	if answer.Refusal != nil {
		w.cfg.Log.Info("a duty was refused", "command", cmd.CommandKind().String(), "reason", answer.Refusal.Error())
		return
	}
	switch cmd := cmd.(type) {
	case *image.FenceNode:
		w.cfg.Log.Warn("node fenced: it was silent for a whole session",
			"node", cmd.Node, "epoch", uint64(cmd.Epoch), "rescuers", len(cmd.Rescuers))
	case *image.AssignRescuers:
		for _, r := range cmd.Rescuers {
			w.cfg.Log.Info("rescuer named", "wal", r.Instance.Hex(), "rescuer", r.Rescuer)
		}
	case *image.SetLeaders:
		w.cfg.Log.Info("leaders given", "partitions", len(cmd.Partitions))
	}
}
