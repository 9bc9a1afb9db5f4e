package status

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// View is what the telling node knows beside its image.
type View struct {
	Seen        ids.NodeID    // the telling node
	Controller  ids.NodeID    // the active one, -1 while none is known
	Controllers []Controller  // the voters
	Lag         uint64        // commands that the image is behind, as last told
	Lost        time.Duration // for how long no active controller has answered
	// Nodes is what the active controller told now, nil if it did not: Unknown
	// then says why.
	Nodes   map[ids.NodeID]Known
	Unknown string
	// Gossip holds those that gossip takes for alive, each with its trouble, ""
	// if it has none; nil without gossip.
	Gossip map[ids.NodeID]string
}

// Known is what the active controller knows of a node.
type Known struct {
	MetadataLag uint64 // commands that the node has not taken in yet
	// Told says that the node, dead or alive, has told the rest.
	Told                        bool
	UntrimmedBytes              uint64
	RescueSeconds               float64
	BytesIn, BytesOut, Requests uint64 // a second
}

// Cluster is how a cluster stands.
type Cluster struct {
	Cluster     string       `json:"cluster"`
	Seen        ids.NodeID   `json:"seenBy"`     // the node that tells
	Controller  ids.NodeID   `json:"controller"` // the active one; -1 while none is known
	Voters      []ids.NodeID `json:"voters"`     // the controllers
	Controllers []Controller `json:"controllers"`
	Index       uint64       `json:"metadataIndex"` // how far the telling node's image has come
	Lag         uint64       `json:"metadataLag"`   // by how much it is behind, as the controller last told
	LostSeconds float64      `json:"controllerLostSeconds,omitempty"`
	Unknown     string       `json:"unknown,omitempty"` // why lags, loads and rescue times are missing
	Nodes       []Node       `json:"nodes"`
	WALs        []WAL        `json:"wals"`
	Moving      []Partition  `json:"moving"`
	Offline     []Partition  `json:"offline"`
}

// Controller is a voter of the metadata's consensus.
type Controller struct {
	ID     ids.NodeID `json:"id"`
	LogEnd int64      `json:"logEnd"` // -1 if it is not known
}

// Node is one registered node.
type Node struct {
	ID      ids.NodeID    `json:"id"`
	Epoch   ids.NodeEpoch `json:"epoch"`
	State   string        `json:"state"` // active, leaving, fenced, removed
	Rack    string        `json:"rack,omitempty"`
	Address string        `json:"address,omitempty"` // of its first listener
	Leads   int           `json:"leads"`             // partitions
	Lag     *uint64       `json:"metadataLag,omitempty"`
	Load    *Load         `json:"load,omitempty"`
	Gossip  string        `json:"gossip,omitempty"` // heard, silent, or its trouble; none without gossip
}

// Load is what the partitions that a node leads take, a second.
type Load struct {
	BytesIn  uint64 `json:"bytesIn"`
	BytesOut uint64 `json:"bytesOut"`
	Requests uint64 `json:"requests"`
}

// WAL is a write-ahead log that something may still be in.
type WAL struct {
	Instance string     `json:"instance"`
	Location string     `json:"location"`
	Kind     string     `json:"kind"`
	State    string     `json:"state"`   // open, rescued, abandoned
	Node     ids.NodeID `json:"node"`    // who opened it
	Holder   ids.NodeID `json:"holder"`  // who serves and uploads what is in it, -1 for nobody any more
	Rescuer  ids.NodeID `json:"rescuer"` // who is to rescue it, -1 when it is held
	Tails    int        `json:"tails"`   // streams with something acknowledged in it alone
	// OutOfReach: it waits for a node that is not alive, and no other reaches it.
	OutOfReach bool `json:"outOfReach,omitempty"`
	// Untrimmed bytes are in an open one, as its node last told, and would take
	// RescueSeconds to read.
	Untrimmed     *uint64  `json:"untrimmedBytes,omitempty"`
	RescueSeconds *float64 `json:"rescueSeconds,omitempty"`
}

// Partition is a partition that does not stand still.
type Partition struct {
	Topic string     `json:"topic"`
	Index int32      `json:"partition"`
	From  ids.NodeID `json:"from"` // who has its open tail
	To    ids.NodeID `json:"to"`   // who is to lead it; -1 for nobody
	Why   string     `json:"why"`
}

// listedMax bounds each list of partitions that is told.
const listedMax = 1000

// Describe says how things stand by an image.
func Describe(img *image.Image, v *View) Cluster {
	c := Cluster{
		Cluster: img.ClusterID().String(), Seen: v.Seen, Controller: v.Controller, Index: img.Index(),
		Voters: []ids.NodeID{}, Controllers: append([]Controller{}, v.Controllers...),
		Lag: v.Lag, LostSeconds: v.Lost.Seconds(), Unknown: v.Unknown,
		Nodes: []Node{}, WALs: []WAL{}, Moving: []Partition{}, Offline: []Partition{},
	}
	for _, x := range v.Controllers {
		c.Voters = append(c.Voters, x.ID)
	}
	leads := map[ids.NodeID]int{}
	for p := range img.AllPartitions() {
		leads[p.Leader]++
		c.place(img, p)
	}
	for n := range img.Nodes() {
		if n.State == image.NodeRemoved {
			continue
		}
		told := Node{ID: n.ID, Epoch: n.Epoch, State: n.State.String(), Rack: n.Rack, Leads: leads[n.ID]}
		if len(n.Endpoints) > 0 {
			told.Address = net.JoinHostPort(n.Endpoints[0].Host, strconv.Itoa(int(n.Endpoints[0].Port)))
		}
		v.describe(&told, n)
		c.Nodes = append(c.Nodes, told)
	}
	c.describeWALs(img, v)
	return c
}

// describe adds to a node what the image does not have.
func (v *View) describe(told *Node, n *image.Node) {
	if k, ok := v.Nodes[n.ID]; ok && n.IsAlive() {
		told.Lag = &k.MetadataLag
		if k.Told {
			told.Load = &Load{k.BytesIn, k.BytesOut, k.Requests}
		}
	}
	if v.Gossip == nil {
		return
	}
	trouble, heard := v.Gossip[n.ID]
	switch {
	case !heard:
		told.Gossip = "silent"
	case trouble != "":
		told.Gossip = trouble
	default:
		told.Gossip = "heard"
	}
}

// place notes a partition that is moving or offline.
func (c *Cluster) place(img *image.Image, p *image.Partition) {
	t, ok := img.Topic(p.Topic)
	if !ok {
		return
	}
	told := Partition{Topic: t.Name, Index: p.Index, From: image.NoLeader, To: p.Leader}
	if from, moving := img.MovingFrom(p); moving {
		told.From, told.Why = from, "the old leader has not closed its tail yet"
		c.Moving = appendBounded(c.Moving, told)
		return
	}
	if told.Why, told.From = whyOffline(img, p); told.Why != "" {
		c.Offline = appendBounded(c.Offline, told)
	}
}

// whyOffline says what keeps a partition from being served, "" if nothing does.
func whyOffline(img *image.Image, p *image.Partition) (why string, from ids.NodeID) {
	if w, waits := img.WaitsFor(p); waits {
		return Waits(img, w), w.Node
	}
	if n, ok := img.Node(p.Leader); !ok || !n.IsAlive() {
		return "it has no living leader", image.NoLeader
	}
	return "", image.NoLeader
}

// CountOffline counts the partitions that nobody serves or is about to, since
// their WAL or their leader is gone, and the WALs out of reach.
func CountOffline(img *image.Image) (partitions, wals int) {
	for p := range img.AllPartitions() {
		if why, _ := whyOffline(img, p); why != "" {
			partitions++
		}
	}
	for w := range img.WALs() {
		if img.OutOfReach(w) {
			wals++
		}
	}
	return partitions, wals
}

// Waits says what a WAL that nobody holds waits for, and what can be done when
// that is in vain.
func Waits(img *image.Image, w *image.WAL) string {
	if !img.OutOfReach(w) {
		return fmt.Sprintf("the WAL %s waits for its rescue by node %d", w.Location, img.RescuerOf(w))
	}
	return fmt.Sprintf("the WAL %s is out of reach: start node %d with it, or give it up by 'seawall wal abandon %s'",
		w.Location, w.Node, w.Instance.Hex())
}

func appendBounded(list []Partition, p Partition) []Partition {
	if len(list) == listedMax {
		return list
	}
	return append(list, p)
}

func (c *Cluster) describeWALs(img *image.Image, v *View) {
	tails := map[ids.WALInstance]int{}
	for s := range img.Streams() {
		for _, t := range s.Tails {
			tails[t.WAL]++
		}
	}
	for w := range img.WALs() {
		if w.State == image.WALRetired {
			continue
		}
		holder, _ := w.Holder()
		if w.State == image.WALAbandoned {
			holder = image.NoLeader
		}
		told := WAL{
			Instance: w.Instance.String(), Location: w.Location, Kind: w.Kind, State: w.State.String(),
			Node: w.Node, Holder: holder, Rescuer: img.RescuerOf(w), OutOfReach: img.OutOfReach(w),
			Tails: tails[w.Instance],
		}
		if k, ok := v.Nodes[w.Node]; ok && k.Told && w.State == image.WALOpen {
			told.Untrimmed, told.RescueSeconds = &k.UntrimmedBytes, &k.RescueSeconds
		}
		c.WALs = append(c.WALs, told)
	}
	slices.SortFunc(c.WALs, func(a, b WAL) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.State, b.State), cmp.Compare(a.Instance, b.Instance))
	})
}
