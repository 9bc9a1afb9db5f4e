package partition

import (
	"sync/atomic"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Traffic counts what a partition did since it was opened.
type Traffic struct {
	BytesIn, BytesOut, Requests uint64
}

// traffic is counted at each append and read.
type traffic struct {
	bytesIn, bytesOut, requests atomic.Uint64
}

func (t *traffic) appended(bytes int) {
	t.requests.Add(1)
	t.bytesIn.Add(uint64(bytes))
}

func (t *traffic) fetched(bytes int) {
	t.requests.Add(1)
	t.bytesOut.Add(uint64(bytes))
}

// Bytes is the size of the log from its start on: what objects hold of it, and
// what of that which was appended here is in the write-ahead log alone. An
// earlier leader's tail is not counted until it is in objects.
func (p *Partition) Bytes(img *image.Image) (n int64) {
	for r := range img.Ranges(p.stream.ID(), p.stream.StartOffset()) {
		n += r.Bytes
	}
	return n + p.stream.LogBytes()
}

// Traffic is what the partition did since it was opened.
func (p *Partition) Traffic() Traffic {
	t := &p.traffic
	return Traffic{BytesIn: t.bytesIn.Load(), BytesOut: t.bytesOut.Load(), Requests: t.requests.Load()}
}
