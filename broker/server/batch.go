package server

import (
	"net"
	"time"
)

const (
	coalesceBytes    = 16 << 10 // responses up to here leave as one buffer,
	segmentBytesMin  = 4 << 10  // and those whose segments are smaller on average,
	coalesceBytesMax = 1 << 20  // but none larger than this
	windowBytes      = 512 << 10
	windowSegments   = 128 // below the kernel's limit of 1024
)

// outbound is the batch of responses being written; it belongs to whoever
// holds Conn.busy.
type outbound struct {
	raw    *rawWriter // nil: no non-blocking write
	resps  []outResponse
	bytes  int      // of all of them with their headers
	flat   *Buffer  // the batch as one buffer, if coalesced
	laid   [][]byte // the batch as laid out for writing
	bufs   [][]byte // the part of laid that is not yet written
	window [][]byte // scratch of the writer
}

// outResponse is a response on its way to the socket.
type outResponse struct {
	Response
	header       [responseHeaderBytesMax]byte
	headerBytes  int // 0: nothing is sent
	wire         int
	key          int16
	requestBytes int
	arrived      time.Time
}

// take moves the response of r into the batch.
func (o *outbound) take(r *Request) {
	o.resps = append(o.resps, outResponse{
		Response: r.resp, wire: r.wire, key: r.Key, requestBytes: r.bytes, arrived: r.arrived,
	})
	if r.wire > 0 {
		resp := &o.resps[len(o.resps)-1]
		flexible := r.flexibleResponse()
		h := appendResponseHeader(resp.header[:0], r.CorrelationID, flexible, r.wire-responseHeaderBytes(flexible))
		resp.headerBytes = len(h)
	}
	r.resp = Response{}
	o.bytes += r.wire
}

// lay lays the batch out for writing: one buffer when it is small or in small
// pieces, else its segments as they are.
func (o *outbound) lay() {
	if o.bytes == 0 {
		return
	}
	segments := 0
	for i := range o.resps {
		segments += 2 + len(o.resps[i].Segments)
	}
	small := o.bytes <= coalesceBytes ||
		o.bytes <= coalesceBytesMax && o.bytes/segments < segmentBytesMin
	if small {
		o.flat = GetBuffer(o.bytes)
	}
	for i := range o.resps {
		resp := &o.resps[i]
		if resp.headerBytes == 0 {
			continue
		}
		o.put(resp.header[:resp.headerBytes])
		o.put(resp.Head)
		for _, s := range resp.Segments {
			o.put(s)
		}
		if small {
			resp.release() // its pages are free again before the client has read
		}
	}
	if small {
		o.laid = append(o.laid, o.flat.B)
	}
	o.bufs = o.laid
}

func (o *outbound) put(b []byte) {
	switch {
	case o.flat != nil:
		o.flat.B = append(o.flat.B, b...)
	case len(b) > 0:
		o.laid = append(o.laid, b)
	}
}

// tryWrite gives the socket what it takes at once.
func (o *outbound) tryWrite() error {
	if len(o.bufs) == 0 {
		return nil
	}
	n, err := o.raw.write(o.bufs[:min(len(o.bufs), windowSegments)])
	o.bufs = advance(o.bufs, n)
	return err
}

// reset forgets a batch that has been released.
func (o *outbound) reset() {
	if o.flat != nil {
		o.flat.Release()
		o.flat = nil
	}
	clear(o.resps)
	clear(o.laid)
	o.resps, o.laid, o.bufs, o.bytes = o.resps[:0], o.laid[:0], nil, 0
}

// writeOut writes the batch however long the client takes, window by window so
// that the sweep can tell a slow client from one that has stopped reading.
func (c *Conn) writeOut() error {
	defer c.writing.Store(0)
	o := &c.out
	if o.window == nil {
		o.window = make([][]byte, 0, windowSegments)
	}
	for len(o.bufs) > 0 {
		c.writing.Store(c.srv.now())
		window := net.Buffers(fill(o.window, o.bufs, windowBytes))
		n, err := window.WriteTo(c.nc)
		o.bufs = advance(o.bufs, int(n))
		if err != nil {
			return err
		}
	}
	return nil
}

// fill appends to window the first bytes of bufs, at most n and at most what
// window has room for.
func fill(window, bufs [][]byte, n int) [][]byte {
	for _, b := range bufs {
		if n == 0 || len(window) == cap(window) {
			break
		}
		b = b[:min(n, len(b))]
		n -= len(b)
		window = append(window, b)
	}
	return window
}

// advance drops the first n bytes of bufs.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}
