package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
)

// sharedWALs is a cluster of three whose WALs lie in one directory.
func sharedWALs(t *testing.T, more map[string]string) (*cluster, *faultyS3) {
	t.Helper()
	store := startFaultyS3(t)
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	for i, s := range c.sources {
		s["s3.wal.path"] = fmt.Sprintf("0@file://%s/wal/n%d?capacity=64MiB&fence=shared&buffered=true", c.dir, i+1)
		s["broker.session.timeout.ms"] = "1500"
		s["s3.data.buckets"] = store.url
		for k, v := range more {
			s[k] = v
		}
	}
	c.start()
	return c, store
}

// log is what was acknowledged of a topic, by partition: record i of a partition
// says i.
type log struct {
	t     *testing.T
	topic string
	cl    *kgo.Client
	acked []int
	gaps  map[int32]gap // what is known to be lost
}

// gap is the offsets [from, to) of a partition.
type gap struct{ from, to int }

func (c *cluster) topic(name string, partitions int) *log {
	c.t.Helper()
	var seeds []string
	for _, n := range c.nodes {
		if n != nil {
			seeds = append(seeds, n.Addr())
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.MetadataMinAge(50*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	made, err := kadm.NewClient(cl).CreateTopics(deadline(c.t), int32(partitions), 1, nil, name)
	if err = errors.Join(err, made.Error()); err != nil {
		c.t.Fatal(err)
	}
	return &log{t: c.t, topic: name, cl: cl, acked: make([]int, partitions)}
}

// produce appends a record to each partition, so many times over, and waits for
// all of them. It returns the longest that an answer took.
func (l *log) produce(times int) (slowest time.Duration) {
	l.t.Helper()
	for range times {
		began := time.Now()
		var records []*kgo.Record
		for p, n := range l.acked {
			records = append(records, &kgo.Record{Topic: l.topic, Partition: int32(p), Value: fmt.Append(nil, n)})
			l.acked[p]++
		}
		if err := l.cl.ProduceSync(deadline(l.t), records...).FirstErr(); err != nil {
			l.t.Fatalf("after %d records: %v", l.acked[0]-1, err)
		}
		slowest = max(slowest, time.Since(began))
	}
	return slowest
}

// check reads all of it: nothing is lost, repeated or out of its order.
func (l *log) check() {
	l.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.cl.OptValue(kgo.SeedBrokers).([]string)...), kgo.ConsumeTopics(l.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		l.t.Fatal(err)
	}
	defer cl.Close()
	left := 0
	for _, n := range l.acked {
		left += n
	}
	next := make([]int, len(l.acked))
	for _, g := range l.gaps {
		left -= g.to - g.from
	}
	for ctx := deadline(l.t); left > 0; {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			l.t.Fatalf("%d records are missing, %v of %v were read: %v", left, next, l.acked, f.Err())
		}
		f.EachRecord(func(r *kgo.Record) {
			p := r.Partition
			if g, ok := l.gaps[p]; ok && next[p] == g.from {
				next[p] = g.to
			}
			if r.Offset != int64(next[p]) || string(r.Value) != fmt.Sprint(next[p]) {
				l.t.Fatalf("partition %d: offset %d has %q, want %d", p, r.Offset, r.Value, next[p])
			}
			next[p]++
			left--
		})
	}
}

// TestTakeOverWithoutTheStore: a node dies while the object store is away. What
// it led goes on elsewhere, idempotent producers too, and nothing is lost; back
// again, it joins.
func TestTakeOverWithoutTheStore(t *testing.T) {
	c, store := sharedWALs(t, map[string]string{"s3.wal.upload.interval.ms": "300"})
	l := c.topic("t", 6)
	l.produce(20)
	c.until("an upload", func() bool {
		for s := range c.nodes[0].metadata.Image().Streams() {
			if s.CommittedEnd > 0 {
				return true
			}
		}
		return false
	})
	l.produce(20)
	store.mode.Store("500")
	l.produce(20)
	dead := c.nodes[2]
	if leads(dead.metadata.Image(), 3) == 0 {
		t.Fatal("the node that is to die leads nothing")
	}
	c.drop(dead)
	t.Logf("first answers after %v", l.produce(1))
	l.produce(20)
	store.mode.Store("")
	l.check()
	c.start()
	c.until("the rescued WAL to be retired", func() bool {
		for w := range c.nodes[2].metadata.Image().WALs() {
			if w.State == image.WALRescued {
				return false
			}
		}
		return true
	})
	l.produce(20)
	l.check()
	found, err := filepath.Glob(filepath.Join(c.dir, "wal", "n3.*"))
	if err != nil || len(found) != 1 { // the lock
		t.Errorf("left of the retired WAL: %v, %v", found, err)
	}
}

// TestRescuerDies: the rescuer of a dead node's WAL dies in turn, with what both
// had not uploaded.
func TestRescuerDies(t *testing.T) {
	c, store := sharedWALs(t, nil)
	l := c.topic("t", 6)
	l.produce(30)
	store.mode.Store("500")
	first := c.nodes[2]
	c.drop(first)
	l.produce(10)
	var rescuer ids.NodeID
	for w := range c.nodes[0].metadata.Image().WALs() {
		if w.Node == 3 {
			rescuer = w.Rescuer
		}
	}
	c.start() // for a majority of controllers
	c.drop(c.nodes[rescuer-1])
	l.produce(10)
	l.check()
}

// TestWALFails: a node whose device fails gives up what it leads, and nothing of
// what it acknowledged is lost, uploaded by it or rescued after it.
func TestWALFails(t *testing.T) {
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprintf("store away %t", away), func(t *testing.T) {
			c, store := sharedWALs(t, nil)
			l := c.topic("t", 6)
			l.produce(30)
			if away {
				store.mode.Store("500")
			}
			broken := c.nodes[1]
			if leads(broken.metadata.Image(), 2) == 0 {
				t.Fatal("the node that is to fail leads nothing")
			}
			broken.wal.Fail(syscall.EIO)
			if err := <-broken.Done(); !errors.Is(err, syscall.EIO) {
				t.Fatalf("stops for %v", err)
			}
			c.nodes[1] = nil
			ctx, cancel := context.WithTimeout(deadline(t), 5*time.Second)
			defer cancel()
			r, err := broken.Drain(ctx)
			if !errors.Is(err, syscall.EIO) || r.Uploaded == away {
				t.Fatalf("drained: %v (%v)", r, err)
			}
			if left := leads(c.active().metadata.Image(), 2); left > 0 {
				t.Errorf("it still leads %d partitions", left)
			}
			l.produce(10)
			store.mode.Store("")
			l.check()
		})
	}
}

// move gives a partition another leader.
func (c *cluster) move(p *image.Partition, to ids.NodeID) {
	c.t.Helper()
	_, err := kraftmeta.Do(deadline(c.t), c.nodes[0].metadata, &image.SetLeaders{Partitions: []image.NewLeader{
		{Topic: p.Topic, Index: p.Index, Expected: p.LeaderEpoch, Leader: to},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestMoveUnderLoad: a partition goes round the nodes under load and loses
// nothing, the object store being there or not. The pauses are logged.
func TestMoveUnderLoad(t *testing.T) {
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprintf("store away %v", away), func(t *testing.T) {
			c, store := sharedWALs(t, nil)
			l := c.topic("t", 1)
			l.produce(50)
			if away {
				store.mode.Store("500")
			}
			ctx, stop := context.WithCancel(t.Context())
			var load sync.WaitGroup
			var answered, slowest atomic.Int64
			load.Go(func() {
				for ctx.Err() == nil {
					took := l.produce(1)
					slowest.Store(max(slowest.Load(), int64(took)))
					answered.Add(1)
				}
			})
			var pauses []time.Duration
			for range 12 {
				var p *image.Partition
				c.until("the partition to be served", func() bool {
					img := c.nodes[0].metadata.Image()
					topic, ok := img.TopicByName("t")
					if !ok {
						return false
					}
					p, ok = img.Partition(topic.ID, 0)
					return ok && p.Leader >= 1 && c.nodes[p.Leader-1].serves("t", 0)
				})
				slowest.Store(0)
				c.move(p, p.Leader%3+1)
				c.until("the new leader", func() bool { return c.nodes[p.Leader%3].serves("t", 0) })
				before := answered.Load()
				c.until("answers after the move", func() bool { return answered.Load() >= before+3 })
				pauses = append(pauses, time.Duration(slowest.Load()))
			}
			slices.Sort(pauses)
			t.Logf("pauses: the median is %v, the longest %v", pauses[len(pauses)/2], pauses[len(pauses)-1])
			stop()
			load.Wait()
			l.check()
		})
	}
}

// TestAwayAndBack: a partition is given to another node and back before its
// leader has looked. It must be led in the epoch that clients are told of.
func TestAwayAndBack(t *testing.T) {
	c, _ := sharedWALs(t, nil)
	l := c.topic("t", 1)
	l.produce(5)
	img := c.nodes[0].metadata.Image()
	topic, _ := img.TopicByName("t")
	p, _ := img.Partition(topic.ID, 0)
	_, err := kraftmeta.Do(deadline(t), c.nodes[0].metadata, &image.SetLeaders{Partitions: []image.NewLeader{
		{Topic: p.Topic, Index: 0, Expected: p.LeaderEpoch, Leader: p.Leader%3 + 1},
		{Topic: p.Topic, Index: 0, Expected: p.LeaderEpoch + 1, Leader: p.Leader},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.until("the leader to be at the new epoch", func() bool {
		have, err := c.nodes[p.Leader-1].partitions.ByName([]byte("t"), 0)
		return err == nil && have.LeaderEpoch() >= p.LeaderEpoch+2
	})
	l.produce(5)
	l.check()
}

// TestOwnSharedWALIsFenced: a node that rescues its own shared WAL fences its
// former process, which may be paused on another host.
func TestOwnSharedWALIsFenced(t *testing.T) {
	c, _ := sharedWALs(t, map[string]string{"broker.session.timeout.ms": "60000"}) // nobody else rescues it
	l := c.topic("t", 3)
	l.produce(5)
	former := c.nodes[2]
	dev, err := device.OpenFile(filepath.Join(c.dir, "wal", "n3"), device.FileOptions{ReadOnly: true, AllowBuffered: true, Depth: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dev.Close() }()
	cell := fence.NewShared(dev, former.epoch)
	if err := cell.Check(); err != nil {
		t.Fatal(err)
	}
	c.drop(former)
	c.start()
	if err := cell.Check(); !errors.Is(err, fence.ErrFenced) {
		t.Errorf("the former process may acknowledge: %v", err)
	}
	l.produce(5)
	l.check()
}

// serves says whether a node serves a partition.
func (n *Node) serves(topic string, index int32) bool {
	_, err := n.partitions.ByName([]byte(topic), index)
	return err == nil
}
