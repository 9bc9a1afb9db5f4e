package node

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
)

// noNode is the absence of a node, as kraftmeta has it.
const noNode ids.NodeID = -1

// firstBootstrap numbers the servers of controller.quorum.bootstrap.servers,
// downwards: whose they are is known only when they have answered.
const firstBootstrap ids.NodeID = -2

// controllers is where the metadata's controllers are, and the way to them.
type controllers struct {
	clock     clock.Clock
	self      ids.NodeID // noNode if there is no controller in this process
	bootstrap []string   // host:port
	peers     *peer.Client

	mu     sync.Mutex
	at     map[ids.NodeID]string // host:port of controllers known by id
	hinted map[ids.NodeID]bool   // which of them gossip told of
	active ids.NodeID            // as far as known, else noNode
	turn   int                   // whom to ask next when nothing is known
}

func newControllers(cfg *config.Config, c clock.Clock) *controllers {
	s := &controllers{
		clock: c, self: noNode, bootstrap: cfg.Controller.Bootstrap,
		at: map[ids.NodeID]string{}, hinted: map[ids.NodeID]bool{}, active: noNode,
	}
	if cfg.Node.IsController {
		s.self = cfg.Node.ID
	}
	for _, v := range cfg.Controller.Voters {
		s.at[ids.NodeID(v.ID)] = v.Addr()
	}
	return s
}

// dial connects to a controller, for the peer client.
func (s *controllers) dial(ctx context.Context, node ids.NodeID) (net.Conn, error) {
	addr, ok := s.address(node)
	if !ok {
		return nil, fmt.Errorf("no address of controller %d is known", node)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

func (s *controllers) address(node ids.NodeID) (addr string, ok bool) {
	if i := int(firstBootstrap - node); i >= 0 && i < len(s.bootstrap) {
		return s.bootstrap[i], true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	addr, ok = s.at[node]
	return addr, ok
}

// note remembers where a controller listens, by what controllers say. What was
// configured stays.
func (s *controllers) note(node ids.NodeID, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.at[node]; node >= 0 && (!known || s.hinted[node]) {
		s.at[node] = addr
		delete(s.hinted, node)
	}
}

// hint remembers where a controller listens, by what it says itself in gossip:
// good for a first question. Whatever else is known of it goes first.
func (s *controllers) hint(node ids.NodeID, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.at[node]; node >= 0 && (!known || s.hinted[node]) {
		s.at[node], s.hinted[node] = addr, true
	}
}

// pick is whom to ask: the active controller if it is known, else the next one.
func (s *controllers) pick() ids.NodeID {
	if active := s.known(); active != noNode {
		return active
	}
	return s.next()
}

// next is each of the controllers in turn, the own one first.
func (s *controllers) next() ids.NodeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ids.NodeID
	for id := range s.at {
		all = append(all, id)
	}
	slices.Sort(all)
	if len(all) == 0 || len(all) == 1 && all[0] != s.self {
		for i := range s.bootstrap {
			all = append(all, firstBootstrap-ids.NodeID(i))
		}
	}
	if len(all) == 0 {
		return s.self
	}
	first := max(slices.Index(all, s.self), 0)
	to := all[(first+s.turn)%len(all)]
	s.turn++
	return to
}

// known is the active controller as far as it is known, else noNode.
func (s *controllers) known() ids.NodeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

func (s *controllers) setActive(node ids.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = node
}

// suspect takes back that node is the active controller, and gives up what
// waits for it.
func (s *controllers) suspect(node ids.NodeID) {
	s.forget(node)
	if node != s.self {
		s.peers.Drop(node)
	}
}

// RoundTrip implements kraftmeta.RoundTripper.
func (s *controllers) RoundTrip(ctx context.Context, to ids.NodeID, kind kraftmeta.Message, request []byte) ([]byte, error) {
	if _, known := s.address(to); to >= 0 && to != s.self && !known {
		s.learn(ctx)
		_, known = s.address(to)
		if !known {
			to = noNode
		}
	}
	if to < 0 {
		to = s.next()
	}
	req := &peer.Request{APIKey: peer.KeyMetaSubmit, Payload: request}
	var resp kmsg.Response
	var err error
	if kind == kraftmeta.FetchMessage {
		req.APIKey = peer.KeyMetaFetch
		resp, err = s.peers.Poll(ctx, to, req, feedWait)
	} else {
		resp, err = s.peers.Do(ctx, to, req)
	}
	if err != nil {
		s.forget(to)
		return nil, err
	}
	return resp.(*peer.Response).Payload, nil
}

// learn asks a controller who and where they all are, and who is active.
func (s *controllers) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, controllerAnswerMax)
	defer cancel()
	req := kmsg.NewPtrDescribeQuorumRequest()
	req.Version = 2
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	resp, err := s.peers.Poll(ctx, s.pick(), req, 0)
	if err != nil {
		return
	}
	quorum := resp.(*kmsg.DescribeQuorumResponse)
	for _, n := range quorum.Nodes {
		if len(n.Listeners) > 0 {
			s.note(ids.NodeID(n.NodeID), net.JoinHostPort(n.Listeners[0].Host, strconv.Itoa(int(n.Listeners[0].Port))))
		}
	}
	for _, t := range quorum.Topics {
		for _, p := range t.Partitions {
			if leader := ids.NodeID(p.LeaderID); leader >= 0 {
				s.setActive(leader)
			}
		}
	}
}

const (
	// controllerAnswerMax bounds how long a controller may take to answer: past
	// it another one is asked.
	controllerAnswerMax = 2 * time.Second
	askAgain            = 20 * time.Millisecond
)

// ask has the active controller answer a request of Kafka's protocol, whoever
// it is, until ctx ends. The request may be carried out more than once.
func (s *controllers) ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	for {
		to := s.pick()
		resp, err := s.peers.Poll(ctx, to, req, 0)
		switch {
		case err == nil && !isElsewhere(resp):
			s.setActive(to)
			return resp, nil
		case err == nil:
			s.forget(to)
			s.learn(ctx)
		default:
			s.suspect(to)
		}
		if clock.Sleep(ctx, s.clock, askAgain) != nil {
			if err == nil {
				err = fmt.Errorf("no active controller: %w", ctx.Err())
			}
			return nil, err
		}
	}
}

// tell has the active controller heed a message of ours.
func (s *controllers) tell(ctx context.Context, key int16, message []byte) error {
	_, err := s.ask(ctx, &peer.Request{APIKey: key, Payload: message})
	return err
}

// forget takes back that node is the active controller.
func (s *controllers) forget(node ids.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == node {
		s.active = noNode
	}
}

// isElsewhere says whether an answer tells that another controller is active.
func isElsewhere(resp kmsg.Response) bool {
	var code int16
	switch r := resp.(type) {
	case *kmsg.DescribeQuorumResponse:
		code = r.ErrorCode
	case *peer.Response:
		return len(r.Payload) == 1 && r.Payload[0] == 0
	case *kmsg.BrokerHeartbeatResponse:
		code = r.ErrorCode
	case *kmsg.AddRaftVoterResponse:
		code = r.ErrorCode
	case *kmsg.RemoveRaftVoterResponse:
		code = r.ErrorCode
	case *kmsg.UpdateFeaturesResponse:
		code = r.ErrorCode
	}
	return code == kerr.NotController.Code || code == kerr.NotLeaderForPartition.Code
}
