package config

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// minimal is the least that a node can be started with.
const minimal = "node.id=1\ns3.data.buckets=0@file:///srv/objects\n"

func load(t *testing.T, src Sources) *Config {
	t.Helper()
	if src.Hostname == "" {
		src.Hostname = "broker1"
	}
	c, warnings, err := Load(src)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	for _, w := range warnings {
		t.Errorf("unexpected warning: %s", w)
	}
	return c
}

func TestLoadMinimal(t *testing.T) {
	c := load(t, Sources{File: []byte(minimal), MemoryBytes: 10 << 30})
	want := Node{ID: 1, IsBroker: true, IsController: true, DataDir: "/var/lib/seawall", MetadataDir: "/var/lib/seawall"}
	if diff := cmp.Diff(want, c.Node); diff != "" {
		t.Errorf("Node (-want +got):\n%s", diff)
	}
	wantWAL := WAL{Kind: WALFile, Path: "/var/lib/seawall/seawall.wal", CapacityBytes: 10 << 30, IODepth: 8, FenceKind: FenceExclusive}
	if diff := cmp.Diff(wantWAL, c.WAL); diff != "" {
		t.Errorf("WAL (-want +got):\n%s", diff)
	}
	if got, want := c.Network.Listeners, []Listener{{"PLAINTEXT", "PLAINTEXT", "", 9092}}; !cmp.Equal(got, want) {
		t.Errorf("Listeners = %v, want %v", got, want)
	}
	if got, want := c.Network.ControllerListeners, []Listener{{"CONTROLLER", "PLAINTEXT", "", 9093}}; !cmp.Equal(got, want) {
		t.Errorf("ControllerListeners = %v, want %v", got, want)
	}
	if got, want := c.Network.Advertised, []Listener{{"PLAINTEXT", "PLAINTEXT", "broker1", 9092}}; !cmp.Equal(got, want) {
		t.Errorf("Advertised = %v, want %v", got, want)
	}
	if got, want := c.Memory.BudgetBytes, int64(5<<30); got != want {
		t.Errorf("budget = %d, want half of the memory, %d", got, want)
	}
	if c.Cache.LogBytes != 2<<30 || c.Cache.BlockBytes != 1<<30 || c.Network.QueuedBytesMax != 1<<30 {
		t.Errorf("caches = %+v, queue = %d: want 2/5, 1/5 and 1/5 of the budget", c.Cache, c.Network.QueuedBytesMax)
	}
	if got, want := c.Upload, (Upload{ThresholdBytes: 128 << 20, Interval: time.Minute, RescueTarget: 5 * time.Second}); got != want {
		t.Errorf("Upload = %+v, want %+v", got, want)
	}
	if c.Offsets.Retention != 7*24*time.Hour || c.WALTimeout != 10*time.Second || c.Group.InitialRebalanceDelay != 3*time.Second {
		t.Errorf("durations: %v %v %v", c.Offsets.Retention, c.WALTimeout, c.Group.InitialRebalanceDelay)
	}
}

func TestPrecedence(t *testing.T) {
	src := Sources{
		Defaults:  map[string]string{"num.partitions": "2", "broker.rack": "default", "group.max.size": "2", "max.connections": "2"},
		File:      []byte(minimal + "broker.rack=file\ngroup.max.size=3\nmax.connections=3\n"),
		Env:       []string{"PATH=/bin", "KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_GROUP_MAX_SIZE=4", "KAFKA_MAX_CONNECTIONS=4"},
		Overrides: []string{"max.connections = 5"},
	}
	c := load(t, src)
	if c.Topics.NumPartitions != 2 || c.Node.Rack != "file" || c.Group.SizeMax != 4 || c.Network.ConnectionsMax != 5 {
		t.Errorf("got %d %q %d %d, want 2 file 4 5", c.Topics.NumPartitions, c.Node.Rack, c.Group.SizeMax, c.Network.ConnectionsMax)
	}
}

func TestRoles(t *testing.T) {
	const cluster = "cluster.id=AAAAAAAAAAAAAAAAAAAAAQ\n"
	c := load(t, Sources{File: []byte(cluster + "node.id=2\nprocess.roles=controller\ncontroller.quorum.voters=1@a:1,2@b:2,3@c:3\n")})
	if len(c.Network.Listeners) != 0 || len(c.Network.ControllerListeners) != 1 || len(c.Controller.Voters) != 3 {
		t.Errorf("controller: %+v, %+v", c.Network, c.Controller)
	}
	c = load(t, Sources{File: []byte(minimal + "process.roles=broker\ncontroller.quorum.bootstrap.servers=a:1,b:2\n"), Hostname: "h"})
	if len(c.Network.Listeners) != 1 || len(c.Network.ControllerListeners) != 0 || len(c.Controller.Bootstrap) != 2 ||
		len(c.Controller.Voters) != 0 || c.Network.InterBroker != "PLAINTEXT" {
		t.Errorf("broker: %+v, %+v", c.Network, c.Controller)
	}
	c = load(t, Sources{File: []byte(minimal), Hostname: "h"})
	if v := c.Controller.Voters; len(v) != 1 || v[0] != (Voter{1, "h", 9093}) {
		t.Errorf("alone: %v", v)
	}
}

func TestFileSyntax(t *testing.T) {
	c := load(t, Sources{File: []byte("# comment\n! too\nnode.id = 7\n\n" +
		"s3.data.buckets:0@s3://sea?\\\n    region=eu-central-1\nbroker.rack=${HOME} \\u00e9\n")})
	if c.Node.ID != 7 || c.Node.Rack != "${HOME} é" || c.Store.URL != "0@s3://sea?region=eu-central-1" {
		t.Errorf("got node %d, rack %q, store %+v", c.Node.ID, c.Node.Rack, c.Store)
	}
	if got := c.Controller.Voters[0].ID; got != 7 {
		t.Errorf("the default voter is %d, want this node", got)
	}
}

func TestEnvNames(t *testing.T) {
	for name, variable := range map[string]string{
		"node.id": "KAFKA_NODE_ID", "a_b": "KAFKA_A__B", "a-b.c": "KAFKA_A___B_C",
	} {
		if got := EnvName(name); got != variable {
			t.Errorf("EnvName(%s) = %s, want %s", name, got, variable)
		}
		if got, ok := envProperty(variable); got != name || !ok {
			t.Errorf("envProperty(%s) = %s %v, want %s", variable, got, ok, name)
		}
	}
	for _, d := range All(Broker) {
		if got, ok := envProperty(EnvName(d.Name)); got != d.Name || !ok {
			t.Errorf("%s does not survive its environment name %s: %s", d.Name, EnvName(d.Name), got)
		}
	}
}

// TestAllFaultsAtOnce shows five mistakes of five kinds in one report.
func TestAllFaultsAtOnce(t *testing.T) {
	_, _, err := Load(Sources{
		File: []byte("num.partitions=none\nlisteners=PLAINTEXT://0.0.0.0:9092\ns3.wal.path=0@nfs://sea\n" +
			"ssl.keystore.location=/k\ngroup.min.session.timeout.ms=7000\ngroup.max.session.timeout.ms=6000\n"),
		Overrides: []string{"acks"},
	})
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error is %T %v, want Faults", err, err)
	}
	want := strings.Join([]string{
		"--override acks: has no =; write --override property=value",
		"num.partitions=none: must be a whole number of 32 bits",
		"s3.wal.path=0@nfs://sea: \"nfs\" is no kind of WAL: use 0@file:///path, 0@block:///dev/… or 0@s3://bucket",
		"ssl.keystore.location: TLS does not come with this version; remove it",
		"node.id: is required; give each node a number of its own, for example node.id=1",
		"advertised.listeners=PLAINTEXT://0.0.0.0:9092: is no address that a client could connect to; " +
			"name one that clients reach, for example advertised.listeners=PLAINTEXT://broker1.example.net:9092",
		"s3.data.buckets: is required; write s3.data.buckets=0@s3://bucket?region=… or 0@file:///path",
		"group.min.session.timeout.ms=7000: is more than group.max.session.timeout.ms",
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestCrossFieldFaults(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"lost broker", "process.roles=broker", "controller.quorum.voters: names nobody, and this node is no controller"},
		{"a cluster id that is none", "cluster.id=mycluster", "cluster.id=mycluster: must be 22 characters of base64"},
		{"no cluster id", "controller.quorum.voters=1@a:1,2@b:2,3@c:1", "cluster.id: is required with several controllers"},
		{"no way to controllers", "cluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nlisteners=PLAINTEXT://:9092\ncontroller.quorum.voters=1@a:1,2@b:2,3@c:1", "names no listener for controllers"},
		{"voter without the role", "process.roles=broker\ncontroller.quorum.voters=1@a:1", "names this node, 1, which is no controller"},
		{"controller with clients", "process.roles=controller\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093", "is for clients, and this node is no broker"},
		{"broker for controllers", "process.roles=broker\ncontroller.quorum.voters=2@a:1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093", "is for controllers, and this node is none"},
		{"bootstrap servers", "controller.quorum.bootstrap.servers=a", "must be host:port"},
		{"inter-broker listener", "inter.broker.listener.name=INSIDE", "inter.broker.listener.name=INSIDE: is not among the listeners"},
		{"gossip of no cluster", "gossip.listener=:7946", "cluster.id: is required with gossip.listener"},
		{"seeds and no gossip", "gossip.seeds=a:1", "gossip.listener: is required with gossip.seeds"},
		{"gossip key of no length", "gossip.encryption.key=AAAA\nnum.partitions=x", "num.partitions"}, // and the next one's
		{"gossip key", "gossip.encryption.key=AAAA\nnum.partitions=x", "gossip.encryption.key=[hidden]: must be 16, 24 or 32 bytes"},
		{"gossip key in words", "gossip.encryption.key=secret!", "gossip.encryption.key=[hidden]: must be base64"},
		{"session", "broker.session.timeout.ms=400", "is less than twice broker.heartbeat.interval.ms"},
		{"foreign voter", "controller.quorum.voters=3@a:1", "controller.quorum.voters=3@a:1: does not name this node"},
		{"no client listener", "listeners=CONTROLLER://:9093", "names no listener for clients"},
		{"same port", "listeners=PLAINTEXT://h:1,CONTROLLER://h:1", "listeners=CONTROLLER://h:1: has the address of PLAINTEXT"},
		{"protocol", "listener.security.protocol.map=PLAINTEXT:SSL,CONTROLLER:PLAINTEXT", "speaks PLAINTEXT only"},
		{"unmapped", "listeners=INSIDE://:9092", "gives INSIDE no protocol"},
		{"advertised name", "advertised.listeners=OTHER://h:1\nlistener.security.protocol.map=OTHER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", "is not among the listeners"},
		{"advertised port", "advertised.listeners=PLAINTEXT://h:0", "has port 0"},
		{"rescue paths", "s3.wal.rescue.paths=/shared", "must be file:///directory or block:///dev/…"},
		{"relative directory", "log.dirs=data", "log.dirs=data: must be the absolute path"},
		{"threshold", "s3.wal.path=0@file:///w?capacity=1GiB\ns3.wal.upload.threshold=1073741824", "more than half of the WAL's capacity of 1GiB"},
		{"block", "s3.object.block.size=33554432", "is more than s3.object.part.size"},
		{"budget", "memory.budget.bytes=1000", "is too little"},
		{"caches", "memory.budget.bytes=100000000\ns3.wal.cache.size=90000000", "is less than s3.wal.cache.size"},
		{"batch", "socket.request.max.bytes=1000000", "message.max.bytes=1048588: is more than socket.request.max.bytes"},
		{"batch and WAL", "s3.wal.path=0@file:///w?capacity=16MiB\nmessage.max.bytes=5000000", "more than a quarter of the WAL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Load(Sources{File: []byte(minimal + c.file), Hostname: "h"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestRescuePaths(t *testing.T) {
	for file, want := range map[string][]string{
		"s3.wal.path=0@file:///shared/wal/n1?fence=shared":                                                      {"file:///shared/wal/"},
		"s3.wal.path=0@block:///dev/disk/by-id/x1?fence=reservation":                                            {"block:///dev/disk/by-id/"},
		"s3.wal.path=0@block:///dev/sdb":                                                                        nil,
		"s3.wal.path=0@block:///dev/sdb?fence=reservation\ns3.wal.rescue.paths=file:///mnt,block:///dev/mapped": {"file:///mnt/", "block:///dev/mapped"},
	} {
		if diff := cmp.Diff(want, load(t, Sources{File: []byte(minimal + file)}).Rescue.Reach); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestGossip(t *testing.T) {
	const key = "AAECAwQFBgcICQoLDA0ODw=="
	c, _, err := Load(Sources{Hostname: "h", File: []byte("node.id=1\nprocess.roles=broker\nlisteners=PLAINTEXT://h:9092\ns3.data.buckets=0@file:///o\n" +
		"cluster.id=AAAAAAAAAAAAAAAAAAAAAQ\ngossip.listener=:7946\ngossip.seeds=a:1,b:2\ngossip.encryption.key=" + key)})
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Gossip; g.Listener != ":7946" || len(g.Seeds) != 2 || len(g.Key) != 16 || len(c.Controller.Voters) != 0 {
		t.Errorf("%+v, voters %v", c.Gossip, c.Controller.Voters)
	}
	for _, e := range c.DescribeBroker() {
		if strings.Contains(e.Value, key) {
			t.Errorf("%s shows the key", e.Def.Name)
		}
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, err := Load(Sources{File: []byte(minimal +
		"num.partition=3\nretention.ms=5\ncompletely.unheard.of.setting=1\ndiskless.enable=false\n"), Hostname: "h"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Warning{
		{"completely.unheard.of.setting", "is not known and has no effect"},
		{"diskless.enable", "is a topic property and has no effect on a broker"},
		{"num.partition", "is not known and has no effect; did you mean num.partitions?"},
		{"retention.ms", "is a topic property and has no effect on a broker; set log.retention.ms"},
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestDevDefaults(t *testing.T) {
	c := load(t, Sources{Defaults: DevDefaults("/tmp/a b", "127.0.0.1:0", "", "")})
	if c.WAL.Path != "/tmp/a b/seawall.wal" || c.WAL.CapacityBytes != 1<<30 {
		t.Errorf("WAL = %+v", c.WAL)
	}
	if c.Store.URL != "0@file:///tmp/a%20b/objects" || c.Admin.Addr != "" {
		t.Errorf("store = %+v, admin = %q", c.Store, c.Admin.Addr)
	}
	if c.Group.InitialRebalanceDelay != 0 || len(c.Network.ControllerListeners) != 0 {
		t.Errorf("group = %+v, network = %+v", c.Group, c.Network)
	}
	c = load(t, Sources{Defaults: DevDefaults("/d", "127.0.0.1:0", "127.0.0.1:0", "s3://sea?endpoint=http://127.0.0.1:9000&pathStyle=true")})
	if c.Store.URL != "0@s3://sea?endpoint=http://127.0.0.1:9000&pathStyle=true" {
		t.Errorf("store = %+v", c.Store)
	}
}

func TestDurationsDoNotOverflow(t *testing.T) {
	c := load(t, Sources{File: []byte(minimal + "connections.max.idle.ms=" + maxLong + "\n")})
	if c.Network.ConnectionIdleMax != math.MaxInt64 {
		t.Errorf("ConnectionIdleMax = %v", c.Network.ConnectionIdleMax)
	}
}

// FuzzLoad shows that no text of a file can make Load panic, and that what it
// accepts passes Validate.
func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add(minimal + "s3.wal.path=0@file:///w?capacity=1GiB&iops=3\nlisteners=A://[::1]:1,B://x:2")
	f.Add("controller.quorum.voters=1@@:\nadvertised.listeners=://:\nlog.dirs=,")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := Load(Sources{File: []byte(text), Hostname: "h"})
		if err == nil && c.Validate() != nil {
			t.Errorf("Load accepted what Validate refuses: %v", c.Validate())
		}
	})
}
