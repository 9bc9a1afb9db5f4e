package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream"
)

// A tail that was closed is served by the node that holds its WAL until it is in
// objects, and its producers' state is had from whoever closed it. Both are
// asked by one request each, answered by
//
//	byte 0     1 if it is here, 0 if it is not (any more)
//	bytes 1-8  of ReadTail only: the offset after the last batch, big-endian
//	…          whole batches, or the state

const (
	notHere byte = 0
	isHere  byte = 1

	tailHeadBytes = 1 + 8
)

// otherNodes asks the other brokers for what they hold.
type otherNodes struct{ n *Node }

// tailStates is how partitions ask the other brokers, nil if there are none.
func (n *Node) tailStates() partition.TailStates {
	if !n.cfg.HasOthers() {
		return nil
	}
	return otherNodes{n}
}

// ReadTail implements s3stream.RemoteTails. Each read under way has a connection
// to itself: it may wait for the other node's disk.
func (o otherNodes) ReadTail(ctx context.Context, holder ids.NodeID, r s3stream.TailRead) (s3stream.Result, error) {
	m := readTail{r}
	resp, err := o.n.peers.Poll(ctx, holder, &peer.Request{
		APIKey: peer.KeyReadTail, Payload: encodeMessage(readTailMessage, m.fields),
	}, 0)
	if err != nil {
		return s3stream.Result{}, err
	}
	p := resp.(*peer.Response).Payload
	if len(p) > 0 && p[0] == notHere {
		return s3stream.Result{}, s3stream.ErrNotHere
	}
	if len(p) < tailHeadBytes {
		return s3stream.Result{}, fmt.Errorf("tail from node %d: answer of %d bytes", holder, len(p))
	}
	res := s3stream.Result{NextOffset: int64(binary.BigEndian.Uint64(p[1:]))}
	if batches := p[tailHeadBytes:]; len(batches) > 0 {
		res.Append(batches, nil)
	}
	return res, nil
}

// TailState implements partition.TailStates.
func (o otherNodes) TailState(ctx context.Context, node ids.NodeID, stream ids.StreamID, end int64) ([]byte, error) {
	m := tailState{stream, end}
	resp, err := o.n.peers.Do(ctx, node, &peer.Request{
		APIKey: peer.KeyTailState, Payload: encodeMessage(tailStateMessage, m.fields),
	})
	if err != nil {
		return nil, err
	}
	p := resp.(*peer.Response).Payload
	if len(p) == 0 || p[0] == notHere {
		return nil, partition.ErrNoState
	}
	return p[1:], nil
}

// registerTails serves what other brokers ask of tails.
func (n *Node) registerTails(r *broker.Registry) {
	broker.HandleRaw(r, peer.KeyReadTail, 0, 0, func(c *broker.Ctx, t broker.Ticket) {
		var m readTail
		if err := decodeMessage(readTailMessage, "tail asked for", c.Body, m.fields); err != nil {
			t.Abort(err)
			return
		}
		ctx := c.Context()
		go func() { n.answerReadTail(ctx, t, m.TailRead) }() // a bounded number is served at once
	})
	broker.HandleRaw(r, peer.KeyTailState, 0, 0, func(c *broker.Ctx, t broker.Ticket) {
		var m tailState
		if err := decodeMessage(tailStateMessage, "state asked for", c.Body, m.fields); err != nil {
			t.Abort(err)
			return
		}
		answer := []byte{notHere}
		if state, err := n.partitions.TailState(m.stream, m.end); err == nil {
			answer = append([]byte{isHere}, state...)
		}
		broker.Reply(t, &peer.Response{APIKey: peer.KeyTailState, Payload: answer})
	})
}

func (n *Node) answerReadTail(ctx context.Context, t broker.Ticket, r s3stream.TailRead) {
	res, err := n.streams.ReadHeld(ctx, r)
	if err != nil {
		if !errors.Is(err, s3stream.ErrNotHere) {
			n.log.Warn("tail not read for another node", "error", err)
		}
		broker.Reply(t, &peer.Response{APIKey: peer.KeyReadTail, Payload: []byte{notHere}})
		return
	}
	head := make([]byte, tailHeadBytes)
	head[0] = isHere
	binary.BigEndian.PutUint64(head[1:], uint64(res.NextOffset))
	t.Respond(server.Response{Head: head, Segments: res.Segments, Owner: &res}) // the batches are not copied
}
