package node

import (
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// askAt sends a request to a listener and returns its answer.
func askAt[R kmsg.Response](t *testing.T, addr string, req kmsg.Request) R {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	resp, err := cl.SeedBrokers()[0].Request(deadline(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(R)
}

func wantCode(t *testing.T, what string, code int16, want *kerr.Error) {
	t.Helper()
	wanted := int16(0)
	if want != nil {
		wanted = want.Code
	}
	if code != wanted {
		t.Errorf("%s: %v, want %v", what, kerr.ErrorForCode(code), want)
	}
}

// TestBrokerLifeByKafkasRequests: a broker registers, shows that it is alive,
// says good-bye and is forgotten.
func TestBrokerLifeByKafkasRequests(t *testing.T) {
	c := newCluster(t, "broker,controller")
	c.start()
	n := c.nodes[0]
	at := n.controllerListeners[0].Addr().String()
	beat := func(node int32, epoch int64, gone bool) *kmsg.BrokerHeartbeatResponse {
		t.Helper()
		req := kmsg.NewPtrBrokerHeartbeatRequest()
		req.BrokerID, req.BrokerEpoch, req.WantFence = node, epoch, gone
		return askAt[*kmsg.BrokerHeartbeatResponse](t, at, req)
	}
	register := func(cluster string) *kmsg.BrokerRegistrationResponse {
		t.Helper()
		req := kmsg.NewPtrBrokerRegistrationRequest()
		req.BrokerID, req.ClusterID, req.IncarnationID = 9, cluster, [16]byte{9}
		l := kmsg.NewBrokerRegistrationRequestListener()
		l.Name, l.Host, l.Port = "PLAINTEXT", "127.0.0.1", 1
		req.Listeners = append(req.Listeners, l)
		return askAt[*kmsg.BrokerRegistrationResponse](t, at, req)
	}
	wantCode(t, "heartbeat of nobody", beat(9, 1, false).ErrorCode, kerr.BrokerIDNotRegistered)
	wantCode(t, "another cluster", register("c2Vhd2FsbC10ZXN0LS0tMg").ErrorCode, kerr.InconsistentClusterID)
	r := register(testCluster)
	if again := register(testCluster); r.ErrorCode != 0 || again.BrokerEpoch != r.BrokerEpoch {
		t.Fatalf("registered: %+v, and again: %+v", r, again)
	}
	if b := beat(9, r.BrokerEpoch, false); b.ErrorCode != 0 || b.IsFenced {
		t.Errorf("heartbeat: %+v", b)
	}
	wantCode(t, "heartbeat of an earlier epoch", beat(9, r.BrokerEpoch-1, false).ErrorCode, kerr.StaleBrokerEpoch)

	unregister := kmsg.NewPtrUnregisterBrokerRequest()
	unregister.BrokerID = 9
	if code := askAt[*kmsg.UnregisterBrokerResponse](t, at, unregister).ErrorCode; code == 0 {
		t.Error("a living broker was unregistered")
	}
	wantCode(t, "good-bye", beat(9, r.BrokerEpoch, true).ErrorCode, nil)
	c.until("the broker to be fenced", func() bool {
		x, ok := n.metadata.Image().Node(9)
		return ok && x.State == image.NodeFenced
	})
	wantCode(t, "heartbeat of a fenced broker", beat(9, r.BrokerEpoch, false).ErrorCode, kerr.StaleBrokerEpoch)
	wantCode(t, "unregister", askAt[*kmsg.UnregisterBrokerResponse](t, at, unregister).ErrorCode, nil)
	wantCode(t, "heartbeat of a removed broker", beat(9, r.BrokerEpoch+1, false).ErrorCode, kerr.BrokerIDNotRegistered)
}

// TestVoterJoins: a controller that knows others by bootstrap servers alone is
// added to the voters, and taken away again, by requests to a broker.
func TestVoterJoins(t *testing.T) {
	c := newCluster(t, "broker,controller", "controller")
	delete(c.sources[1], "controller.quorum.voters")
	first, second := c.sources[0]["controller.quorum.voters"], ""
	for i := range first {
		if first[i] == ',' {
			first, second = first[:i], first[i+1:]
			break
		}
	}
	c.sources[0]["controller.quorum.voters"] = first
	c.sources[1]["controller.quorum.bootstrap.servers"] = first[len("1@"):]
	only := &cluster{t: c.t, dir: c.dir, listeners: c.listeners, sources: c.sources}
	only.nodes = c.nodes[:1]
	only.start()
	started := make(chan error, 1)
	joining := c.make(1)
	go func() { started <- joining.Start(deadline(t)) }()

	host, port, _ := net.SplitHostPort(second[len("2@"):])
	number, _ := strconv.Atoi(port)
	add := kmsg.NewPtrAddRaftVoterRequest()
	add.VoterID, add.TimeoutMillis = 2, 10_000
	l := kmsg.NewAddRaftVoterRequestListener()
	l.Name, l.Host, l.Port = "CONTROLLER", host, uint16(number)
	add.Listeners = append(add.Listeners, l)
	at := c.nodes[0].Addr()
	wantCode(t, "add", askAt[*kmsg.AddRaftVoterResponse](t, at, add).ErrorCode, nil)
	if err := <-started; err != nil {
		t.Fatalf("the new voter: %v", err)
	}
	wantCode(t, "add again", askAt[*kmsg.AddRaftVoterResponse](t, at, add).ErrorCode, kerr.DuplicateVoter)
	if q := joining.controller.Quorum(); len(q.Voters) != 2 {
		t.Errorf("the new voter knows %+v", q)
	}
	remove := kmsg.NewPtrRemoveRaftVoterRequest()
	remove.VoterID = 2
	wantCode(t, "remove", askAt[*kmsg.RemoveRaftVoterResponse](t, at, remove).ErrorCode, nil)
	wantCode(t, "remove again", askAt[*kmsg.RemoveRaftVoterResponse](t, at, remove).ErrorCode, kerr.VoterNotFound)
	remove.VoterID = 1
	wantCode(t, "remove the last", askAt[*kmsg.RemoveRaftVoterResponse](t, at, remove).ErrorCode, kerr.InvalidRequest)
}
