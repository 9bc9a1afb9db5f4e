package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/conformance/toxic"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
)

// startTimeout bounds the start of a server until it serves.
const startTimeout = 60 * time.Second

// node is one process of the cluster, and how to start it again.
type node struct {
	config.ClusterNode              // where it listens
	front              *toxic.Proxy // before its listener for clients; nil without proxies
	broker             proc.Broker
	process            *proc.Process // the last one started
	refusals           float64       // rescues that failed, as seen last
}

// rig is a cluster with its store.
type rig struct {
	settings
	dir       string
	cluster   string
	store     *toxic.Store
	nodes     []*node
	links     map[link]*toxic.Proxy // nil without proxies
	images    []string              // files that loop devices are made of
	overrides []string
}

// link is the way from one node to the controller of another, by their places.
type link struct{ from, to int }

// newRig starts a store and n nodes; proxied puts proxies between them.
func newRig(ctx context.Context, s settings, n int, proxied bool, overrides ...string) (r *rig, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*startTimeout) // the S3 server may have to be built
	defer cancel()
	r = &rig{settings: s, overrides: append(strings.Fields(s.overrides), overrides...)}
	if r.dir, err = proc.NewDir("cluster"); err != nil {
		return nil, err
	}
	r.cluster = ids.NewUUID(func(b []byte) { _, _ = rand.Read(b) }).String()
	begun := r
	defer func() {
		if err != nil {
			begun.Close()
		}
	}()
	if r.store, err = toxic.StartStore(ctx, r.dir); err != nil {
		return nil, err
	}
	for i := range n {
		if err := r.addNode(i + 1); err != nil {
			return nil, err
		}
	}
	if proxied {
		if err := r.putProxies(); err != nil {
			return nil, err
		}
	}
	if r.prepare != nil {
		if err := r.prepare(r); err != nil {
			return nil, err
		}
	}
	for _, n := range r.nodes {
		if err := r.start(n); err != nil {
			return nil, err
		}
	}
	return r, r.waitReady(ctx, r.nodes...)
}

// addNode finds addresses for a node.
func (r *rig) addNode(id int) error {
	n := &node{ClusterNode: config.ClusterNode{ID: id}}
	for _, addr := range []*string{&n.Kafka, &n.Controller, &n.Gossip, &n.Admin} {
		var err error
		if *addr, err = proc.FreeAddress(); err != nil {
			return err
		}
	}
	n.broker = proc.Broker{
		Seawall: r.seawall, File: filepath.Join(r.dir, fmt.Sprintf("node-%d.properties", id)), Admin: n.Admin, Env: r.store.Env(),
	}
	r.nodes = append(r.nodes, n)
	return nil
}

func (r *rig) putProxies() (err error) {
	r.links = map[link]*toxic.Proxy{}
	for i, n := range r.nodes {
		if n.front, err = toxic.NewProxy(n.Kafka); err != nil {
			return err
		}
		for j := range r.nodes {
			if i == j {
				continue
			}
			if r.links[link{i, j}], err = toxic.NewProxy(r.nodes[j].Controller); err != nil {
				return err
			}
		}
	}
	return nil
}

// properties are a node's configuration.
func (r *rig) properties(at int) map[string]string {
	n := r.nodes[at]
	seen := make([]config.ClusterNode, 0, r.voters)
	for i, other := range r.nodes[:min(r.voters, len(r.nodes))] {
		seen = append(seen, other.ClusterNode)
		if p := r.links[link{at, i}]; p != nil {
			seen[i].Controller = p.Addr()
		}
	}
	p := config.DevClusterDefaults(r.dir, r.cluster, r.store.URL(), n.ClusterNode, seen)
	if n.front != nil {
		p["advertised.listeners"] = "PLAINTEXT://" + n.front.Addr()
	}
	if at >= r.voters {
		p["process.roles"] = "broker"
		p["listeners"] = "PLAINTEXT://" + n.Kafka
	}
	p["s3.wal.path"] = fmt.Sprintf("0@file://%s?capacity=%s&fence=shared", r.walPath(at), r.walBytes)
	if r.direct {
		p["s3.wal.path"] = "0@s3://?batchInterval=" + gatherMs
	}
	if r.diskless {
		p["diskless.append.commit.interval.ms"] = gatherMs
	}
	if r.shape != nil {
		r.shape(r, at, p)
	}
	return p
}

// gatherMs is how long appends gather for an object that they are acknowledged from.
const gatherMs = "25"

const disklessEnable = "diskless.enable"

// acksNeedStore says whether topics are acknowledged from object storage.
func (s *settings) acksNeedStore() bool { return s.direct || s.diskless }

// topicConfigs are of the topics that are judged.
func (s *settings) topicConfigs() map[string]string {
	if s.diskless {
		return map[string]string{disklessEnable: "true"}
	}
	return nil
}

// start starts a node and does not wait for it.
func (r *rig) start(n *node) error {
	properties := r.properties(slices.Index(r.nodes, n))
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&text, "%s=%s\n", name, properties[name])
	}
	if err := os.WriteFile(n.broker.File, []byte(text.String()), 0o600); err != nil {
		return err
	}
	var err error
	n.process, err = n.broker.Start(r.overrides...)
	return err
}

// waitReady waits until nodes serve.
func (r *rig) waitReady(ctx context.Context, nodes ...*node) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, n := range nodes {
		if err := n.broker.WaitReady(ctx, n.process); err != nil {
			return fmt.Errorf("node %d: %w", n.ID, err)
		}
	}
	return nil
}

// brokers are the addresses that clients begin with.
func (r *rig) brokers() (addrs []string) {
	for _, n := range r.nodes {
		if n.front != nil {
			addrs = append(addrs, n.front.Addr())
		} else {
			addrs = append(addrs, n.Kafka)
		}
	}
	return addrs
}

// status is the part of a node's status that is needed here.
type status struct {
	Controller int       `json:"controller"` // -1 while none is known
	Offline    []offline `json:"offline"`
	WALs       []walTold `json:"wals"`
}

// offline is a partition that nobody can lead.
type offline struct {
	Topic string `json:"topic"`
	Why   string `json:"why"`
}

// walTold is a WAL that something may still be in.
type walTold struct {
	Instance string `json:"instance"`
	State    string `json:"state"`
	Node     int    `json:"node"`    // who opened it
	Rescuer  int    `json:"rescuer"` // who is to rescue it; -1 while it is held
}

// controller asks the nodes who the active controller is, until they agree.
func (r *rig) controller(ctx context.Context) (*node, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		votes := map[int]int{}
		for _, n := range r.nodes {
			if s, err := statusOf(ctx, n); err == nil {
				votes[s.Controller]++
			}
		}
		for _, n := range r.nodes {
			if votes[n.ID] > len(r.nodes)/2 {
				return n, nil
			}
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, fmt.Errorf("no active controller is known: %v: %w", votes, err)
		}
	}
}

func statusOf(ctx context.Context, n *node) (s status, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin+"/v1/status", nil)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, errors.New(resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// cut holds back what goes from and to a node's place: between controllers
// alone, or clients and other brokers too.
func (r *rig) cut(at int, clientsToo bool, m toxic.Mode) {
	for l, p := range r.links {
		if l.from == at || l.to == at {
			p.Switch(m)
		}
	}
	if clientsToo {
		r.nodes[at].front.Switch(m)
	}
}

// stop ends all nodes politely, at once.
func (r *rig) stop() error {
	errs := make([]error, len(r.nodes))
	var stopping sync.WaitGroup
	for i, n := range r.nodes {
		stopping.Go(func() {
			if err := n.process.Stop(startTimeout); err != nil {
				errs[i] = fmt.Errorf("node %d, stopping: %w\n%s", n.ID, err, n.process.LogTail())
			}
		})
	}
	stopping.Wait()
	return errors.Join(errs...)
}

// Close kills everything.
func (r *rig) Close() {
	for _, n := range r.nodes {
		if n.process != nil {
			n.process.Kill9()
		}
		if n.front != nil {
			n.front.Close()
		}
	}
	for _, p := range r.links {
		if p != nil {
			p.Close()
		}
	}
	if r.store != nil {
		r.store.Close()
	}
	r.dropDevices()
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
