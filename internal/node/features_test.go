package node

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// atFirstLevel makes a cluster as one that an older program has formatted.
func atFirstLevel(t *testing.T, n *Node) {
	t.Helper()
	if _, err := kraftmeta.Do(deadline(t), n.metadata, &image.UpdateFeatures{
		Features: []image.Feature{{Name: image.MetadataFeature, Level: image.FirstLevel}}, AllowDowngrade: true,
	}); err != nil {
		t.Fatal(err)
	}
}

// updateFeature asks for a level of a feature.
func updateFeature(t *testing.T, at, name string, level int16, change func(*kmsg.UpdateFeaturesRequest)) *kmsg.UpdateFeaturesResponse {
	t.Helper()
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.TimeoutMillis = 10_000
	u := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	u.Feature, u.MaxVersionLevel, u.UpgradeType = name, level, 1
	req.FeatureUpdates = append(req.FeatureUpdates, u)
	if change != nil {
		change(req)
	}
	return askAt[*kmsg.UpdateFeaturesResponse](t, at, req)
}

// olderBroker answers ApiVersions as a program does that knows first levels only.
func olderBroker(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := broker.NewRegistry()
	broker.RegisterApiVersions(r, broker.Identity{}, func() broker.Features {
		return broker.Features{Supported: []broker.Feature{{Name: image.MetadataFeature, Min: 1, Max: 1}}}
	})
	s := server.New(server.Config{Clock: clock.Wall(), Log: slog.New(slog.DiscardHandler)}, r)
	go func() { _ = s.Serve(l, server.Listener{Name: "PLAINTEXT"}) }()
	t.Cleanup(s.Close)
	return l
}

// TestRaiseLevels: a cluster that an older program formatted is raised, once no
// node runs an older one, and only upwards.
func TestRaiseLevels(t *testing.T) {
	c := newCluster(t, "controller", "broker", "broker")
	c.start()
	at, controller := c.nodes[1].Addr(), c.nodes[0].controllerListeners[0].Addr().String()
	atFirstLevel(t, c.nodes[1])
	level := func() int16 { return c.nodes[0].controller.Image().FeatureLevel(image.MetadataFeature) }
	latest := image.LatestFeatures()[0].Level

	wrong := func(what string, resp *kmsg.UpdateFeaturesResponse, want *kerr.Error, words string) {
		t.Helper()
		wantCode(t, what, resp.ErrorCode, want)
		if resp.ErrorMessage == nil || !strings.Contains(*resp.ErrorMessage, words) {
			t.Errorf("%s: says %v, want %q", what, resp.ErrorMessage, words)
		}
		if level() != 1 {
			t.Fatalf("%s: the level is %d", what, level())
		}
	}
	wrong("nobody's feature", updateFeature(t, at, "metadata.version", 25, nil), kerr.InvalidUpdateVersion, "metadata.version")
	wrong("nobody's level", updateFeature(t, at, image.MetadataFeature, latest+1, nil), kerr.InvalidUpdateVersion, "up to level")
	wrong("a lower level", updateFeature(t, at, image.MetadataFeature, 0, func(r *kmsg.UpdateFeaturesRequest) {
		r.FeatureUpdates[0].UpgradeType = 3
	}), kerr.InvalidUpdateVersion, "cannot be lowered")
	wrong("up as a downgrade", updateFeature(t, at, image.MetadataFeature, latest, func(r *kmsg.UpdateFeaturesRequest) {
		r.FeatureUpdates[0].UpgradeType = 2
	}), kerr.InvalidUpdateVersion, "no downgrade")
	wrong("twice", updateFeature(t, at, image.MetadataFeature, latest, func(r *kmsg.UpdateFeaturesRequest) {
		r.FeatureUpdates = append(r.FeatureUpdates, r.FeatureUpdates[0])
	}), kerr.InvalidRequest, "twice")

	older := olderBroker(t)
	register := kmsg.NewPtrBrokerRegistrationRequest()
	register.BrokerID, register.ClusterID, register.IncarnationID = 9, testCluster, [16]byte{9}
	l := kmsg.NewBrokerRegistrationRequestListener()
	l.Name, l.Host, l.Port = "PLAINTEXT", "127.0.0.1", uint16(older.Addr().(*net.TCPAddr).Port)
	register.Listeners = append(register.Listeners, l)
	joined := askAt[*kmsg.BrokerRegistrationResponse](t, controller, register)
	wantCode(t, "an older broker joins", joined.ErrorCode, nil)
	wrong("an older broker lives", updateFeature(t, at, image.MetadataFeature, latest, nil), kerr.InvalidUpdateVersion, "broker 9 knows")
	gone := kmsg.NewPtrBrokerHeartbeatRequest()
	gone.BrokerID, gone.BrokerEpoch, gone.WantFence = 9, joined.BrokerEpoch, true
	wantCode(t, "it leaves", askAt[*kmsg.BrokerHeartbeatResponse](t, controller, gone).ErrorCode, nil)
	c.until("it to be fenced", func() bool {
		x, ok := c.nodes[0].controller.Image().Node(9)
		return ok && !x.IsAlive()
	})

	dry := updateFeature(t, at, image.MetadataFeature, latest, func(r *kmsg.UpdateFeaturesRequest) { r.ValidateOnly = true })
	if wantCode(t, "dry run", dry.ErrorCode, nil); level() != 1 {
		t.Error("a dry run changed the level")
	}
	wantCode(t, "raise", updateFeature(t, at, image.MetadataFeature, latest, nil).ErrorCode, nil)
	wantCode(t, "raise again, at the controller", updateFeature(t, controller, image.MetadataFeature, latest, nil).ErrorCode, nil)
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "test", "1"
	c.until("the brokers to tell of the level", func() bool {
		told := askAt[*kmsg.ApiVersionsResponse](t, c.nodes[2].Addr(), versions)
		for _, f := range told.FinalizedFeatures {
			if f.Name == image.MetadataFeature {
				return f.MaxVersionLevel == latest
			}
		}
		return false
	})
	down := updateFeature(t, at, image.MetadataFeature, 1, func(r *kmsg.UpdateFeaturesRequest) { r.FeatureUpdates[0].UpgradeType = 2 })
	if wantCode(t, "down again", down.ErrorCode, kerr.InvalidUpdateVersion); level() != latest {
		t.Error("the level was lowered")
	}
}

// TestRaisedPastAProgram: a node that does not know a level that the cluster was
// raised to stops.
func TestRaisedPastAProgram(t *testing.T) {
	c := newCluster(t, "broker,controller")
	c.start()
	n := c.nodes[0]
	_, err := kraftmeta.Do(deadline(t), n.metadata, &image.UpdateFeatures{Features: []image.Feature{{Name: image.WALFeature, Level: 99}}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-n.Done():
		if !strings.Contains(err.Error(), "use a newer program") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the node goes on")
	}
}

// refusedAtFirstLevel has an outage's WAL not given up at the first level, says
// the way, and goes it.
func (o *outage) refusedAtFirstLevel(form url.Values) {
	o.t.Helper()
	atFirstLevel(o.t, o.nodes[0])
	o.until("the other node to know the level", func() bool {
		return o.nodes[1].metadata.Image().FeatureLevel(image.MetadataFeature) == image.FirstLevel
	})
	code, body := o.asked(o.nodes[1], "/v1/wal/abandon", form)
	if code != http.StatusConflict {
		o.t.Fatalf("given up at the first level: %d %s", code, body)
	}
	wantWords(o.t, body, "is at level 1", "kafka-features.sh", "--feature seawall.metadata.version=2")
	wantCode(o.t, "raise", updateFeature(o.t, o.nodes[1].Addr(), image.MetadataFeature, 2, nil).ErrorCode, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// The node that is asked takes the level in with its feed.
	if err := o.nodes[1].observer.WaitFor(ctx, o.active().controller.Image().Index()); err != nil {
		o.t.Fatal(err)
	}
}
