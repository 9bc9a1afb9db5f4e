package node

import (
	"testing"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// allInObjects is a topic of which no WAL has anything any more, in a cluster
// whose object store hangs since.
func allInObjects(t *testing.T) (*cluster, *faultyS3, *log) {
	t.Helper()
	c, store := sharedWALs(t, map[string]string{"s3.wal.upload.interval.ms": "100"})
	const records = 20
	l := c.topic("t", 9)
	l.produce(records)
	c.until("all to be in objects", func() bool {
		img := c.nodes[0].metadata.Image()
		topic, ok := img.TopicByName("t")
		for i := range l.acked {
			var p *image.Partition
			if ok {
				p, ok = img.Partition(topic.ID, int32(i))
			}
			if !ok {
				return false
			}
			if s, ok := img.Stream(p.Stream); !ok || s.CommittedEnd < records {
				return false
			}
		}
		return true
	})
	store.mode.Store("hang")
	return c, store, l
}

// TestIdleMove: the producers of partitions that are moved are had from their old
// leaders, although these have none of the records in their WALs: the object
// store is not waited for.
func TestIdleMove(t *testing.T) {
	c, store, l := allInObjects(t)
	for p := range c.nodes[0].metadata.Image().AllPartitions() {
		c.move(p, p.Leader%3+1)
	}
	l.produce(1)
	store.mode.Store("")
	store.drop()
	l.check()
}

// TestIdleFailover: as TestIdleMove, from a leader that died: its rescuer finds
// them in its log.
func TestIdleFailover(t *testing.T) {
	c, store, l := allInObjects(t)
	c.drop(c.nodes[2])
	l.produce(1)
	store.mode.Store("")
	store.drop()
	l.check()
}
