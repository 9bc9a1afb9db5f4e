package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
)

// term is what a leader epoch wrote.
type term struct {
	epoch int32
	end   int64
}

// termLog is a log of one partition, a group that commits where it ends, and the
// leader epochs that there were.
type termLog struct {
	*cluster
	*log
	terms []term // that wrote something
}

// leader is who serves the partition, and at which epoch.
func (x *termLog) leader() (n *Node, epoch int32) {
	x.cluster.t.Helper()
	x.until("a leader", func() bool {
		p := x.partition(x.log.topic, 0)
		if p.Leader < 1 || x.nodes[p.Leader-1] == nil {
			return false
		}
		n = x.nodes[p.Leader-1]
		at, err := n.partitions.ByName([]byte(x.log.topic), 0)
		if err != nil || at.LeaderEpoch() != p.LeaderEpoch {
			return false
		}
		epoch = p.LeaderEpoch
		return true
	})
	return n, epoch
}

// write appends records, commits their end, and looks at everything.
func (x *termLog) write(records int) {
	t := x.cluster.t
	t.Helper()
	if _, before := x.leader(); len(x.terms) > 0 && before < x.terms[len(x.terms)-1].epoch {
		t.Fatalf("epoch %d after %v", before, x.terms)
	}
	x.produce(records)
	n, epoch := x.leader()
	if end := int64(x.acked[0]); records > 0 {
		x.terms = append(x.terms, term{epoch, end})
	}
	x.wantEnds(n, epoch)
	x.wantCommitted()
	x.commit()
}

// wantEnds asks the leader where each epoch ends that there was or could have
// been.
func (x *termLog) wantEnds(n *Node, current int32) {
	t := x.cluster.t
	t.Helper()
	cl := plainClient(t, n)
	for asked := int32(0); asked <= current+1; asked++ {
		want := term{asked, 0} // before all that is known, the log begins
		for _, s := range x.terms {
			if s.epoch <= asked {
				want = s
			}
		}
		switch {
		case asked > current:
			want = term{-1, -1}
		case asked == current: // it may not have written anything yet
			want = term{current, int64(x.acked[0])}
		}
		req := kmsg.NewPtrOffsetForLeaderEpochRequest()
		topic := kmsg.NewOffsetForLeaderEpochRequestTopic()
		topic.Topic = x.log.topic
		part := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		part.LeaderEpoch = asked
		topic.Partitions = append(topic.Partitions, part)
		req.Topics = append(req.Topics, topic)
		resp, err := cl.SeedBrokers()[0].Request(deadline(t), req)
		if err != nil {
			t.Fatal(err)
		}
		got := resp.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
		if got.ErrorCode != 0 || (term{got.LeaderEpoch, got.EndOffset}) != want {
			t.Errorf("node %d at epoch %d says that epoch %d ends at %d in %d (code %d), want %+v; there were %v",
				n.cfg.Node.ID, current, asked, got.EndOffset, got.LeaderEpoch, got.ErrorCode, want, x.terms)
		}
	}
}

const termGroup = "g"

// commit commits the log's end for the group.
func (x *termLog) commit() {
	x.cluster.t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(x.log.topic, 0, int64(x.acked[0]), -1)
	x.coordinated("a commit", func(ctx context.Context, adm *kadm.Client) error {
		return adm.CommitAllOffsets(ctx, termGroup, offsets)
	})
}

// wantCommitted wants what the group committed last, before records were added.
func (x *termLog) wantCommitted() {
	t := x.cluster.t
	t.Helper()
	want := int64(0)
	if n := len(x.terms); n > 1 {
		want = x.terms[n-2].end
	}
	var got kadm.OffsetResponses
	x.coordinated("committed offsets", func(ctx context.Context, adm *kadm.Client) (err error) {
		got, err = adm.FetchOffsets(ctx, termGroup)
		return errors.Join(err, got.Error())
	})
	if o, ok := got.Lookup(x.log.topic, 0); want > 0 && (!ok || o.At != want) {
		t.Errorf("the group is at %d (%v), want %d", o.At, ok, want)
	}
}

// coordinated asks the group's coordinator, once there is one: clients go on
// looking for it while it moves.
func (x *termLog) coordinated(what string, ask func(context.Context, *kadm.Client) error) {
	t := x.cluster.t
	t.Helper()
	adm := kadm.NewClient(plainClient(t, x.nodes[0]))
	var err error
	x.until(what, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err = ask(ctx, adm)
		return err == nil
	})
}

// fail has the leader die, and waits for another one.
func (x *termLog) fail() {
	x.cluster.t.Helper()
	n, before := x.leader()
	x.drop(n)
	x.until("another leader", func() bool {
		p := x.partition(x.log.topic, 0)
		return p.LeaderEpoch > before && p.Leader != n.cfg.Node.ID
	})
	x.leader()
}

// reader reads a log from its start, as long as the test lasts.
type reader struct {
	next, highest atomic.Int64
}

// follow reads at an isolation level: offsets are contiguous, and neither leader
// epochs nor the high watermark go back.
func (x *termLog) follow(ctx context.Context, level kgo.IsolationLevel) (r *reader, wait func()) {
	t := x.cluster.t
	t.Helper()
	r = &reader{}
	cl, err := kgo.NewClient(kgo.SeedBrokers(x.cl.OptValue(kgo.SeedBrokers).([]string)...), kgo.FetchIsolationLevel(level),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{x.log.topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer cl.Close()
		epoch := int32(-1)
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
				if p.Err == nil && p.HighWatermark < r.highest.Load() {
					t.Errorf("the high watermark goes back from %d to %d", r.highest.Load(), p.HighWatermark)
				}
				r.highest.Store(max(r.highest.Load(), p.HighWatermark))
				p.EachRecord(func(rec *kgo.Record) {
					if rec.Offset != r.next.Load() || string(rec.Value) != fmt.Sprint(rec.Offset) || rec.LeaderEpoch < epoch {
						t.Errorf("offset %d of epoch %d has %q, after offset %d and epoch %d", rec.Offset, rec.LeaderEpoch, rec.Value, r.next.Load(), epoch)
					}
					r.next.Store(rec.Offset + 1)
					epoch = rec.LeaderEpoch
				})
			})
		}
	})
	return r, reading.Wait
}

// TestEpochsOverMovesAndFailovers: whoever leads a partition knows where each
// leader epoch before its own ended, be that in its log, in that of another node
// or in objects; and what a group committed is known wherever its coordinator is.
func TestEpochsOverMovesAndFailovers(t *testing.T) {
	c, _ := sharedWALs(t, map[string]string{
		"offsets.topic.num.partitions": "1", "autobalancer.controller.enable": "false", "s3.wal.upload.interval.ms": "400",
	})
	x := &termLog{cluster: c, log: c.topic("t", 1)}
	x.commit() // makes the topic
	ctx, stop := context.WithCancel(t.Context())
	var readers []*reader
	for _, level := range []kgo.IsolationLevel{kgo.ReadUncommitted(), kgo.ReadCommitted()} {
		r, wait := x.follow(ctx, level)
		readers = append(readers, r)
		defer wait()
	}
	defer stop()

	move := func(to ids.NodeID) {
		t.Helper()
		c.moveTo("t", 0, to)
		c.moveTo(partition.OffsetsTopic, 0, to)
	}
	x.write(3)
	for _, to := range []ids.NodeID{2, 1, 2, 3} {
		move(to)
		x.write(2)
	}
	x.fail() // of the third
	x.write(3)
	c.start()
	move(3)
	move(2) // after an epoch that wrote nothing
	x.write(1)
	c.until("all of it to be in objects", func() bool {
		s, ok := c.nodes[0].metadata.Image().Stream(c.partition("t", 0).Stream)
		return ok && s.CommittedEnd == int64(x.acked[0])
	})
	move(3)
	move(2)
	x.fail() // of the second, without a record in its WAL
	x.write(2)
	move(1)
	x.write(1)
	for _, r := range readers {
		c.until("all to be read", func() bool { return r.next.Load() == int64(x.acked[0]) })
	}
}
