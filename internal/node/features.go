package node

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// supports asks the living voters and brokers which levels of features their
// programs know. An error means that one has not told. Who joins while it asks
// is asked too; who joins after that, and does not know what the levels are
// raised to, finds out by itself (watchLevels).
func (n *Node) supports(ctx context.Context) ([]broker.Support, error) {
	brokers := peer.New(peer.Config{
		Self: noNode, Clock: n.clock, ClientID: n.clientID(), Dial: n.dialBroker, RequestMax: controllerAnswerMax,
	})
	defer brokers.Close()
	for {
		before := livingEpochs(n.controller.Image())
		all, err := n.votersSupport(ctx)
		if err != nil {
			return nil, err
		}
		for id := range before {
			s, err := askSupport(ctx, brokers, id, fmt.Sprintf("broker %d", id))
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		if maps.Equal(before, livingEpochs(n.controller.Image())) {
			return all, nil
		}
	}
}

// votersSupport asks the voters. Nobody knows which of them are alive, so those
// that do not answer are passed over, as dead ones, while most do: consensus goes
// on without them, and an older program does not start again.
func (n *Node) votersSupport(ctx context.Context) (all []broker.Support, err error) {
	voters := n.controller.Quorum().Voters
	for _, v := range voters {
		n.controllers.note(v.Node, v.Address)
		s, failed := askSupport(ctx, n.controllers.peers, v.Node, fmt.Sprintf("controller %d", v.Node))
		if failed != nil {
			n.log.Warn("a controller cannot be asked which feature levels it knows", "error", failed)
			err = errors.Join(err, failed)
			continue
		}
		all = append(all, s)
	}
	if len(all) > len(voters)/2 {
		err = nil
	}
	return all, err
}

// askSupport asks one node, by ApiVersions.
func askSupport(ctx context.Context, peers *peer.Client, node ids.NodeID, who string) (broker.Support, error) {
	s := broker.Support{Who: who}
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = 4 // the first that tells all features
	req.ClientSoftwareName, req.ClientSoftwareVersion = "seawall", "1"
	resp, err := peers.Poll(ctx, node, req, 0)
	if err == nil {
		err = kerr.ErrorForCode(resp.(*kmsg.ApiVersionsResponse).ErrorCode)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", who, err)
	}
	for _, f := range resp.(*kmsg.ApiVersionsResponse).SupportedFeatures {
		s.Levels = append(s.Levels, broker.Feature{Name: f.Name, Min: f.MinVersion, Max: f.MaxVersion})
	}
	return s, nil
}

func livingEpochs(img *image.Image) map[ids.NodeID]ids.NodeEpoch {
	living := map[ids.NodeID]ids.NodeEpoch{}
	for x := range img.Nodes() {
		if x.IsAlive() {
			living[x.ID] = x.Epoch
		}
	}
	return living
}

// watchLevels, a subscriber of the feed, stops the node when the cluster is
// raised to a level that this program does not know, before it meets anything
// that was written at that level.
func (n *Node) watchLevels(_, next *image.Image, d image.Delta) {
	for _, r := range d.Records {
		if _, ok := r.(*image.Feature); !ok {
			continue
		}
		if err := image.CheckFeatures(next); err != nil {
			n.fail(err)
			return
		}
	}
}
