package node

import (
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// stallable passes connections on, holds back what they carry while it is
// stalled, and cuts one in the middle of an answer if it is told to.
type stallable struct {
	addr   string
	hold   sync.RWMutex // locked while stalled
	cutOff atomic.Bool  // the next large answer
	cuts   atomic.Int32
}

func newStallable(t *testing.T, to string) *stallable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stallable{addr: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go s.copy(near, far, true)
			go s.copy(far, near, false)
		}
	}()
	return s
}

func (s *stallable) copy(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		s.hold.RLock()
		if answers && n == len(buf) && s.cutOff.Load() {
			s.cuts.Add(1)
			_, _ = to.Write(buf[:n/2])
			s.hold.RUnlock()
			return
		}
		_, failed := to.Write(buf[:n])
		s.hold.RUnlock()
		if err != nil || failed != nil {
			return
		}
	}
}

// TestZombie: a broker that hears nothing, and whose lease does not end, goes on
// as if nothing had happened, in the middle of an upload. Its late writes are
// not acknowledged, and the commit of its upload is refused.
func TestZombie(t *testing.T) {
	store := startFaultyS3(t)
	c := newCluster(t, "broker,controller", "broker", "broker")
	for i, s := range c.sources {
		s["s3.wal.path"] = "0@file://" + c.dir + "/wal/n" + string(rune('1'+i)) + "?capacity=64MiB&fence=shared&buffered=true"
		s["broker.session.timeout.ms"] = "1500"
		s["s3.wal.upload.interval.ms"] = "100"
		s["s3.data.buckets"] = store.url
	}
	its := faultyWay(t, store.s3)
	c.sources[2]["s3.data.buckets"] = its.url
	voter := c.sources[2]["controller.quorum.voters"]
	way := newStallable(t, voter[len("1@"):])
	c.sources[2]["controller.quorum.voters"] = "1@" + way.addr
	c.start()
	zombie, alive := c.nodes[2], c.nodes[0]
	zombie.lease.renewed.Store(math.MaxInt64 / 2)
	l := c.topic("t", 6)
	l.produce(10)
	its.mode.Store("hold")
	l.produce(10)
	c.until("an upload to be under way", func() bool { return its.held.Load() > 0 })
	led := int32(-1)
	for p := range alive.metadata.Image().AllPartitions() {
		if p.Leader == 3 {
			led = p.Index
		}
	}

	way.hold.Lock()
	c.until("the others to take over", func() bool {
		for w := range alive.metadata.Image().WALs() {
			if w.Node == 3 && w.State == image.WALOpen {
				return false
			}
		}
		return leads(alive.metadata.Image(), 3) == 0
	})
	l.produce(10)
	direct, err := kgo.NewClient(kgo.SeedBrokers(zombie.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DisableIdempotentWrite(), kgo.RecordRetries(1), kgo.RecordDeliveryTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	late := &kgo.Record{Topic: "t", Partition: led, Value: []byte("late")}
	if err := direct.ProduceSync(deadline(t), late).FirstErr(); err == nil {
		t.Errorf("a late write is acknowledged at offset %d", late.Offset)
	}
	if zombie.metrics.fenceEvents.Get() == 0 {
		t.Error("the fence cell stopped nothing")
	}
	its.mode.Store("")
	way.hold.Unlock()
	c.until("the late commit to be refused", func() bool { return zombie.streams.Stats().Upload.RefusedSlices > 0 })
	if err := <-zombie.Done(); err == nil {
		t.Error("the node does not know that it was fenced")
	}
	l.produce(10)
	l.check()
	c.nodes[2] = nil
	_ = zombie.Close() // its log is fenced
	c.start()
	l.produce(10)
	l.check()
}

// TestAnswerCutOff: the holder of a closed tail dies while it answers another
// broker's read of it. The reader goes on, from the rescuer.
func TestAnswerCutOff(t *testing.T) {
	store := startFaultyS3(t)
	c := newCluster(t, "broker,controller", "broker", "broker")
	var way *stallable
	for i, s := range c.sources {
		s["s3.wal.path"] = "0@file://" + c.dir + "/wal/n" + string(rune('1'+i)) + "?capacity=64MiB&fence=shared&buffered=true"
		s["broker.session.timeout.ms"] = "1500"
		s["s3.data.buckets"] = store.url
		if i == 2 {
			way = newStallable(t, strings.TrimPrefix(s["listeners"], "PLAINTEXT://"))
			s["advertised.listeners"] = "PLAINTEXT://" + way.addr
		}
	}
	c.start()
	l := c.topic("t", 3)
	l.produce(300) // each partition's tail is some ten kilobytes
	store.mode.Store("500")
	l.produce(1)
	for p := range c.nodes[0].metadata.Image().AllPartitions() {
		if p.Leader == 3 {
			c.move(p, 1)
		}
	}
	c.until("the tails to be closed", func() bool { return leads(c.nodes[0].metadata.Image(), 3) == 0 })
	l.produce(1)
	way.cutOff.Store(true)
	var reading sync.WaitGroup
	reading.Go(l.check)
	c.until("an answer to be cut off", func() bool { return way.cuts.Load() > 0 })
	c.drop(c.nodes[2])
	reading.Wait()
}
