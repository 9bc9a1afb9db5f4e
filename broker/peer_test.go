package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

// peerPair is a client of node 1 with the real server of a registry behind
// both ways: node 1 by loopback, node 2 by TCP.
func peerPair(t *testing.T, r *Registry, c clock.Clock) *peer.Client {
	t.Helper()
	private := server.Listener{Name: "PEER", Private: true}
	addr := serve(t, r, private)
	own := server.New(server.Config{}, r)
	t.Cleanup(own.Close)
	client := peer.New(peer.Config{
		Self:     1,
		ClientID: "node-1",
		Clock:    c,
		Loopback: func(nc net.Conn) error { return own.ServeConn(nc, private) },
		Dial: func(ctx context.Context, node ids.NodeID) (net.Conn, error) {
			if node != 2 {
				return nil, fmt.Errorf("no node %s", node)
			}
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	})
	t.Cleanup(client.Close)
	return client
}

func submit(payload string) *peer.Request {
	return &peer.Request{APIKey: peer.KeyMetaSubmit, Payload: []byte(payload)}
}

func TestPeerLoopbackAndRemote(t *testing.T) {
	client := peerPair(t, testRegistry(), nil)
	var wg sync.WaitGroup
	for _, node := range []ids.NodeID{1, 2} {
		for i := range 50 {
			wg.Go(func() {
				text := fmt.Sprint("command ", i)
				resp, err := client.Do(context.Background(), node, submit(text))
				if err != nil {
					t.Error(err)
					return
				}
				if got := string(resp.(*peer.Response).Payload); got != "re: "+text {
					t.Errorf("node %s answered %q", node, got)
				}
			})
		}
	}
	wg.Wait()
	meta := kmsg.NewPtrMetadataRequest()
	meta.Version = 12
	resp, err := client.Do(context.Background(), 1, meta)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := resp.(*kmsg.MetadataResponse); !ok {
		t.Errorf("Metadata answered by %T", resp)
	}
}

func TestPeerNotReached(t *testing.T) {
	client := peerPair(t, testRegistry(), nil)
	if _, err := client.Do(context.Background(), 3, submit("x")); !errors.Is(err, peer.ErrDial) {
		t.Errorf("Do to an unknown node: %v, want ErrDial", err)
	}
}

// A poll that waits does not hold up other requests to the same node, and ends
// with its context.
func TestPeerPollHasItsOwnConnection(t *testing.T) {
	r := testRegistry()
	held := make(chan Ticket, 2)
	HandleRaw(r, peer.KeyMetaFetch, 0, 0, func(_ *Ctx, t Ticket) { held <- t })
	client := peerPair(t, r, nil)
	for _, node := range []ids.NodeID{1, 2} {
		ctx, cancel := context.WithCancel(context.Background())
		polled := make(chan error)
		go func() {
			_, err := client.Poll(ctx, node, &peer.Request{APIKey: peer.KeyMetaFetch}, time.Minute)
			polled <- err
		}()
		ticket := <-held
		if _, err := client.Do(context.Background(), node, submit("x")); err != nil {
			t.Fatal(err)
		}
		pollCtx := ticket.Request().Context()
		cancel()
		if err := <-polled; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled poll returned %v", err)
		}
		<-pollCtx.Done() // the server notices that nobody waits
		ticket.Done()
	}
}

// A peer that does not answer in time loses its connection; the next request
// makes a new one.
func TestPeerTimeout(t *testing.T) {
	r := testRegistry()
	held := make(chan Ticket, 1)
	HandleRaw(r, peer.KeyMetaFetch, 0, 0, func(_ *Ctx, t Ticket) { held <- t })
	manual := clock.NewManual(time.Unix(1e9, 0))
	client := peerPair(t, r, manual)
	done := make(chan error)
	go func() {
		_, err := client.Do(context.Background(), 2, &peer.Request{APIKey: peer.KeyMetaFetch})
		done <- err
	}()
	ticket := <-held
	manual.Advance(31 * time.Second)
	if err := <-done; !errors.Is(err, peer.ErrTimeout) {
		t.Errorf("Do returned %v, want ErrTimeout", err)
	}
	if _, err := client.Do(context.Background(), 2, submit("again")); err != nil {
		t.Errorf("Do after the time-out: %v", err)
	}
	ticket.Done()
}

func TestPeerClosed(t *testing.T) {
	r := testRegistry()
	held := make(chan Ticket, 1)
	HandleRaw(r, peer.KeyMetaFetch, 0, 0, func(_ *Ctx, t Ticket) { held <- t })
	client := peerPair(t, r, nil)
	done := make(chan error)
	go func() {
		_, err := client.Poll(context.Background(), 1, &peer.Request{APIKey: peer.KeyMetaFetch}, time.Hour)
		done <- err
	}()
	ticket := <-held
	client.Close()
	if err := <-done; !errors.Is(err, peer.ErrClosed) {
		t.Errorf("Poll returned %v, want ErrClosed", err)
	}
	if _, err := client.Do(context.Background(), 2, submit("x")); !errors.Is(err, peer.ErrClosed) {
		t.Errorf("Do returned %v, want ErrClosed", err)
	}
	ticket.Done()
}

// Clients are not served, nor told, what is for brokers.
func TestPrivateAPIsNeedAPrivateListener(t *testing.T) {
	addr := serve(t, testRegistry(), server.Listener{})
	client := peer.New(peer.Config{Self: 1, Dial: func(ctx context.Context, _ ids.NodeID) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}})
	defer client.Close()
	if _, err := client.Do(context.Background(), 2, submit("x")); err == nil {
		t.Error("a private API was served on a client listener")
	}
	v := kmsg.NewPtrApiVersionsRequest()
	resp, err := client.Do(context.Background(), 2, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		if k.ApiKey >= peer.KeyMin {
			t.Errorf("API %d is advertised", k.ApiKey)
		}
	}
}
