package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// startController starts the controller of this process, with its duties, and
// serves those who ask it.
func (n *Node) startController() error {
	if err := n.openController(); err != nil {
		return err
	}
	n.duties = duties.New(duties.Config{
		Controller: n.controller, Session: n.cfg.Lease.Session, Clock: n.clock, Random: n.random, Log: n.log,
		Balance: duties.BalanceConfig{
			Enabled: n.cfg.Balance.Enabled, Interval: n.cfg.Balance.Interval, Options: n.balanceOptions(),
		},
		HintedLoad: n.hintedLoad,
	})
	n.work.Go(func() { n.duties.Run(n.ctx) })
	n.quorum = server.New(server.Config{Clock: n.clock, Log: n.log, Requests: n.shares.peers}, n.controllerAPIs())
	for i, l := range n.controllerListeners {
		info := server.Listener{Name: n.cfg.Network.ControllerListeners[i].Name, Private: true}
		n.work.Go(func() { n.serve(n.quorum, l, info) })
	}
	return nil
}

func (n *Node) openController() error {
	opts := kraftmeta.Options{
		Dir: filepath.Join(n.cfg.Node.MetadataDir, "metadata"), Node: n.cfg.Node.ID,
		Random: n.random, Clock: n.clock, Logger: n.log, Join: len(n.cfg.Controller.Voters) == 0,
	}
	var err error
	if opts.ClusterID, err = n.configuredCluster(); err != nil {
		return err
	}
	for _, v := range n.cfg.Controller.Voters {
		opts.Voters = append(opts.Voters, kraftmeta.Voter{Node: ids.NodeID(v.ID), Address: v.Addr()})
	}
	if len(n.controllerListeners) > 0 {
		opts.Dial = n.dialVoter
	}
	if n.controller, err = kraftmeta.Open(opts); err != nil {
		return err
	}
	close(n.opened)
	n.work.Go(func() {
		select {
		case <-n.controller.Failed():
			n.fail(fmt.Errorf("metadata: %w", n.controller.Err()))
		case <-n.ctx.Done():
		}
	})
	return nil
}

// configuredCluster is cluster.id, zero if it says nothing.
func (n *Node) configuredCluster() (cluster ids.UUID, err error) {
	if s := n.cfg.Node.ClusterID; s != "" {
		if cluster, err = ids.ParseUUID(s); err != nil {
			return cluster, fmt.Errorf("cluster.id: %w", err)
		}
	}
	return cluster, nil
}

// A connection between voters begins as one of Kafka's protocol, with a request
// that says between whom it is: a cluster id, the node asked, and the node that
// asks. Its answer is a text: empty, and then consensus's bytes follow, or why
// the connection is refused.

// dialVoter connects to another voter for consensus.
func (n *Node) dialVoter(ctx context.Context, to kraftmeta.Voter) (net.Conn, error) {
	select {
	case <-n.opened: // consensus may begin before Open has returned
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.controllers.note(to.Node, to.Address)
	hello := raftHello{n.controller.ClusterID(), to.Node, n.cfg.Node.ID}
	nc, resp, err := n.controllers.peers.Stream(ctx, to.Node, &peer.Request{
		APIKey: peer.KeyRaft, Payload: encodeMessage(raftHelloMessage, hello.fields),
	})
	if err != nil {
		return nil, err
	}
	if why := string(resp.Payload); why != "" {
		_ = nc.Close()
		err := fmt.Errorf("voter %d at %s refuses this one: %s", to.Node, to.Address, why)
		n.refusals.Log(n.log, slog.LevelWarn, n.clock.Now(), "consensus", "error", err)
		return nil, err
	}
	return nc, nil
}

// acceptVoter answers another voter's request for a connection, and hands it
// over.
func (n *Node) acceptVoter(c *broker.Ctx, t broker.Ticket) {
	why := n.judgeVoter(c.Body)
	if why == nil {
		c.HandOver(n.controller.Take)
	} else {
		n.strangers.Add(1)
		n.refusals.Log(n.log, slog.LevelWarn, n.clock.Now(), "a voter was refused", "from", c.Conn.RemoteAddr().String(), "reason", why)
	}
	resp := &peer.Response{APIKey: peer.KeyRaft}
	if why != nil {
		resp.Payload = []byte(why.Error())
	}
	broker.Reply(t, resp)
}

func (n *Node) judgeVoter(body []byte) error {
	var h raftHello
	err := decodeMessage(raftHelloMessage, "voter's hello", body, h.fields)
	switch cluster := n.controller.ClusterID(); {
	case err != nil:
		return err
	case h.cluster != cluster:
		return fmt.Errorf("this is cluster %s, not %s", cluster, h.cluster)
	case h.to != n.cfg.Node.ID:
		return fmt.Errorf("this is node %d, not %d: is controller.quorum.voters right?", n.cfg.Node.ID, h.to)
	}
	return nil
}

// controllerAPIs are the requests that are made to the controller in this
// process.
func (n *Node) controllerAPIs() *broker.Registry {
	r := broker.NewRegistry()
	cluster := n.controller.ClusterID()
	broker.RegisterApiVersions(r, broker.Identity{ClusterID: cluster.String(), NodeID: int32(n.cfg.Node.ID)},
		func() broker.Features { return broker.FeaturesOf(n.controller.Image()) })
	broker.RegisterController(r, broker.ControllerDeps{
		ClusterID: cluster, Listeners: n.cfg.Network.ControllerListeners, Controller: n.controller,
		Duties: n.duties,
		Submit: func(ctx context.Context, cmd image.Command) (image.Result, uint64, error) {
			return n.metadata.Submit(ctx, cmd)
		},
		Supports: n.supports,
	})
	for key, kind := range map[int16]kraftmeta.Message{
		peer.KeyMetaSubmit: kraftmeta.SubmitMessage,
		peer.KeyMetaFetch:  kraftmeta.FetchMessage,
	} {
		broker.HandleRaw(r, key, 0, 0, func(c *broker.Ctx, t broker.Ticket) {
			ctx, request := c.Context(), bytes.Clone(c.Body)
			go func() { // a fetch waits for news
				broker.Reply(t, &peer.Response{APIKey: key, Payload: n.controller.Handle(ctx, kind, request)})
			}()
		})
	}
	broker.HandleRaw(r, peer.KeyRaft, 0, 0, n.acceptVoter)
	broker.HandleRaw(r, peer.KeyRescueFailed, 0, 0, n.takeRescueFailed)
	broker.HandleRaw(r, peer.KeyReport, 0, 0, n.takeReport)
	broker.HandleRaw(r, peer.KeyStanding, 0, 0, n.tellStanding)
	return r
}

// serve serves a listener until the server closes.
func (n *Node) serve(s *server.Server, l net.Listener, info server.Listener) {
	if err := s.Serve(l, info); !errors.Is(err, server.ErrClosed) {
		n.fail(fmt.Errorf("listener %s: %w", info.Name, err))
	}
}
