package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seawallmq/seawall/internal/ids"
)

// Print writes how a cluster stands for people.
func (c Cluster) Print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster %s, active controller %s, as node %d sees it\n", c.Cluster, orNone(c.Controller), c.Seen)
	table(&b, "\nNODE\tSTATE\tEPOCH\tROLES\tLEADS\tADDRESS\tRACK", len(c.Nodes), func(i int) string {
		n := c.Nodes[i]
		roles := "broker"
		if slices.Contains(c.Voters, n.ID) {
			roles += ",controller"
		}
		if n.ID == c.Controller {
			roles += "*"
		}
		return fmt.Sprintf("%d\t%s\t%d\t%s\t%d\t%s\t%s", n.ID, n.State, n.Epoch, roles, n.Leads, n.Address, n.Rack)
	})
	table(&b, "\nWAL OF\tSTATE\tKIND\tHELD BY\tTAILS\tLOCATION", len(c.WALs), func(i int) string {
		w := c.WALs[i]
		held := fmt.Sprintf("node %d", w.Holder)
		if w.Rescuer >= 0 {
			held = fmt.Sprintf("nobody; to be rescued by node %d", w.Rescuer)
		}
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%d\t%s", w.Node, w.State, w.Kind, held, w.Tails, w.Location)
	})
	partitions(&b, "\nMOVING\tFROM\tTO\tWHY", c.Moving)
	partitions(&b, "\nOFFLINE\tFROM\tTO\tWHY", c.Offline)
	_, err := io.WriteString(out, b.String())
	return err
}

func partitions(b *strings.Builder, header string, list []Partition) {
	if len(list) == 0 {
		return
	}
	table(b, header, len(list), func(i int) string {
		p := list[i]
		return fmt.Sprintf("%s-%d\t%s\t%s\t%s", p.Topic, p.Index, orNone(p.From), orNone(p.To), p.Why)
	})
}

func table(b *strings.Builder, header string, n int, row func(int) string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for i := range n {
		fmt.Fprintln(w, row(i))
	}
	_ = w.Flush() // into memory
}

func orNone(id ids.NodeID) string {
	if id < 0 {
		return "none"
	}
	return fmt.Sprint(id)
}
