package kraftmeta

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// dumpImage prints an image for people; the form may change.
func dumpImage(w io.Writer, img *image.Image) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	dumpCluster(t, img)
	dumpNodes(t, img)
	dumpTopics(t, img)
	dumpConfigs(t, img)
	dumpObjects(t, img)
	return t.Flush()
}

func dumpCluster(w io.Writer, img *image.Image) {
	s := img.Sizes()
	fmt.Fprintf(w, "cluster\t%s\nindex\t%d\n", img.ClusterID(), img.Index())
	for f := range img.Features() {
		fmt.Fprintf(w, "feature %s\t%d\n", f.Name, f.Level)
	}
	fmt.Fprintf(w, "next ids\tstream %d, object %d, producer %d\n", img.NextID(image.StreamCounter),
		img.NextID(image.ObjectCounter), img.NextID(image.ProducerIDCounter))
	fmt.Fprintf(w, "size\t%d bytes as a snapshot: %d streams with %d tails and %d ranges, %d objects, %d answers\n",
		s.SnapshotBytes, s.Streams, s.Tails, s.Ranges, s.Objects, s.RememberedAnswers)
}

func dumpNodes(w io.Writer, img *image.Image) {
	fmt.Fprint(w, "\nnode\tepoch\tstate\track\tincarnation\tendpoints\n")
	for n := range img.Nodes() {
		var at []string
		for _, e := range n.Endpoints {
			at = append(at, fmt.Sprintf("%s://%s:%d", e.Listener, e.Host, e.Port))
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\n", n.ID, n.Epoch, n.State, n.Rack, n.Incarnation, strings.Join(at, " "))
	}
	fmt.Fprint(w, "\nWAL\tnode\tepoch\tstate\ttrim\tkind\tlocation\theld by\n")
	for l := range img.WALs() {
		holder, epoch := l.Node, l.NodeEpoch
		if l.State == image.WALRescued {
			holder, epoch = l.Rescuer, l.RescuerEpoch
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%s\t%s\tnode %d at epoch %d\n",
			l.Instance, l.Node, l.NodeEpoch, l.State, l.Trim, l.Kind, l.Location, holder, epoch)
	}
}

func dumpTopics(w io.Writer, img *image.Image) {
	fmt.Fprint(w, "\ntopic\tid\tpartition\tstream\tleader\tleader epoch\tstream epoch\tstart\tcommitted\tranges\tbytes\ttails\n")
	for topic := range img.Topics() {
		for p := range img.Partitions(topic.ID) {
			s, ok := img.Stream(p.Stream)
			if !ok {
				fmt.Fprintf(w, "%s\t%s\t%d\tstream %d is missing\n", topic.Name, topic.ID, p.Index, p.Stream)
				continue
			}
			ranges, bytes := rangesOf(img, s.ID)
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", topic.Name, topic.ID, p.Index, s.ID,
				p.Leader, p.LeaderEpoch, s.Epoch, s.StartOffset, s.CommittedEnd, ranges, bytes, tailsText(s))
		}
	}
}

func rangesOf(img *image.Image, stream ids.StreamID) (n int, bytes int64) {
	for r := range img.Ranges(stream, 0) {
		if r.IsLost() {
			continue
		}
		n++
		bytes += r.Bytes
	}
	return n, bytes
}

func tailsText(s *image.Stream) string {
	var b strings.Builder
	for _, t := range s.Tails {
		end := "open"
		if !t.IsOpen() {
			end = fmt.Sprint(t.End)
		}
		fmt.Fprintf(&b, "[%d, %s) epoch %d in %s  ", t.Start, end, t.Epoch, t.WAL)
	}
	return strings.TrimSpace(b.String())
}

func dumpConfigs(w io.Writer, img *image.Image) {
	fmt.Fprint(w, "\nresource\tproperty\tvalue\n")
	for c := range img.AllConfigs() {
		fmt.Fprintf(w, "%d %q\t%s\t%s\n", c.Resource.Type, c.Resource.Name, c.Name, c.Value)
	}
}

func dumpObjects(w io.Writer, img *image.Image) {
	type group struct {
		state image.ObjectState
		kind  image.ObjectKind
	}
	count, bytes := map[group]int{}, map[group]int64{}
	for o := range img.Objects() {
		g := group{o.State, o.Kind}
		count[g]++
		bytes[g] += o.Size
	}
	fmt.Fprint(w, "\nobjects\tkind\tcount\tbytes\n")
	for state := image.ObjectPrepared; state <= image.ObjectRemoved; state++ {
		for kind := image.ObjectKind(0); kind <= image.ZoneObject; kind++ {
			if g := (group{state, kind}); count[g] > 0 {
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", state, kind, count[g], bytes[g])
			}
		}
	}
}
