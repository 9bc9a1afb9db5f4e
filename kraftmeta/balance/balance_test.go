package balance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// meta is an image made by commands.
type meta struct {
	t   rapid.TB
	img *image.Image
	seq uint64
}

func newMeta(t rapid.TB) *meta {
	m := &meta{t: t, img: image.New()}
	m.do(&image.FormatCluster{ClusterID: ids.UUID{1}})
	return m
}

func (m *meta) do(cmd image.Command) image.Result {
	m.t.Helper()
	m.seq++
	next, _, answer := image.Apply(m.img, m.seq, &image.Request{
		ID: image.CommandID{Issuer: ids.UUID{9}, Sequence: m.seq}, AckedBelow: m.seq, Command: cmd,
	})
	if answer.Refusal != nil {
		m.t.Fatalf("%s: %v", cmd.CommandKind(), answer.Refusal)
	}
	m.img = next
	return answer.Result
}

// node registers a node that can read WALs under the prefixes, with an open WAL
// of its own at file:///wal/ID.
func (m *meta) node(id ids.NodeID, rack string, reach ...string) ids.WALInstance {
	m.t.Helper()
	n := m.do(&image.RegisterNode{Node: id, Incarnation: ids.UUID{2, byte(id), byte(m.seq)}, Previous: m.img.EpochOf(id), Rack: rack, Reach: reach}).(*image.Registered)
	instance := ids.WALInstance{3, byte(id), byte(n.Epoch)}
	m.do(&image.OpenWAL{Node: id, NodeEpoch: n.Epoch, Instance: instance, Kind: "shared", Location: fmt.Sprintf("file:///wal/%d", id)})
	return instance
}

// topic makes a topic with a partition for each leader, and returns its
// partitions' streams.
func (m *meta) topic(id byte, leaders ...ids.NodeID) []ids.StreamID {
	m.t.Helper()
	m.do(&image.CreateTopics{Topics: []image.NewTopic{{Name: fmt.Sprint("t", id), ID: ids.TopicID{id}, Leaders: leaders}}})
	var streams []ids.StreamID
	for p := range m.img.Partitions(ids.TopicID{id}) {
		streams = append(streams, p.Stream)
	}
	return streams
}

func (m *meta) find(id ids.NodeID) *image.Node {
	m.t.Helper()
	n, ok := m.img.Node(id)
	if !ok {
		m.t.Fatalf("no node %d", id)
	}
	return n
}

func nobody(ids.NodeID) bool { return false }

func TestPlaceSpreads(t *testing.T) {
	m := newMeta(t)
	if got := NewPlacer(m.img, nil).Place(3); got != nil {
		t.Fatalf("placed %v on no nodes", got)
	}
	m.node(1, "")
	m.node(2, "")
	m.node(3, "")
	m.topic(1, 1, 1, 2)
	if got, want := NewPlacer(m.img, nil).Place(3), []ids.NodeID{3, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("placed on %v, want %v", got, want)
	}
}

func TestFencingNamesRescuersWithinReach(t *testing.T) {
	m := newMeta(t)
	one := m.node(1, "", "file:///wal/")
	m.node(2, "", "file:///other/")
	three := m.node(3, "", "file:///wal/")
	m.node(4, "", "file:///wal/")

	got := Fence(m.img, m.find(1), nobody, nil)
	want := &image.FenceNode{Node: 1, Epoch: 1, Rescuers: []image.WALRescuer{{Instance: one, Rescuer: 3}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The one who would be chosen is dead too, or cannot.
	dead := func(n ids.NodeID) bool { return n == 3 }
	if got := Fence(m.img, m.find(1), dead, nil); got.Rescuers[0].Rescuer != 4 {
		t.Errorf("with node 3 dead: %v", got.Rescuers)
	}
	failed := map[Attempt]bool{{one, 3}: true}
	if got := Fence(m.img, m.find(1), nobody, failed); got.Rescuers[0].Rescuer != 4 {
		t.Errorf("with node 3 failing: %v", got.Rescuers)
	}
	failed[Attempt{one, 4}] = true
	if got := Fence(m.img, m.find(1), nobody, failed); got.Rescuers[0].Rescuer != 3 {
		t.Errorf("with both failing: %v", got.Rescuers)
	}

	// Two at once: each rescuer gets one, and what the dead was to rescue is
	// passed on with its fencing.
	m.do(Fence(m.img, m.find(1), nobody, nil))
	got = Fence(m.img, m.find(3), nobody, nil)
	slices.SortFunc(got.Rescuers, func(a, b image.WALRescuer) int { return slices.Compare(a.Instance[:], b.Instance[:]) })
	if want := []image.WALRescuer{{Instance: one, Rescuer: 4}, {Instance: three, Rescuer: 4}}; !slices.Equal(got.Rescuers, want) {
		t.Errorf("rescuers %v, want %v", got.Rescuers, want)
	}
}

// Two instances in one exclusive volume go to one node: the other could not have
// the volume at the same time.
func TestAnExclusiveVolumeIsNotTornBetweenRescuers(t *testing.T) {
	m := newMeta(t)
	m.node(1, "", "dev/")
	for i := range byte(2) {
		m.do(&image.OpenWAL{Node: 1, NodeEpoch: 1, Instance: ids.WALInstance{4, i}, Kind: "exclusive", Location: "dev/1"})
	}
	m.node(2, "", "dev/")
	m.node(3, "", "dev/")
	got := map[ids.NodeID]int{}
	for _, r := range Fence(m.img, m.find(1), nobody, nil).Rescuers {
		got[r.Rescuer]++
	}
	if got[2] != 2 {
		t.Errorf("rescues by node: %v", got)
	}
}

func TestRescuersAreReplacedOnlyWhenTheyCannot(t *testing.T) {
	m := newMeta(t)
	one := m.node(1, "", "file:///wal/")
	m.node(2, "", "file:///wal/")
	m.do(Fence(m.img, m.find(1), nobody, nil))
	if got := Rescuers(m.img, nil); got != nil {
		t.Errorf("a rescue under way: %v", got)
	}
	failed := map[Attempt]bool{{one, 2}: true}
	if got := Rescuers(m.img, failed); got != nil {
		t.Errorf("nobody else: %v", got)
	}
	m.node(1, "", "file:///wal/") // the holder is back
	if got, want := Rescuers(m.img, failed), []image.WALRescuer{{Instance: one, Rescuer: 1}}; !slices.Equal(got, want) {
		t.Errorf("rescuers %v, want %v", got, want)
	}
}

func TestOrphansGetLeaders(t *testing.T) {
	m := newMeta(t)
	m.node(1, "a")
	m.node(2, "a")
	m.node(3, "b")
	streams := m.topic(1, 1, 1, 1, 2, 3)
	if got := Leaders(m.img, nil); got != nil {
		t.Fatalf("nothing is amiss, yet %v", got)
	}
	m.do(&image.FenceNode{Node: 1, Epoch: 1})
	heavy := Loads{streams[2]: {BytesIn: 1e6}}
	var order []int32
	given := map[ids.NodeID]int{}
	for _, l := range Leaders(m.img, heavy) {
		order = append(order, l.Index)
		given[l.Leader]++
	}
	if want := []int32{2, 0, 1}; !slices.Equal(order, want) {
		t.Errorf("in order %v, want %v: the heaviest first", order, want)
	}
	if want := (map[ids.NodeID]int{2: 1, 3: 2}); !cmp.Equal(given, want) {
		t.Errorf("given %v, want %v: one heavy here, two idle there", given, want)
	}
	m.do(&image.LeaveCluster{Node: 2, Epoch: 1})
	m.do(&image.FenceNode{Node: 3, Epoch: 1})
	if got := Leaders(m.img, nil); got != nil {
		t.Errorf("nobody is left to lead, yet %v", got)
	}
}

// A plan brings the cluster closer to even, never moves a partition twice, and
// leaves nothing for a second plan to undo.
func TestPlansConverge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMeta(rt)
		nodes := rapid.IntRange(2, 5).Draw(rt, "nodes")
		for i := range nodes {
			m.node(ids.NodeID(i+1), "")
		}
		var leaders []ids.NodeID
		for range rapid.IntRange(1, 40).Draw(rt, "partitions") {
			leaders = append(leaders, ids.NodeID(1+rapid.IntRange(0, nodes-1).Draw(rt, "leader")))
		}
		loads := Loads{}
		for _, s := range m.topic(1, leaders...) {
			loads[s] = Load{BytesIn: float64(rapid.IntRange(0, 1000).Draw(rt, "load")) * 1e4}
		}
		before := spread(m.img, loads)
		rounds := 0
		for ; rounds < 100; rounds++ {
			plan := Plan(m.img, loads, DefaultOptions())
			if len(plan) == 0 {
				break
			}
			var cmd image.SetLeaders
			seen := map[int32]bool{}
			for _, move := range plan {
				if seen[move.Index] || move.From == move.To || move.Why == "" {
					rt.Fatalf("plan %+v", plan)
				}
				seen[move.Index] = true
				cmd.Partitions = append(cmd.Partitions, move.Leader())
			}
			m.do(&cmd)
			after := spread(m.img, loads)
			if after > before {
				rt.Fatalf("the spread grew from %.0f to %.0f", before, after)
			}
			before = after
		}
		if rounds == 100 {
			rt.Fatal("plans go on for ever")
		}
	})
}

// spread is the sum of the squares of what nodes carry: the more even, the
// less.
func spread(img *image.Image, loads Loads) float64 {
	sum := 0.0
	for _, n := range candidates(img, loads) {
		sum += n.cost * n.cost
	}
	return sum
}

func TestAnEvenClusterIsLeftAlone(t *testing.T) {
	m := newMeta(t)
	m.node(1, "")
	m.node(2, "")
	s := m.topic(1, 1, 2)
	loads := Loads{s[0]: {BytesIn: 1.1e6}, s[1]: {BytesIn: 1e6}}
	if plan := Plan(m.img, loads, DefaultOptions()); plan != nil {
		t.Errorf("a tenth apart: %+v", plan)
	}
	m.node(3, "")
	loads = Loads{s[0]: {BytesIn: 1e6}, s[1]: {BytesIn: 1e6}}
	if plan := Plan(m.img, loads, DefaultOptions()); plan != nil {
		t.Errorf("one of two equal partitions moved to the third node, which only turns them round: %+v", plan)
	}
	more := m.topic(2, 1, 1)
	loads[more[0]], loads[more[1]] = Load{BytesIn: 5e5}, Load{BytesIn: 4e5}
	plan := Plan(m.img, loads, DefaultOptions())
	if len(plan) == 0 || plan[0].From != 1 || plan[0].To != 3 {
		t.Errorf("a new node gets its share: %+v", plan)
	}
}
