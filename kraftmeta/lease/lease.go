package lease

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Leases are the leases that one controller has given since it became the
// active one. Times are readings of one monotonic clock.
type Leases struct {
	session time.Duration
	last    map[ids.NodeID]sign
}

// sign is a node's last sign of life.
type sign struct {
	epoch ids.NodeEpoch
	at    time.Duration
}

// New begins the term of a controller, which knows nothing of earlier
// heartbeats. The session is how long a node may be silent.
func New(session time.Duration) *Leases {
	return &Leases{session: session, last: map[ids.NodeID]sign{}}
}

// Beat notes a sign of life of a node at an epoch: a heartbeat that the
// controller has found right.
func (l *Leases) Beat(node ids.NodeID, epoch ids.NodeEpoch, now time.Duration) {
	if s := l.last[node]; epoch >= s.epoch {
		l.last[node] = sign{epoch, now}
	}
}

// End ends the lease of a node at an epoch: it says itself that it is gone.
func (l *Leases) End(node ids.NodeID, epoch ids.NodeEpoch, now time.Duration) {
	if s, ok := l.last[node]; !ok || epoch >= s.epoch {
		l.last[node] = sign{epoch, now - l.session}
	}
}

// Expired are the nodes whose leases are over: alive in the image, and silent
// at their epoch for a whole session. A node seen for the first time, by this
// controller or at this epoch, has a whole session from now. They are in the
// order of their ids, and stay expired until they beat or are fenced.
func (l *Leases) Expired(img *image.Image, now time.Duration) []*image.Node {
	l.follow(img, now)
	var out []*image.Node
	for n := range img.Nodes() {
		if n.IsAlive() && now-l.last[n.ID].at >= l.session {
			out = append(out, n)
		}
	}
	return out
}

// Next is when, after now, the next lease ends unless its node beats; ok is
// false if none will.
func (l *Leases) Next(img *image.Image, now time.Duration) (at time.Duration, ok bool) {
	l.follow(img, now)
	for n := range img.Nodes() {
		end := l.last[n.ID].at + l.session
		if n.IsAlive() && end > now && (!ok || end < at) {
			at, ok = end, true
		}
	}
	return at, ok
}

// follow begins the leases of nodes seen for the first time, and drops those
// of the dead, so that leases are no more than nodes.
func (l *Leases) follow(img *image.Image, now time.Duration) {
	for n := range img.Nodes() {
		if s, ok := l.last[n.ID]; n.IsAlive() && (!ok || s.epoch != n.Epoch) {
			l.last[n.ID] = sign{n.Epoch, now}
		}
	}
	for id := range l.last {
		if n, ok := img.Node(id); !ok || !n.IsAlive() {
			delete(l.last, id)
		}
	}
}
