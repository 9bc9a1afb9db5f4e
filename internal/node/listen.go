package node

import (
	"context"
	"fmt"
	"net"

	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/admin"
	"github.com/seawallmq/seawall/internal/config"
)

// startAdmin answers health checks from the first moment: a recovery takes its
// time, and whoever watches wants to know.
func (n *Node) startAdmin(ctx context.Context) error {
	if n.cfg.Admin.Addr == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", n.cfg.Admin.Addr)
	if err != nil {
		return fmt.Errorf("admin.listener: %w", err)
	}
	n.adminAt = l
	n.admin = admin.New(admin.Config{
		Healthy: n.healthy, Ready: n.ready, Waits: n.waits, Metrics: n.metrics.write, Log: n.log,
		Status: n.clusterStatus, Plan: n.balancePlan, Drain: n.drainNode,
		Losses: n.losses, Abandon: n.abandonWAL,
	})
	n.work.Go(func() { n.admin.Serve(l) })
	return nil
}

// bind takes the listeners' ports, so that a taken one is known at once.
// Clients that connect before everything is ready wait in the backlog.
func (n *Node) bind(ctx context.Context) error {
	for _, l := range n.cfg.Network.Listeners {
		bound, err := n.listen(ctx, l.Addr())
		if err != nil {
			return fmt.Errorf("listeners: %s: %w", l, err)
		}
		n.listeners = append(n.listeners, bound)
	}
	for _, l := range n.cfg.Network.ControllerListeners {
		bound, err := n.listen(ctx, l.Addr())
		if err != nil {
			return fmt.Errorf("listeners: %s: %w", l, err)
		}
		n.controllerListeners = append(n.controllerListeners, bound)
	}
	return nil
}

// serveClients lets clients in.
func (n *Node) serveClients(context.Context) error {
	registry := n.newBroker()
	net := &n.cfg.Network
	s := server.New(server.Config{
		Clock: n.clock, Log: n.log, Requests: n.shares.requests, Decoded: n.shares.decoded,
		Observe:         registry.Observer(n.metrics.set),
		RequestBytesMax: net.RequestBytesMax, BlockingMax: net.QueuedRequestsMax,
		ConnectionsMax: net.ConnectionsMax, ConnectionsPerIPMax: net.ConnectionsPerIPMax, IdleMax: net.ConnectionIdleMax,
	}, registry)
	n.mu.Lock()
	n.server = s
	n.mu.Unlock()
	n.partitions.OnConfig(func(c *config.Config) {
		n.server.SetLimits(c.Network.ConnectionsMax, c.Network.ConnectionsPerIPMax)
	})
	for i, l := range n.listeners {
		info := server.Listener{Name: net.Listeners[i].Name}
		if n.cfg.HasOthers() && info.Name == net.InterBroker {
			info.Private = true
		}
		n.work.Go(func() { n.serve(s, l, info) })
	}
	return nil
}

// clientServer is the server of clients and brokers, nil before it is there.
func (n *Node) clientServer() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server
}
