package status

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Losses is what giving up WALs would lose.
type Losses struct {
	WALs []LostWAL `json:"wals"`
}

// LostWAL is a WAL that nobody holds, and what it alone has.
type LostWAL struct {
	Instance    string        `json:"instance"` // in hex, as in the names of files
	Location    string        `json:"location"`
	Node        ids.NodeID    `json:"node"`   // who opened it
	Holder      ids.NodeID    `json:"holder"` // who held it last
	HolderEpoch ids.NodeEpoch `json:"holderEpoch"`
	Rescuer     ids.NodeID    `json:"rescuer"`    // whom it waits for
	OutOfReach  bool          `json:"outOfReach"` // that one is not alive
	Parts       []LostPart    `json:"parts"`
}

// LostPart are offsets of a partition.
type LostPart struct {
	Topic string `json:"topic"`
	Index int32  `json:"partition"`
	From  int64  `json:"from"`
	// End is the offset after the last one, -1 if it is not known how many
	// records there were, if any.
	End int64 `json:"end"`
}

// String says which offsets they are.
func (p LostPart) String() string {
	if p.End < 0 {
		return fmt.Sprintf("from offset %d on, as far as there were records", p.From)
	}
	return fmt.Sprintf("offsets %d to %d", p.From, p.End-1)
}

// DescribeLosses says what would be lost with the WALs that which names: one by
// its instance, or all of a node's that nobody holds by its number. It is an
// error if there are none, and says why.
func DescribeLosses(img *image.Image, which string) (Losses, error) {
	is, err := selects(which)
	if err != nil {
		return Losses{}, err
	}
	l := Losses{WALs: []LostWAL{}}
	why := "is not known"
	for w := range img.WALs() {
		holder, epoch := w.Holder()
		waits := img.RescuerOf(w)
		switch {
		case !is(w):
		case w.State.IsOver():
			why = "is " + w.State.String() + " already"
		case waits == image.NoLeader:
			why = fmt.Sprintf("is held by node %d, which lives", holder)
		default:
			l.WALs = append(l.WALs, LostWAL{
				Instance: w.Instance.Hex(), Location: w.Location, Node: w.Node, Holder: holder, HolderEpoch: epoch,
				Rescuer: waits, OutOfReach: img.OutOfReach(w), Parts: lostParts(img, w.Instance),
			})
		}
	}
	if len(l.WALs) == 0 {
		return Losses{}, fmt.Errorf("there is no WAL %s to give up: it %s", which, why)
	}
	slices.SortFunc(l.WALs, func(a, b LostWAL) int { return strings.Compare(a.Instance, b.Instance) })
	return l, nil
}

// selects is whether a WAL is meant by the number of its node or by its instance.
func selects(which string) (func(*image.WAL) bool, error) {
	if node, err := strconv.ParseInt(which, 10, 32); err == nil {
		return func(w *image.WAL) bool { return w.Node == ids.NodeID(node) }, nil
	}
	instance, err := ids.ParseUUID(which)
	if err != nil {
		return nil, fmt.Errorf("%q is neither the number of a node nor a WAL instance", which)
	}
	return func(w *image.WAL) bool { return w.Instance == instance }, nil
}

func lostParts(img *image.Image, instance ids.WALInstance) []LostPart {
	parts := []LostPart{}
	for _, lost := range img.LostWith(instance) {
		p, ok := img.PartitionOf(lost.Stream)
		if !ok {
			continue
		}
		t, ok := img.Topic(p.Topic)
		if !ok {
			continue
		}
		part := LostPart{Topic: t.Name, Index: p.Index, From: lost.Start, End: lost.End}
		if lost.End == image.OpenEnd {
			part.End = -1
		}
		parts = append(parts, part)
	}
	return parts
}

// Print writes the losses for people.
func (l Losses) Print(out io.Writer) error {
	var b strings.Builder
	for _, w := range l.WALs {
		fmt.Fprintf(&b, "WAL %s of node %d, %s\n  held last by node %d at epoch %d, ", w.Instance, w.Node, w.Location, w.Holder, w.HolderEpoch)
		if w.OutOfReach {
			fmt.Fprintf(&b, "waits for node %d, which is not alive\n", w.Rescuer)
		} else {
			fmt.Fprintf(&b, "to be rescued by node %d, which is ALIVE\n", w.Rescuer)
		}
		if len(w.Parts) == 0 {
			fmt.Fprintln(&b, "  nothing is in it alone")
			continue
		}
		table(&b, "\nLOST WITH IT\tWHICH", len(w.Parts), func(i int) string {
			p := w.Parts[i]
			return fmt.Sprintf("%s-%d\t%s", p.Topic, p.Index, p)
		})
	}
	_, err := io.WriteString(out, b.String())
	return err
}
