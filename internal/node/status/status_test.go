package status

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// metadata is an image that commands change.
type metadata struct {
	t        *testing.T
	img      *image.Image
	sequence uint64
}

func (m *metadata) do(cmd image.Command) image.Result {
	m.t.Helper()
	m.sequence++
	next, _, answer := image.Apply(m.img, m.img.Index()+1, &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{1}, Sequence: m.sequence}, AckedBelow: m.sequence, Command: cmd,
	})
	if answer.Refusal != nil {
		m.t.Fatalf("%s: %v", cmd.CommandKind(), answer.Refusal)
	}
	m.img = next
	return answer.Result
}

// threeNodes are nodes 1 to 3 with a WAL each; topic t has a partition on each,
// open.
func threeNodes(t *testing.T) *metadata {
	m := &metadata{t: t, img: image.New()}
	m.do(&image.FormatCluster{ClusterID: ids.UUID{7}, Features: image.LatestFeatures()})
	for id := ids.NodeID(1); id <= 3; id++ {
		m.do(&image.RegisterNode{Node: id, Incarnation: ids.UUID{2, byte(id)}, Rack: "a", Reach: []string{"file:///wal/"},
			Endpoints: []image.Endpoint{{Listener: "PLAINTEXT", Host: "h", Port: 9090 + uint16(id)}}})
		m.do(&image.OpenWAL{Node: id, NodeEpoch: 1, Instance: ids.WALInstance{byte(id)}, Kind: "shared", Location: "file:///wal/" + id.String()})
	}
	m.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.TopicID{9}, Leaders: []ids.NodeID{1, 2, 3}}}})
	for p := range m.img.Partitions(ids.TopicID{9}) {
		m.do(&image.OpenStreams{Node: p.Leader, NodeEpoch: 1, WAL: ids.WALInstance{byte(p.Leader)},
			Streams: []image.OpenStream{{Stream: p.Stream}}})
	}
	return m
}

func (m *metadata) lead(index int32, to ids.NodeID) {
	p, _ := m.img.Partition(ids.TopicID{9}, index)
	m.do(&image.SetLeaders{Partitions: []image.NewLeader{{Topic: p.Topic, Index: index, Expected: p.LeaderEpoch, Leader: to}}})
}

func TestCalmCluster(t *testing.T) {
	m := threeNodes(t)
	c := Describe(m.img, &View{
		Seen: 1, Controller: 2, Controllers: []Controller{{1, -1}, {2, 77}}, Lag: 5,
		Nodes: map[ids.NodeID]Known{
			2: {MetadataLag: 3, Told: true, UntrimmedBytes: 4096, RescueSeconds: 0.5, BytesIn: 10, BytesOut: 11, Requests: 12},
			3: {},
		},
		Gossip: map[ids.NodeID]string{1: "", 3: "draining"},
	})
	if len(c.Nodes) != 3 || len(c.WALs) != 3 || len(c.Moving)+len(c.Offline) != 0 {
		t.Fatalf("%+v", c)
	}
	lag := uint64(3)
	want := Node{ID: 2, Epoch: 1, State: "active", Rack: "a", Address: "h:9092", Leads: 1,
		Lag: &lag, Load: &Load{10, 11, 12}, Gossip: "silent"}
	if g := c.Nodes[0].Gossip + "," + c.Nodes[2].Gossip; g != "heard,draining" || c.Nodes[0].Lag != nil || c.Nodes[2].Load != nil {
		t.Errorf("nodes 1 and 3: %+v, %+v", c.Nodes[0], c.Nodes[2])
	}
	if w := c.WALs[1]; w.Untrimmed == nil || *w.Untrimmed != 4096 || *w.RescueSeconds != 0.5 || c.WALs[2].Untrimmed != nil {
		t.Errorf("WALs of 2 and 3: %+v, %+v", w, c.WALs[2])
	}
	if d := cmp.Diff(want, c.Nodes[1]); d != "" {
		t.Errorf("node 2 (-want +got):\n%s", d)
	}
	if w := c.WALs[2]; w.Node != 3 || w.Holder != 3 || w.Rescuer != -1 || w.Tails != 1 || w.State != "open" {
		t.Errorf("WAL of node 3: %+v", w)
	}
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"active controller 2, as node 1 sees it", "(5 behind)", "broker,controller*", "file:///wal/3", "held by", "0.5 s", "2*          77"} {
		if !strings.Contains(strings.ToLower(b.String()), words) {
			t.Errorf("the text lacks %q:\n%s", words, b.String())
		}
	}
	if strings.Contains(b.String(), "MOVING") || strings.Contains(b.String(), "OFFLINE") {
		t.Errorf("the text has empty tables:\n%s", b.String())
	}
}

func TestMovingAndOffline(t *testing.T) {
	m := threeNodes(t)
	m.lead(0, 2)
	m.do(&image.FenceNode{Node: 3, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: ids.WALInstance{3}, Rescuer: 1}}})
	c := Describe(m.img, &View{Seen: 1, Controller: -1, Unknown: "no answer", Lost: 3 * time.Second})
	if d := cmp.Diff([]Partition{{Topic: "t", Index: 0, From: 1, To: 2, Why: "the old leader has not closed its tail yet"}}, c.Moving); d != "" {
		t.Errorf("moving (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]Partition{{Topic: "t", Index: 2, From: 3, To: 3, Why: "the WAL file:///wal/3 waits for its rescue by node 1"}}, c.Offline); d != "" {
		t.Errorf("offline (-want +got):\n%s", d)
	}
	var b strings.Builder
	if err := c.Print(&b); err != nil || !strings.Contains(b.String(), "no answer") || !strings.Contains(b.String(), "for 3 s") {
		t.Errorf("%v, the text does not say what is missing:\n%s", err, b.String())
	}
	if w := c.WALs[2]; w.Rescuer != 1 {
		t.Errorf("WAL of node 3: %+v", w)
	}
	if n, ok := c.Leads(2); !ok || n != 2 {
		t.Errorf("node 2 leads %d, %v", n, ok)
	}
	// What clients of the JSON rely on.
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var again Cluster
	if err := json.Unmarshal(raw, &again); err != nil || cmp.Diff(c, again) != "" {
		t.Errorf("JSON does not come back: %v\n%s", err, cmp.Diff(c, again))
	}
}

// A WAL that waits for a dead node is out of reach; what would be lost with it
// is told, by its node or its instance, and nothing of those that are held.
func TestLosses(t *testing.T) {
	m := threeNodes(t)
	three := ids.WALInstance{3}
	m.do(&image.FenceNode{Node: 3, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: three, Rescuer: 2}}})
	if l, err := DescribeLosses(m.img, "3"); err != nil || l.WALs[0].OutOfReach || l.WALs[0].Rescuer != 2 {
		t.Errorf("while node 2 is to rescue it: %+v, %v", l, err)
	}
	m.do(&image.AssignRescuers{Rescuers: []image.WALRescuer{{Instance: three, Rescuer: image.NoLeader}}})
	m.lead(2, 1)
	why := "the WAL file:///wal/3 is out of reach: start node 3 with it, or give it up by 'seawall wal abandon " + three.Hex() + "'"
	c := Describe(m.img, &View{Seen: 1, Controller: 1})
	if d := cmp.Diff([]Partition{{Topic: "t", Index: 2, From: 3, To: 1, Why: why}}, c.Offline); d != "" {
		t.Errorf("offline (-want +got):\n%s", d)
	}
	if p, w := CountOffline(m.img); p != 1 || w != 1 {
		t.Errorf("%d partitions and %d WALs are counted", p, w)
	}
	want := Losses{WALs: []LostWAL{{
		Instance: three.Hex(), Location: "file:///wal/3", Node: 3, Holder: 3, HolderEpoch: 1, Rescuer: 3, OutOfReach: true,
		Parts: []LostPart{{Topic: "t", Index: 2, From: 0, End: -1}},
	}}}
	for _, which := range []string{"3", three.String(), three.Hex()} {
		l, err := DescribeLosses(m.img, which)
		if d := cmp.Diff(want, l); d != "" || err != nil {
			t.Errorf("losses of %s: %v (-want +got):\n%s", which, err, d)
		}
	}
	var b strings.Builder
	if err := errors.Join(want.Print(&b), c.Print(&b)); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"t-2", "from offset 0 on, as far as there were records", "OUT OF REACH, waits for node 3"} {
		if !strings.Contains(b.String(), words) {
			t.Errorf("the text lacks %q:\n%s", words, b.String())
		}
	}
	for which, words := range map[string]string{"1": "held by node 1, which lives", "7": "not known", "x": "neither"} {
		if _, err := DescribeLosses(m.img, which); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("losses of %s: %v", which, err)
		}
	}
	m.do(&image.AbandonWAL{Instance: three, Holder: 3, HolderEpoch: 1})
	if _, err := DescribeLosses(m.img, "3"); err == nil || !strings.Contains(err.Error(), "abandoned already") {
		t.Errorf("given up twice: %v", err)
	}
	if c := Describe(m.img, &View{Seen: 1, Controller: 1}); len(c.Offline) > 0 || c.WALs[2].State != "abandoned" || c.WALs[2].Holder != -1 {
		t.Errorf("given up: %+v", c)
	}
}

func TestPlan(t *testing.T) {
	m := threeNodes(t)
	if p := MakePlan(m.img, nil, balance.Options{Slack: 0.2, MovesMax: 16}); len(p.Moves) != 0 || p.ByLoad {
		t.Errorf("an even cluster: %+v", p)
	}
	m.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: "u", ID: ids.TopicID{8}, Leaders: []ids.NodeID{1, 1, 1, 1, 1, 1}}}})
	p := MakePlan(m.img, nil, balance.Options{Slack: 0.2, MovesMax: 16})
	var b strings.Builder
	if err := p.Print(&b); err != nil || len(p.Moves) == 0 || p.Moves[0].From != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if !strings.Contains(b.String(), "u-0 from node 1 to node ") && !strings.Contains(b.String(), "t-0 from node 1 to node ") {
		t.Errorf("the text: %s", b.String())
	}
}
