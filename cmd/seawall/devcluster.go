package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
)

// devCluster is `seawall dev --nodes N`: N processes of `seawall start`, each
// with a properties file that can as well be started by hand.
type devCluster struct {
	dir       string // absolute
	nodes     []config.ClusterNode
	store     string
	logLevel  string
	overrides []string
	out       io.Writer
	program   string // as the user called this one, for lines to paste
}

// A node's ports for controllers and for gossip lie this far from that for
// clients.
const (
	controllerPortOffset = 10000
	gossipPortOffset     = 5000
)

// nodesMax bounds the nodes of a cluster on one machine.
const nodesMax = 9

// layOut gives each node its addresses: listen and admin are the first node's,
// each other has the next port.
func layOut(n int, listen, admin string) ([]config.ClusterNode, error) {
	if n < 2 || n > nodesMax {
		return nil, usageError{fmt.Errorf("--nodes %d: must be between 1 and %d", n, nodesMax)}
	}
	var nodes []config.ClusterNode
	for i := range n {
		node := config.ClusterNode{ID: i + 1}
		var err1, err2, err3, err4 error
		node.Kafka, err1 = portAfter("--listen", listen, i)
		node.Controller, err2 = portAfter("--listen", listen, i+controllerPortOffset)
		node.Gossip, err3 = portAfter("--listen", listen, i+gossipPortOffset)
		if admin != "" {
			node.Admin, err4 = portAfter("--admin", admin, i)
		}
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return nil, usageError{err}
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// portAfter is an address some ports on.
func portAfter(flag, addr string, by int) (string, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port <= 0 || port+by > 65535 {
		return "", fmt.Errorf("%s %s: with --nodes the port must be between 1 and %d", flag, addr, 65535-by)
	}
	return net.JoinHostPort(host, strconv.Itoa(port+by)), nil
}

// clusterID is the id that the directory has, or a new one that it keeps.
func (d *devCluster) clusterID() (string, error) {
	path := filepath.Join(d.dir, "cluster.id")
	if b, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(b)), nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	id := ids.NewUUID(func(b []byte) { _, _ = rand.Read(b) }).String()
	return id, os.WriteFile(path, []byte(id+"\n"), 0o600)
}

// file is the properties file of a node.
func (d *devCluster) file(n config.ClusterNode) string {
	return filepath.Join(d.dir, fmt.Sprintf("node-%d.properties", n.ID))
}

// logFile takes what a node writes.
func (d *devCluster) logFile(n config.ClusterNode) string {
	return filepath.Join(d.dir, fmt.Sprintf("node-%d.log", n.ID))
}

// writeFiles lays out the directory.
func (d *devCluster) writeFiles() error {
	if err := os.MkdirAll(d.dir, 0o750); err != nil {
		return err
	}
	cluster, err := d.clusterID()
	if err != nil {
		return err
	}
	for _, n := range d.nodes {
		properties := config.DevClusterDefaults(d.dir, cluster, d.store, n, d.nodes)
		var text strings.Builder
		fmt.Fprintf(&text, "# Written by seawall dev --nodes %d; it is written anew at each start.\n", len(d.nodes))
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			fmt.Fprintf(&text, "%s=%s\n", name, properties[name])
		}
		if err := os.WriteFile(d.file(n), []byte(text.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// member is a running node.
type member struct {
	config.ClusterNode
	cmd *exec.Cmd
}

// run starts the nodes, waits until they serve, and stays until a signal stops
// them all. One that ends meanwhile is told of and not started again: to see
// what the others do is what this is for.
func (d *devCluster) run(ctx context.Context, signals <-chan os.Signal) error {
	if err := d.writeFiles(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ended := make(chan *member, len(d.nodes))
	var running sync.WaitGroup
	var members []*member
	stop := func(s syscall.Signal) {
		for _, m := range members {
			_ = m.cmd.Process.Signal(s) // one that has ended needs none
		}
	}
	defer running.Wait()
	for _, n := range d.nodes {
		m, err := d.start(self, n)
		if err != nil {
			stop(syscall.SIGKILL)
			return err
		}
		members = append(members, m)
		running.Go(func() { _ = m.cmd.Wait(); ended <- m }) // how it ended is in ProcessState
	}
	if err := d.waitReady(ctx, signals, ended); err != nil {
		stop(syscall.SIGTERM)
		return err
	}
	fmt.Fprint(d.out, d.banner(members))
	left := len(members)
	stopping := false
	for left > 0 {
		select {
		case m := <-ended:
			left--
			if !stopping {
				fmt.Fprintf(d.out, "Node %d has ended: %s. Start it again: %s start %s\n", m.ID, m.cmd.ProcessState, d.program, d.file(m.ClusterNode))
			}
		case <-signals:
			if stopping {
				stop(syscall.SIGKILL)
				continue
			}
			stopping = true
			fmt.Fprintln(d.out, "Stopping; once more to stop at once.")
			stop(syscall.SIGTERM)
		}
	}
	return nil
}

// start runs one node in a process group of its own, so that Ctrl-C reaches
// this process alone; should this one be killed, the node ends too.
func (d *devCluster) start(self string, n config.ClusterNode) (*member, error) {
	log, err := os.OpenFile(d.logFile(n), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the node has its own
	args := []string{"start", d.file(n), "--log-level", d.logLevel}
	for _, o := range d.overrides {
		args = append(args, "--override", o)
	}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting node %d: %w", n.ID, err)
	}
	return &member{n, cmd}, nil
}

// readyWait bounds the start of a cluster, recovery included.
const readyWait = 2 * time.Minute

// waitReady waits until every node serves.
func (d *devCluster) waitReady(ctx context.Context, signals <-chan os.Signal, ended <-chan *member) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for waiting := slices.Clone(d.nodes); len(waiting) > 0; {
		waiting = slices.DeleteFunc(waiting, func(n config.ClusterNode) bool { return isReady(ctx, n) })
		select {
		case m := <-ended:
			path := d.logFile(m.ClusterNode)
			return fmt.Errorf("node %d ended while it started (%s): %s (%s)", m.ID, m.cmd.ProcessState, lastLine(path), path)
		case <-signals:
			return errors.New("stopped by a signal while starting")
		case <-ctx.Done():
			return fmt.Errorf("node %d is not ready: see %s", waiting[0].ID, d.logFile(waiting[0]))
		case <-tick.C:
		}
	}
	return nil
}

// lastLine is what a node wrote last, "" if nothing can be read: why it ended.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const tail = 4096
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		_, _ = f.Seek(-tail, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, tail))
	text := strings.TrimSpace(string(b))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// isReady asks a node, or only its port when it has no admin listener.
func isReady(ctx context.Context, n config.ClusterNode) bool {
	if n.Admin == "" {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", n.Kafka)
		if err != nil {
			return false
		}
		return c.Close() == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// banner says what runs where, and lines to try.
func (d *devCluster) banner(members []*member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSeawall %s is up, %d nodes.\n\n  node  Kafka            admin            pid\n", versionText(), len(members))
	var all []string
	for _, m := range members {
		fmt.Fprintf(&b, "  %-5d %-16s %-16s %d\n", m.ID, m.Kafka, m.Admin, m.cmd.Process.Pid)
		all = append(all, m.Kafka)
	}
	fmt.Fprintf(&b, "\n  data  %s (configuration and log of each node: node-N.properties, node-N.log)\n\n", d.dir)
	brokers := strings.Join(all, ",")
	last := members[len(members)-1]
	fmt.Fprintf(&b, "Try:  seq 5 | kcat -b %s -P -t tour && kcat -b %s -C -t tour -e\n", brokers, brokers)
	fmt.Fprintf(&b, "      kill -9 %d, and the same again: the others have taken over what node %d led\n", last.cmd.Process.Pid, last.ID)
	if last.Admin != "" {
		fmt.Fprintf(&b, "      %s status --admin %s\n", d.program, members[0].Admin)
	}
	b.WriteString("Stop with Ctrl-C.\n\n")
	return b.String()
}
