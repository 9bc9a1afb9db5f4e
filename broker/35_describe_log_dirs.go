package broker

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
)

// DescribeLogDirs (key 35)
//
// Behavior:
//   - There is one directory, the data directory, and in it stand the
//     partitions that this broker leads, or those of them that were asked for.
//   - A partition's size is what objects hold of it, and what was appended to
//     it here and is in the WAL alone.
//   - The directory's capacity is not told (-1): the log is in the object store.
//
// Versions:
//   - 2: flexible. 3: an error of the whole answer. 4: capacity. 5: cordoned
//     directories, which there are none of.

func (b *Broker) describeLogDirs(_ *Ctx, req *kmsg.DescribeLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeLogDirsResponse)
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir, dir.TotalBytes, dir.UsableBytes = b.Config.Node.DataDir, -1, -1
	img := b.Metadata.Image()
	for _, p := range b.describedPartitions(req) {
		rp := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		rp.Partition = p.Index
		rp.Size = p.Bytes(img)
		if n := len(dir.Topics); n == 0 || dir.Topics[n-1].Topic != p.Topic {
			rt := kmsg.NewDescribeLogDirsResponseDirTopic()
			rt.Topic = p.Topic
			dir.Topics = append(dir.Topics, rt)
		}
		rt := &dir.Topics[len(dir.Topics)-1]
		rt.Partitions = append(rt.Partitions, rp)
	}
	resp.Dirs = append(resp.Dirs, dir)
	return resp
}

// describedPartitions are the partitions that a request is about and that this
// broker leads, by topic and index.
func (b *Broker) describedPartitions(req *kmsg.DescribeLogDirsRequest) []*partition.Partition {
	parts := b.Partitions.All()
	if req.Topics != nil {
		parts = parts[:0]
		for _, t := range req.Topics {
			for _, index := range t.Partitions {
				if p, err := b.Partitions.ByName([]byte(t.Topic), index); err == nil {
					parts = append(parts, p)
				}
			}
		}
	}
	slices.SortFunc(parts, func(x, y *partition.Partition) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Index, y.Index))
	})
	return slices.Compact(parts)
}
