package kraftmeta

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for range b.N {
		n := openNode(b, Options{Dir: dir, Node: 1})
		b.StopTimer()
		n.close(b)
		b.StartTimer()
	}
}

// uploading is a node with an open WAL and n open streams.
func uploading(t testing.TB, n int) (*node, ids.WALInstance) {
	t.Helper()
	node := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	node.register(t)
	wal := newUUID()
	must(t, node, &image.OpenWAL{Node: 1, NodeEpoch: 1, Instance: wal, Kind: "exclusive", Location: "file:///wal"})
	must(t, node, &image.CreateTopics{Topics: []image.NewTopic{{
		Name: "t", ID: newUUID(), Leaders: slices.Repeat([]ids.NodeID{1}, n),
	}}})
	open := &image.OpenStreams{Node: 1, NodeEpoch: 1, WAL: wal}
	for i := range n {
		open.Streams = append(open.Streams, image.OpenStream{Stream: ids.StreamID(i + 1)})
	}
	start := time.Now()
	must(t, node, open)
	t.Logf("opened %d streams in %v", n, time.Since(start))
	return node, wal
}

// BenchmarkLogSync is the floor of BenchmarkSubmit: one durable entry.
func BenchmarkLogSync(b *testing.B) {
	s, err := openLogStore(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 1024)
	for i := range b.N {
		if err := s.StoreLog(&raft.Log{Index: uint64(i + 1), Term: 1, Data: data}); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := s.close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSubmit(b *testing.B) {
	n := openNode(b, Options{Dir: b.TempDir(), Node: 1})
	n.register(b)
	for b.Loop() {
		must(b, n, &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 10})
	}
}

func BenchmarkCommitUpload(b *testing.B) {
	n, wal := uploading(b, 10)
	b.ResetTimer()
	for i := range b.N {
		first := must(b, n, &image.PrepareObjects{Node: 1, NodeEpoch: 1, Count: 1}).First
		cmd := &image.CommitUpload{
			Node: 1, NodeEpoch: 1, WAL: wal, Trim: uint64(i+1) * 4096,
			Objects: []image.UploadedObject{{ID: first, Key: "k", Kind: image.StreamSetObject, Size: 1}},
		}
		for s := range 10 {
			cmd.Slices = append(cmd.Slices, image.Slice{
				Object: first, Stream: ids.StreamID(s + 1), Epoch: 1, Start: int64(i) * 10, End: int64(i+1) * 10,
			})
		}
		if r := must(b, n, cmd); len(r.Refused) > 0 {
			b.Fatalf("refused: %v", r.Refused)
		}
	}
}

func TestOpenTenThousandStreams(t *testing.T) {
	n, _ := uploading(t, 10_000)
	if got := n.observer.Image().Sizes().Tails; got != 10_000 {
		t.Errorf("%d tails", got)
	}
}
