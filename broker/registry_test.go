package broker

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testRegistry has an API of each kind.
func testRegistry() *Registry {
	r := NewRegistry()
	RegisterApiVersions(r, Identity{ClusterID: "sea", NodeID: 1}, func() Features {
		return Features{
			Supported: []Feature{{"metadata.version", 1, 29}, {"group.version", 0, 1}},
			Finalized: []Feature{{"metadata.version", 29, 29}},
			Epoch:     5,
		}
	})
	Handle(r, 0, 13, func(_ *Ctx, req *kmsg.MetadataRequest) kmsg.Response {
		resp := kmsg.NewPtrMetadataResponse()
		resp.ControllerID = int32(len(req.Topics))
		return resp
	})
	HandleAsync(r, 0, 4, func(_ *Ctx, _ *kmsg.HeartbeatRequest, t Ticket) {
		go Reply(t, kmsg.NewPtrHeartbeatResponse())
	})
	HandleRaw(r, 0, 3, 13, func(_ *Ctx, t Ticket) { t.Done() }, AdvertiseFrom(0))
	HandleRaw(r, peer.KeyMetaSubmit, 0, 0, func(c *Ctx, t Ticket) {
		Reply(t, &peer.Response{APIKey: c.Key, Payload: append([]byte("re: "), c.Body...)})
	})
	return r
}

// serve runs a server of r on a loopback port and returns its address.
func serve(t testing.TB, r *Registry, info server.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{}, r)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l, info) }()
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

func kgoClient(t testing.TB, addr string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestApiVersionsWithKgo(t *testing.T) {
	c := kgoClient(t, serve(t, testRegistry(), server.Listener{}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "test", "1.0"
	resp, err := req.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ErrorCode != 0 {
		t.Fatal(kerr.ErrorForCode(resp.ErrorCode))
	}
	type triple struct{ Key, Min, Max int16 }
	var got []triple
	for _, k := range resp.ApiKeys {
		got = append(got, triple{k.ApiKey, k.MinVersion, k.MaxVersion})
	}
	want := []triple{{0, 0, 13}, {3, 0, 13}, {12, 0, 4}, {18, 0, 5}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("advertised APIs (-want +got):\n%s", d)
	}
	if len(resp.SupportedFeatures) != 2 || resp.FinalizedFeaturesEpoch != 5 || len(resp.FinalizedFeatures) != 1 {
		t.Errorf("features: %+v %d %+v", resp.SupportedFeatures, resp.FinalizedFeaturesEpoch, resp.FinalizedFeatures)
	}
	meta := kmsg.NewPtrMetadataRequest()
	meta.Topics = make([]kmsg.MetadataRequestTopic, 7)
	for i := range meta.Topics {
		meta.Topics[i] = kmsg.NewMetadataRequestTopic()
		meta.Topics[i].Topic = kmsg.StringPtr("t")
	}
	m, err := meta.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if m.ControllerID != 7 {
		t.Errorf("Metadata answered %d, want 7", m.ControllerID)
	}
}
