package partition

import "sync/atomic"

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

// Traffic is what the partition did since it was opened.
func (p *Partition) Traffic() Traffic {
	t := &p.traffic
	return Traffic{BytesIn: t.bytesIn.Load(), BytesOut: t.bytesOut.Load(), Requests: t.requests.Load()}
}
