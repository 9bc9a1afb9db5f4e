package cluster

import "github.com/seawallmq/seawall/internal/ids"

// network carries messages between processes, controllers and clients: in any
// order, late, twice or never. Between two nodes, or a node and the
// controllers, either direction can be cut.
type network struct {
	w      *world
	queue  []message
	cut    [8][8]bool // [from][to]; 0 is the controllers
	barred int        // directions cut
}

const (
	controllers ids.NodeID = 0
	outside     ids.NodeID = -1 // where clients are: nothing is cut there
)

// message is what is to be done where it arrives.
type message struct {
	from, to ids.NodeID
	sender   *proc // nil for controllers and clients
	proc     *proc // that it is for; nil for controllers and clients
	arrive   func()
}

// send puts a message under way; nil is the controllers.
func (n *network) send(from, to *proc, arrive func()) {
	n.queue = append(n.queue, message{from.node(), to.node(), from, to, arrive})
}

// fromClient and toClient are sends by and to a client.
func (n *network) fromClient(to *proc, arrive func()) {
	n.queue = append(n.queue, message{outside, to.id, nil, to, arrive})
}

func (n *network) toClient(from *proc, arrive func()) {
	n.queue = append(n.queue, message{from.id, outside, from, nil, arrive})
}

// node is where a process runs; nil stands for the controllers.
func (p *proc) node() ids.NodeID {
	if p == nil {
		return controllers
	}
	return p.id
}

func (n *network) isCut(from, to ids.NodeID) bool {
	return n.barred > 0 && from >= 0 && to >= 0 && n.cut[from][to]
}

// step lets one message arrive, or be lost.
func (n *network) step() {
	if len(n.queue) == 0 {
		return
	}
	i := n.w.rng.IntN(len(n.queue))
	m := n.queue[i]
	if m.proc != nil && m.proc.state == paused && n.w.rng.IntN(20) > 0 {
		return // it waits in a socket's buffer
	}
	last := len(n.queue) - 1
	n.queue[i] = n.queue[last]
	n.queue[last] = message{}
	n.queue = n.queue[:last]
	switch {
	case m.proc != nil && m.proc.state != running:
		return
	case n.isCut(m.from, m.to):
		n.w.saw(evMessageBarred)
		return
	case !n.w.calm && n.w.chance(40):
		n.w.saw(evMessageLost)
		return
	case !n.w.calm && n.w.chance(40):
		n.w.saw(evMessageTwice)
		n.queue = append(n.queue, m) // and again later
	}
	m.arrive()
}

// cutOrMend changes one link, in one direction or both.
func (n *network) cutOrMend() {
	if n.barred > 0 && n.w.chance(2) {
		n.mendAll()
		n.w.say("network whole")
		return
	}
	a, b := n.w.rng.IntN(len(n.w.slots)+1), n.w.rng.IntN(len(n.w.slots)+1)
	if n.w.chance(2) {
		b = int(controllers)
	}
	n.w.say("network cut from %d to %d", a, b)
	n.set(a, b)
	if n.w.chance(2) {
		n.set(b, a)
		n.w.saw(evCut)
	} else {
		n.w.saw(evCutOneWay)
	}
}

func (n *network) set(a, b int) {
	if a != b && !n.cut[a][b] {
		n.cut[a][b] = true
		n.barred++
	}
}

func (n *network) mendAll() {
	n.cut = [8][8]bool{}
	n.barred = 0
}

// died drops most of what a process had sent and nobody has received.
func (n *network) died(p *proc) {
	keep := n.queue[:0]
	for _, m := range n.queue {
		if m.sender == p && n.w.rng.IntN(8) > 0 || m.proc == p {
			continue
		}
		keep = append(keep, m)
	}
	clear(n.queue[len(keep):])
	n.queue = keep
}
