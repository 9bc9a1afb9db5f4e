package broker

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/ids"
)

// dialer is a peer client of one address, which serves as a plain client.
func dialer(t *testing.T, addr string) *peer.Client {
	t.Helper()
	client := peer.New(peer.Config{Self: -1, Dial: func(ctx context.Context, _ ids.NodeID) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}})
	t.Cleanup(client.Close)
	return client
}

func apiVersionsRequest(version int16) *kmsg.ApiVersionsRequest {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = version
	req.ClientSoftwareName, req.ClientSoftwareVersion = "apache-kafka-java", "4.1.0"
	return req
}

func TestApiVersionsInEachVersion(t *testing.T) {
	client := dialer(t, serve(t, testRegistry(), server.Listener{}))
	for version := range int16(apiVersionsMax + 1) {
		kresp, err := client.Do(context.Background(), 0, apiVersionsRequest(version))
		if err != nil {
			t.Fatal(err)
		}
		resp := kresp.(*kmsg.ApiVersionsResponse)
		features := 2
		switch {
		case version < 3:
			features = 0
		case version == 3:
			features = 1 // the one whose lowest version is 0 is left out
		}
		if resp.ErrorCode != 0 || len(resp.ApiKeys) != 4 || len(resp.SupportedFeatures) != features {
			t.Errorf("version %d: error %d, %d APIs, %d features, want %d",
				version, resp.ErrorCode, len(resp.ApiKeys), len(resp.SupportedFeatures), features)
		}
	}
}

func TestApiVersionsChecks(t *testing.T) {
	client := dialer(t, serve(t, testRegistry(), server.Listener{}))
	for _, test := range []struct {
		name string
		edit func(*kmsg.ApiVersionsRequest)
		want *kerr.Error
	}{
		{"name with a space", func(r *kmsg.ApiVersionsRequest) { r.ClientSoftwareName = "a b" }, kerr.InvalidRequest},
		{"name that ends in a dash", func(r *kmsg.ApiVersionsRequest) { r.ClientSoftwareName = "a-" }, kerr.InvalidRequest},
		{"no version", func(r *kmsg.ApiVersionsRequest) { r.ClientSoftwareVersion = "" }, kerr.InvalidRequest},
		{"node without cluster", func(r *kmsg.ApiVersionsRequest) { r.NodeID = 1 }, kerr.InvalidRequest},
		{"cluster without node", func(r *kmsg.ApiVersionsRequest) { r.ClusterID = kmsg.StringPtr("sea") }, kerr.InvalidRequest},
		{"other node", func(r *kmsg.ApiVersionsRequest) { r.ClusterID, r.NodeID = kmsg.StringPtr("sea"), 2 }, kerr.RebootstrapRequired},
		{"other cluster", func(r *kmsg.ApiVersionsRequest) { r.ClusterID, r.NodeID = kmsg.StringPtr("lake"), 1 }, kerr.RebootstrapRequired},
	} {
		req := apiVersionsRequest(5)
		test.edit(req)
		resp, err := client.Do(context.Background(), 0, req)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.(*kmsg.ApiVersionsResponse).ErrorCode; got != test.want.Code {
			t.Errorf("%s: error %d, want %v", test.name, got, test.want)
		}
	}
	req := apiVersionsRequest(5)
	req.ClusterID, req.NodeID = kmsg.StringPtr("sea"), 1
	resp, err := client.Do(context.Background(), 0, req)
	if err != nil || resp.(*kmsg.ApiVersionsResponse).ErrorCode != 0 {
		t.Errorf("the right cluster and node: %+v, %v", resp, err)
	}
}

// A client newer than us learns our versions in the oldest format (KIP-511).
func TestApiVersionsTooNew(t *testing.T) {
	nc, err := net.Dial("tcp", serve(t, testRegistry(), server.Listener{}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	frame := new(kmsg.RequestFormatter).AppendRequest(nil, apiVersionsRequest(99), 7)
	if _, err := nc.Write(frame); err != nil {
		t.Fatal(err)
	}
	var head [8]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(nc, body); err != nil {
		t.Fatal(err)
	}
	var resp kmsg.ApiVersionsResponse
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	if head[7] != 7 || resp.ErrorCode != kerr.UnsupportedVersion.Code || len(resp.ApiKeys) != 1 ||
		resp.ApiKeys[0].ApiKey != 18 || resp.ApiKeys[0].MaxVersion != apiVersionsMax {
		t.Errorf("correlation id %d, answer %+v", head[7], resp)
	}
}

// What a client says of itself is known to later requests of its connection.
func TestSoftwareIsRemembered(t *testing.T) {
	r := testRegistry()
	seen := make(chan [2]string, 1)
	Handle(r, 0, 5, func(c *Ctx, _ *kmsg.ListGroupsRequest) kmsg.Response {
		name, version := c.Conn.Software()
		seen <- [2]string{name, version}
		return kmsg.NewPtrListGroupsResponse()
	})
	client := dialer(t, serve(t, r, server.Listener{}))
	for _, req := range []kmsg.Request{apiVersionsRequest(3), kmsg.NewPtrListGroupsRequest()} {
		if _, err := client.Do(context.Background(), 0, req); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-seen; got != [2]string{"apache-kafka-java", "4.1.0"} {
		t.Errorf("software %q", got)
	}
}
