package status

import (
	"cmp"
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
	fmt.Fprintf(&b, "cluster %s, active controller %s, as node %d sees it at metadata %d (%d behind)\n",
		c.Cluster, orNone(c.Controller), c.Seen, c.Index, c.Lag)
	if c.LostSeconds > 0 {
		fmt.Fprintf(&b, "no active controller has answered node %d for %.0f s: what follows is as old as that\n", c.Seen, c.LostSeconds)
	}
	if c.Unknown != "" {
		fmt.Fprintf(&b, "lags, loads and rescue times are not known: %s\n", c.Unknown)
	}
	table(&b, "\nCONTROLLER\tLOG END", len(c.Controllers), func(i int) string {
		x := c.Controllers[i]
		active, end := "", "-"
		if x.ID == c.Controller {
			active = "*"
		}
		if x.LogEnd >= 0 {
			end = fmt.Sprint(x.LogEnd)
		}
		return fmt.Sprintf("%d%s\t%s", x.ID, active, end)
	})
	table(&b, "\nNODE\tSTATE\tEPOCH\tROLES\tLEADS\tBEHIND\tIN/S\tOUT/S\tREQ/S\tADDRESS\tRACK\tGOSSIP", len(c.Nodes), func(i int) string {
		n := c.Nodes[i]
		roles := "broker"
		if slices.Contains(c.Voters, n.ID) {
			roles += ",controller"
		}
		if n.ID == c.Controller {
			roles += "*"
		}
		lag, load := "-", "-\t-\t-"
		if n.Lag != nil {
			lag = fmt.Sprint(*n.Lag)
		}
		if n.Load != nil {
			load = fmt.Sprintf("%d\t%d\t%d", n.Load.BytesIn, n.Load.BytesOut, n.Load.Requests)
		}
		return fmt.Sprintf("%d\t%s\t%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s", n.ID, n.State, n.Epoch, roles, n.Leads, lag, load,
			n.Address, dashFor(n.Rack), dashFor(n.Gossip))
	})
	table(&b, "\nWAL OF\tSTATE\tKIND\tHELD BY\tTAILS\tUNTRIMMED\tRESCUE\tLOCATION", len(c.WALs), func(i int) string {
		w := c.WALs[i]
		held := fmt.Sprintf("node %d", w.Holder)
		switch {
		case w.OutOfReach:
			held = fmt.Sprintf("nobody; OUT OF REACH, waits for node %d", w.Rescuer)
		case w.Rescuer >= 0:
			held = fmt.Sprintf("nobody; to be rescued by node %d", w.Rescuer)
		case w.Holder < 0:
			held = "nobody"
		}
		untrimmed, rescue := "-", "-"
		if w.Untrimmed != nil && w.RescueSeconds != nil {
			untrimmed, rescue = fmt.Sprint(*w.Untrimmed), fmt.Sprintf("%.1f s", *w.RescueSeconds)
		}
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s", w.Node, w.State, w.Kind, held, w.Tails, untrimmed, rescue, w.Location)
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

func dashFor(s string) string { return cmp.Or(s, "-") }

func orNone(id ids.NodeID) string {
	if id < 0 {
		return "none"
	}
	return fmt.Sprint(id)
}
