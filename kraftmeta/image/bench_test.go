package image

import (
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

func BenchmarkOpenTenThousandStreams(b *testing.B) {
	c := boot(b, 10_000)
	cmd := &OpenStreams{Node: 1, NodeEpoch: 1, WAL: uuid(1)}
	for i := range 10_000 {
		cmd.Streams = append(cmd.Streams, OpenStream{Stream: ids.StreamID(i + 1)})
	}
	req := c.next(cmd)
	b.ReportAllocs()
	for b.Loop() {
		Apply(c.img, c.index+1, req)
	}
}

// BenchmarkCommitUpload commits ten slices in a cluster of 10,000 streams.
func BenchmarkCommitUpload(b *testing.B) {
	c := boot(b, 10_000)
	open := &OpenStreams{Node: 1, NodeEpoch: 1, WAL: uuid(1)}
	cmd := &CommitUpload{Node: 1, NodeEpoch: 1, WAL: uuid(1), Trim: 4096}
	for i := range ids.StreamID(10) {
		open.Streams = append(open.Streams, OpenStream{Stream: 1000 * (i + 1)})
		cmd.Slices = append(cmd.Slices, Slice{Object: 1, Stream: 1000 * (i + 1), Epoch: 1, End: 10, Bytes: 100})
	}
	do(c, open)
	cmd.Objects = []UploadedObject{{ID: c.prepare(1, 1), Key: "k", Kind: StreamSetObject, Size: 1000}}
	req := c.next(cmd)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, a := Apply(c.img, c.index+1, req); a.Refusal != nil {
			b.Fatal(a.Refusal)
		}
	}
}

func BenchmarkTopicByName(b *testing.B) {
	c := boot(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.img.TopicByName("t"); !ok {
			b.Fatal("not found")
		}
	}
}
