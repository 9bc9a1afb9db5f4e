package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// partition is a partition as the first node's metadata has it, once there is
// one.
func (c *cluster) partition(topic string, index int32) (p *image.Partition) {
	c.t.Helper()
	c.until("partition of "+topic, func() bool {
		img := c.nodes[0].metadata.Image()
		t, ok := img.TopicByName(topic)
		if ok {
			p, ok = img.Partition(t.ID, index)
		}
		return ok
	})
	return p
}

// moveTo gives a partition to a node and waits until that serves it.
func (c *cluster) moveTo(topic string, index int32, to ids.NodeID) {
	c.t.Helper()
	if p := c.partition(topic, index); p.Leader != to {
		c.move(p, to)
	}
	c.until("the new leader of "+topic, func() bool { return c.nodes[to-1].serves(topic, index) })
}

// TestGapAtTheEnd: what is lost with a WAL is the end of a log. Consumers get to
// the high watermark all the same, and a partition of __consumer_offsets is
// loaded.
func TestGapAtTheEnd(t *testing.T) {
	store := startFaultyS3(t)
	store.mode.Store("500")
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	for _, s := range c.sources {
		s["s3.data.buckets"], s["broker.session.timeout.ms"] = store.url, "1500"
		s["autobalancer.controller.enable"], s["offsets.topic.num.partitions"] = "false", "1"
		s["s3.wal.path"] = strings.Replace(s["s3.wal.path"], "?", "?buffered=true&", 1)
	}
	c.start()
	ctx := deadline(t)
	l := c.topic("t", 1)
	adm := kadm.NewClient(l.cl)
	commit := func(offset int64) {
		t.Helper()
		offsets := kadm.Offsets{}
		offsets.AddOffset("t", 0, offset, -1)
		if err := adm.CommitAllOffsets(ctx, "g", offsets); err != nil {
			t.Fatal(err)
		}
	}
	commit(0) // makes the topic
	for _, topic := range []string{"t", partition.OffsetsTopic} {
		c.moveTo(topic, 0, 3)
	}
	l.produce(10)
	commit(5)
	for _, topic := range []string{"t", partition.OffsetsTopic} {
		c.moveTo(topic, 0, 1)
	}
	dead := c.nodes[2]
	c.drop(dead)
	files, err := filepath.Glob(dead.cfg.WAL.Path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no WAL at %s: %v", dead.cfg.WAL.Path, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	var wal *image.WAL
	c.until("the WAL to be out of reach", func() bool {
		img := c.nodes[0].metadata.Image()
		for w := range img.WALs() {
			if w.Node == 3 && img.OutOfReach(w) {
				wal = w
			}
		}
		return wal != nil
	})
	// The coordinator reads its log anew, on another node.
	c.moveTo(partition.OffsetsTopic, 0, 2)
	holder, epoch := wal.Holder()
	if _, err := kraftmeta.Do(ctx, c.nodes[0].metadata, &image.AbandonWAL{Instance: wal.Instance, Holder: holder, HolderEpoch: epoch}); err != nil {
		t.Fatal(err)
	}
	store.mode.Store("")

	req := kmsg.NewPtrFetchRequest()
	req.MinBytes, req.MaxBytes, req.MaxWaitMillis = 1, 1<<20, 10_000
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = "t", c.partition("t", 0).Topic
	part := kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes = 1 << 20
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	began := time.Now()
	got := askAt[*kmsg.FetchResponse](t, c.nodes[0].Addr(), req).Topics[0].Partitions[0]
	var b kmsg.RecordBatch
	if err := b.ReadFrom(got.RecordBatches); err != nil || got.ErrorCode != 0 || got.HighWatermark != 10 {
		t.Fatalf("code %d, high watermark %d, %d bytes: %v", got.ErrorCode, got.HighWatermark, len(got.RecordBatches), err)
	}
	if b.FirstOffset != 0 || b.LastOffsetDelta != 9 || b.NumRecords != 0 {
		t.Errorf("batch %+v", b)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a consumer waited %v before the gap", took)
	}

	adm = kadm.NewClient(plainClient(t, c.nodes[0])) // that never knew the dead node
	commit(10)
	committed, err := adm.FetchOffsets(ctx, "g")
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := committed.Lookup("t", 0); !ok || o.At != 10 {
		t.Errorf("committed %+v", o)
	}
	l.gaps = map[int32]gap{0: {0, 10}}
	l.produce(5)
	l.check()
}
