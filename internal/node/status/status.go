package status

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Cluster is how a cluster stands.
type Cluster struct {
	Cluster    string       `json:"cluster"`
	Seen       ids.NodeID   `json:"seenBy"`        // the node that tells
	Controller ids.NodeID   `json:"controller"`    // the active one; -1 while none is known
	Voters     []ids.NodeID `json:"voters"`        // the controllers
	Index      uint64       `json:"metadataIndex"` // how far the telling node's image has come
	Nodes      []Node       `json:"nodes"`
	WALs       []WAL        `json:"wals"`
	Moving     []Partition  `json:"moving"`
	Offline    []Partition  `json:"offline"`
}

// Node is one registered node.
type Node struct {
	ID      ids.NodeID    `json:"id"`
	Epoch   ids.NodeEpoch `json:"epoch"`
	State   string        `json:"state"` // active, leaving, fenced, removed
	Rack    string        `json:"rack,omitempty"`
	Address string        `json:"address,omitempty"` // of its first listener
	Leads   int           `json:"leads"`             // partitions
}

// WAL is a write-ahead log that something may still be in.
type WAL struct {
	Instance string     `json:"instance"`
	Location string     `json:"location"`
	Kind     string     `json:"kind"`
	State    string     `json:"state"`   // open, rescued
	Node     ids.NodeID `json:"node"`    // who opened it
	Holder   ids.NodeID `json:"holder"`  // who serves and uploads what is in it
	Rescuer  ids.NodeID `json:"rescuer"` // who is to rescue it, -1 when it is held
	Tails    int        `json:"tails"`   // streams with something acknowledged in it alone
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

// Describe says how things stand by an image. controller is the active
// controller, -1 if none is known.
func Describe(img *image.Image, seen, controller ids.NodeID, voters []ids.NodeID) Cluster {
	c := Cluster{
		Cluster: img.ClusterID().String(), Seen: seen, Controller: controller, Voters: voters, Index: img.Index(),
		Nodes: []Node{}, WALs: []WAL{}, Moving: []Partition{}, Offline: []Partition{},
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
		c.Nodes = append(c.Nodes, told)
	}
	c.describeWALs(img)
	return c
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
	if s, ok := img.Stream(p.Stream); ok {
		if tail, open := s.OpenTail(); open {
			if w, ok := img.WAL(tail.WAL); ok {
				if r := img.RescuerOf(w); r != image.NoLeader {
					return "the WAL " + w.Location + " waits for its rescue", w.Node
				}
			}
		}
	}
	if n, ok := img.Node(p.Leader); !ok || !n.IsAlive() {
		return "it has no living leader", image.NoLeader
	}
	return "", image.NoLeader
}

func appendBounded(list []Partition, p Partition) []Partition {
	if len(list) == listedMax {
		return list
	}
	return append(list, p)
}

func (c *Cluster) describeWALs(img *image.Image) {
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
		c.WALs = append(c.WALs, WAL{
			Instance: w.Instance.String(), Location: w.Location, Kind: w.Kind, State: w.State.String(),
			Node: w.Node, Holder: holder, Rescuer: img.RescuerOf(w), Tails: tails[w.Instance],
		})
	}
	slices.SortFunc(c.WALs, func(a, b WAL) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.State, b.State), cmp.Compare(a.Instance, b.Instance))
	})
}
