package node

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// feedWait bounds how long the peer may hold a fetch of the feed.
const feedWait = 5 * time.Second

// startMetadata starts the controller, follows its feed, and registers this
// incarnation of the node, which gives it its epoch. The node speaks to its own
// controller as it would to another's, by requests in Kafka's framing, looped
// back through a pipe.
func (n *Node) startMetadata(ctx context.Context) error {
	if err := n.openController(); err != nil {
		return err
	}
	n.quorum = server.New(server.Config{Clock: n.clock, Log: n.log, Requests: n.shares.peers}, n.controllerAPIs())
	n.peers = peer.New(peer.Config{
		Self: n.cfg.Node.ID, Clock: n.clock, ClientID: fmt.Sprintf("seawall-%d", n.cfg.Node.ID),
		Loopback: func(c net.Conn) error {
			return n.quorum.ServeConn(c, server.Listener{Name: "CONTROLLER", Private: true})
		},
		Dial: func(_ context.Context, node ids.NodeID) (net.Conn, error) {
			return nil, fmt.Errorf("node %d: this version knows no other nodes", node)
		},
	})
	remote := kraftmeta.NewRemote(toControllers{n.peers, n.cfg.Node.ID})
	n.observer = kraftmeta.NewObserver(remote, kraftmeta.ObserverOptions{
		Node: n.cfg.Node.ID, Incarnation: n.incarnation, Cluster: n.controller.ClusterID(), Clock: n.clock, Logger: n.log,
	})
	n.metadata = kraftmeta.NewClient(remote, n.observer, n.incarnation, n.clock)
	if err := n.controller.WaitReady(ctx); err != nil {
		return err
	}
	n.observer.Start()
	return n.register(ctx)
}

func (n *Node) openController() error {
	var cluster ids.UUID
	if s := n.cfg.Node.ClusterID; s != "" {
		var err error
		if cluster, err = ids.ParseUUID(s); err != nil {
			return fmt.Errorf("cluster.id: %w", err)
		}
	}
	c, err := kraftmeta.Open(kraftmeta.Options{
		Dir: filepath.Join(n.cfg.Node.MetadataDir, "metadata"), Node: n.cfg.Node.ID, ClusterID: cluster,
		Random: n.random, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.controller = c
	n.work.Go(func() {
		select {
		case <-c.Failed():
			n.fail(fmt.Errorf("metadata: %w", c.Err()))
		case <-n.ctx.Done():
		}
	})
	return nil
}

// register makes this incarnation known; the node epoch is the controller's to
// give.
func (n *Node) register(ctx context.Context) error {
	cmd := &image.RegisterNode{Node: n.cfg.Node.ID, Incarnation: n.incarnation, Rack: n.cfg.Node.Rack}
	for i, l := range n.cfg.Network.Advertised {
		port := l.Port
		if port == 0 {
			port = n.listeners[i].Addr().(*net.TCPAddr).Port
		}
		cmd.Endpoints = append(cmd.Endpoints, image.Endpoint{Listener: l.Name, Host: l.Host, Port: uint16(port)})
	}
	r, err := kraftmeta.Do(ctx, n.metadata, cmd)
	if err != nil {
		return err
	}
	n.epoch = r.Epoch
	return nil
}

// controllerAPIs are the requests by which nodes reach the controller in this
// process.
func (n *Node) controllerAPIs() *broker.Registry {
	r := broker.NewRegistry()
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
	return r
}

// toControllers carries the metadata's messages to controllers.
type toControllers struct {
	peers *peer.Client
	self  ids.NodeID
}

// RoundTrip implements kraftmeta.RoundTripper. Without a preference it asks the
// own controller.
func (c toControllers) RoundTrip(ctx context.Context, to ids.NodeID, kind kraftmeta.Message, request []byte) ([]byte, error) {
	if to < 0 {
		to = c.self
	}
	req := &peer.Request{APIKey: peer.KeyMetaSubmit, Payload: request}
	var resp kmsg.Response
	var err error
	if kind == kraftmeta.FetchMessage {
		req.APIKey = peer.KeyMetaFetch
		resp, err = c.peers.Poll(ctx, to, req, feedWait)
	} else {
		resp, err = c.peers.Do(ctx, to, req)
	}
	if err != nil {
		return nil, err
	}
	return resp.(*peer.Response).Payload, nil
}
