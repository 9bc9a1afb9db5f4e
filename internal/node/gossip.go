package node

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/members"
)

const (
	// hintsEvery is how often this node looks whether its hints are news.
	hintsEvery = 2 * time.Second
	// loadGrain, in bytes a second: smaller changes of load are no news.
	loadGrain = 64 << 10
	// goodbyeMax bounds what saying good-bye may take.
	goodbyeMax = 500 * time.Millisecond
)

// startGossip begins to tell hints and to hear those of others, if it is
// configured. What is heard: where controllers are, for a node that does not
// know; load, where a broker's report is missing; and what operators are shown.
func (n *Node) startGossip(context.Context) error {
	g := &n.cfg.Gossip
	if g.Listener == "" {
		return nil
	}
	cluster, err := n.configuredCluster()
	if err != nil {
		return err
	}
	self := members.Member{
		Node: n.cfg.Node.ID, IsBroker: n.cfg.Node.IsBroker, IsController: n.cfg.Node.IsController, Zone: n.cfg.Node.Rack,
		Controller: n.controllerAddress(), Hints: members.Hints{Trouble: string(starting)},
	}
	if len(n.listeners) > 0 {
		self.Address = told(n.cfg.Network.Advertised[0], n.listeners[0])
	}
	n.gossip, err = members.Start(members.Config{
		Cluster: cluster, Listen: g.Listener, Seeds: g.Seeds, Key: g.Key, Self: self, Clock: n.clock, Log: n.log,
		Changed: func(m members.Member) {
			if m.IsController && m.Controller != "" {
				n.controllers.hint(m.Node, m.Controller)
			}
		},
	})
	if err != nil {
		return err
	}
	n.work.Go(func() {
		for clock.Sleep(n.ctx, n.clock, hintsEvery) == nil {
			n.gossip.Tell(n.hints())
		}
	})
	return nil
}

// hints are what this node tells of itself now.
func (n *Node) hints() members.Hints {
	h := members.Hints{Load: uint64(n.load.Load()) / loadGrain * loadGrain}
	if why := errors.Join(n.ready(), n.waits()); why != nil {
		h.Trouble = why.Error()
	}
	return h
}

// hintedLoad is what all that a node leads costs it, by gossip.
func (n *Node) hintedLoad(node ids.NodeID) (balance.Load, bool) {
	if n.gossip == nil {
		return balance.Load{}, false
	}
	m, ok := n.gossip.Member(node)
	return balance.Load{BytesIn: float64(m.Load)}, ok
}

// controllerAddress is where other nodes reach the controller in this process,
// "" if there is none.
func (n *Node) controllerAddress() string {
	for _, v := range n.cfg.Controller.Voters {
		if ids.NodeID(v.ID) == n.cfg.Node.ID && v.Port != 0 {
			return v.Addr()
		}
	}
	if len(n.controllerListeners) == 0 {
		return ""
	}
	return told(n.cfg.Network.ControllerListeners[0], n.controllerListeners[0])
}

// told is a listener's address as others may use it.
func told(l config.Listener, bound net.Listener) string {
	host, port := l.Host, l.Port
	if l.Wildcard() {
		host, _ = os.Hostname() // "" when even that is not known: a hint of no use
	}
	if at, ok := bound.Addr().(*net.TCPAddr); ok && port == 0 {
		port = at.Port
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
