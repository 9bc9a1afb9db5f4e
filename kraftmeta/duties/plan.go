package duties

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/kraftmeta/lease"
)

// situation is what the duties are found from.
type situation struct {
	img    *image.Image
	leases *lease.Leases
	failed map[balance.Attempt]bool
	loads  balance.Loads
	now    time.Duration
}

// Plan is what a controller with these leases is to do first at a time, nil
// when nothing is: the choice behind [Duties.Run], for simulations that carry
// it out step by step. Failed are the rescues that did not succeed.
func Plan(img *image.Image, leases *lease.Leases, failed map[balance.Attempt]bool, loads balance.Loads, now time.Duration) []image.Command {
	s := situation{img: img, leases: leases, failed: failed, loads: loads, now: now}
	return s.next()
}

// next is what is to be done first, nil when nothing is: one command, or
// several of a kind. When they are done, or refused, it is asked again with the
// image as it is then.
func (s *situation) next() []image.Command {
	if fences := s.fences(); len(fences) > 0 {
		return fences
	}
	if r := balance.Rescuers(s.img, s.failed); len(r) > 0 {
		return []image.Command{&image.AssignRescuers{Rescuers: r}}
	}
	if l := balance.Leaders(s.img, s.loads); len(l) > 0 {
		return []image.Command{&image.SetLeaders{Partitions: l}}
	}
	return nil
}

// fences ends the epochs of those whose leases are over, as long as anybody is
// left: with nobody to take over, fencing would only send the last ones through
// a restart.
func (s *situation) fences() []image.Command {
	expired := s.leases.Expired(s.img, s.now)
	dead := make(map[ids.NodeID]bool, len(expired))
	for _, n := range expired {
		dead[n.ID] = true
	}
	left := 0
	for n := range s.img.Nodes() {
		if n.IsAlive() && !dead[n.ID] {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	var out []image.Command
	for _, n := range expired {
		out = append(out, balance.Fence(s.img, n, func(id ids.NodeID) bool { return dead[id] }, s.failed))
	}
	return out
}
