package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func TestRunAttach(t *testing.T) {
	run := func(ctx context.Context, timeout time.Duration, script string) (string, error) {
		return runAttach(ctx, script, timeout, []string{"SEAWALL_NODE=7"})
	}
	ctx := t.Context()
	if said, err := run(ctx, time.Minute, "echo here is $SEAWALL_NODE; echo and >&2"); err != nil || said != "here is 7\nand\n" {
		t.Errorf("said %q, %v", said, err)
	}
	if said, err := run(ctx, time.Minute, "echo no such volume; exit 3"); err == nil || !strings.Contains(err.Error(), "exit status 3") || said != "no such volume\n" {
		t.Errorf("said %q, %v", said, err)
	}
	if said, err := run(ctx, time.Minute, "yes | head -c 1000000; echo end"); err != nil || len(said) != lastBytesMax || !strings.HasSuffix(said, "\nend\n") {
		t.Errorf("%d bytes are kept, %v", len(said), err)
	}
	// What hangs is killed with what it began.
	dir := t.TempDir()
	began := time.Now()
	if _, err := run(ctx, 100*time.Millisecond, "cd "+dir+"; sh -c 'echo $$ > pid; sleep 300; true'; true"); !errors.Is(err, errAttachTimeout) {
		t.Errorf("hung: %v", err)
	}
	ended, stop := context.WithCancel(ctx)
	stop()
	if _, err := run(ended, time.Minute, "sleep 300"); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("waited %v for what was killed", took)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		state, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a process of the command still lives: %s", state)
		}
	}
}

// movingWALs is a cluster of a node with the only controller and three brokers,
// whose exclusive WALs are brought to their rescuers by a script; it ends with
// what the first rescuer that runs it is told to do.
func movingWALs(t *testing.T, firstDoes string) *cluster {
	t.Helper()
	c := newCluster(t, "broker,controller", "broker", "broker", "broker")
	script := filepath.Join(c.dir, "attach.sh")
	text := fmt.Sprintf(`cd %s
echo "$SEAWALL_WAL_LOCATION $SEAWALL_DEAD_NODE" >> asked.$SEAWALL_NODE
[ -e first ] || echo $SEAWALL_NODE > first
[ "$(cat first)" != "$SEAWALL_NODE" ] || { touch running; %s; }
`, c.dir, firstDoes)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, s := range c.sources {
		s["s3.wal.path"] = fmt.Sprintf("0@file://%s/wal/n%d?capacity=64MiB&buffered=true", c.dir, i+1)
		s["broker.session.timeout.ms"] = "1500"
		s["s3.wal.attach.timeout.ms"] = "400"
		s["s3.wal.upload.interval.ms"] = "3600000"
		if i > 0 {
			s["s3.wal.rescue.paths"] = "file://" + c.dir + "/wal"
			s["s3.wal.attach.command"] = "sh " + script
		}
	}
	return c
}

// firstRescuer waits for the script and returns who runs it.
func (c *cluster) firstRescuer() *Node {
	c.t.Helper()
	c.until("the attach command", func() bool {
		_, err := os.Stat(filepath.Join(c.dir, "running"))
		return err == nil
	})
	first, err := os.ReadFile(filepath.Join(c.dir, "first"))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.nodes[int(first[0]-'1')]
}

// rescuedBy waits until what a node's WALs held is another's, and returns whose.
func (c *cluster) rescuedBy(node ids.NodeID) (rescuer ids.NodeID) {
	c.t.Helper()
	c.until(fmt.Sprintf("node %d's WAL to be rescued", node), func() bool {
		for w := range c.nodes[0].metadata.Image().WALs() {
			if w.Node == node && (w.State == image.WALOpen || w.Rescuer == node) {
				return false
			}
			if w.Node == node {
				rescuer = w.Rescuer
			}
		}
		return rescuer != ids.NodeID(0)
	})
	return rescuer
}

// TestVolumeThatDoesNotCome: an exclusive WAL must be brought to its rescuer
// first. The first one that tries fails, or hangs, or dies in the middle of it:
// another one rescues it.
func TestVolumeThatDoesNotCome(t *testing.T) {
	for name, does := range map[string]string{"fails": "exit 1", "hangs": "sleep 300", "dies": "sleep 300"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := movingWALs(t, does)
			if name == "dies" {
				for _, s := range c.sources {
					s["s3.wal.attach.timeout.ms"] = "60000"
				}
			}
			c.start()
			l := c.topic("t", 8)
			l.produce(10)
			dead := c.nodes[3]
			c.drop(dead)
			first := c.firstRescuer()
			if name == "dies" {
				c.drop(first)
			}
			by := c.rescuedBy(4)
			if by == first.cfg.Node.ID || by == 1 {
				t.Errorf("rescued by node %d", by)
			}
			if failures := first.metrics.attachFailed.Get(); name != "dies" && failures == 0 {
				t.Error("the failure is not counted")
			}
			asked, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("asked.%d", by)))
			if want := fmt.Sprintf("file://%s/wal/n4 4\n", c.dir); err != nil || !strings.Contains(string(asked), want) {
				t.Errorf("the command of node %d was asked for %q, %v; want %q", by, asked, err, want)
			}
			l.produce(5)
			l.check()
		})
	}
}
