package node

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// metricsOf is what a node's /metrics says.
func metricsOf(n *Node) string {
	var b bytes.Buffer
	n.metrics.write(&b)
	return b.String()
}

// TestEveryMetricHasHelp, and no help is left of a metric that is gone.
func TestEveryMetricHasHelp(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	for _, s := range c.sources {
		s["gossip.listener"] = "127.0.0.1:0"
	}
	c.start()
	produce(t, c.nodes[0], "t", 0, 10)
	c.until("the other controllers to have told", func() bool {
		return strings.Contains(metricsOf(c.active()), "seawall_controller_log_lag{")
	})
	text := metricsOf(c.active())
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "#" || !strings.HasPrefix(fields[2], "seawall_") {
			continue
		}
		switch fields[1] {
		case "TYPE":
			if seen[fields[2]] {
				t.Errorf("%s is told twice", fields[2])
			}
			seen[fields[2]] = true
			if metricHelp[fields[2]] == "" || !strings.Contains(text, "# HELP "+fields[2]+" "+metricHelp[fields[2]]+"\n") {
				t.Errorf("%s has no help", fields[2])
			}
		case "HELP":
			if len(fields) < 4 {
				t.Errorf("HELP without words: %s", line)
			}
		}
	}
	for name := range metricHelp {
		if !seen[name] {
			t.Errorf("%s is explained, and not told", name)
		}
	}
}

// TestOwnershipIsCounted on both sides of a move.
func TestOwnershipIsCounted(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker")
	for _, s := range c.sources {
		s["autobalancer.controller.enable"] = "false"
	}
	c.start()
	adm := kadm.NewClient(plainClient(t, c.nodes[0]))
	ctx := deadline(t)
	if _, err := adm.CreateTopics(ctx, 2, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.nodes {
		c.until("a partition each", func() bool { return strings.Contains(metricsOf(n), "\nseawall_partitions_led 1\n") })
	}
	if err := c.nodes[0].drainNode(ctx, 2); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[*Node]string{
		c.nodes[0]: `seawall_ownership_changes_total{change="gained"} 2`,
		c.nodes[1]: `seawall_ownership_changes_total{change="lost"} 1`,
	} {
		c.until(want, func() bool { return strings.Contains(metricsOf(n), want+"\n") })
	}
	if err := c.nodes[0].drainNode(ctx, 1); err == nil {
		t.Error("the last broker is drained, and nobody is there to lead")
	}
}
