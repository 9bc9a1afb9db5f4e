package node

import (
	"strings"
	"testing"
)

// TestReadyNamesWhatIsWrong: all of it, and nothing once it is well again.
func TestReadyNamesWhatIsWrong(t *testing.T) {
	c := newCluster(t, "controller", "broker")
	c.sources[1]["broker.session.timeout.ms"] = "1000"
	if err := c.make(1).ready(); err == nil || !strings.HasPrefix(err.Error(), "starting") {
		t.Errorf("before the start: %v", err)
	}
	c.start()
	broker := c.nodes[1]
	if err := broker.ready(); err != nil {
		t.Fatal(err)
	}
	c.drop(c.nodes[0])
	c.until("the broker to miss its controller and its lease", func() bool {
		err := broker.ready()
		return err != nil && strings.Contains(err.Error(), "controllers: ") && strings.Contains(err.Error(), "lease: ")
	})
	c.start()
	c.until("the broker to be ready again", func() bool { return broker.ready() == nil })
}
