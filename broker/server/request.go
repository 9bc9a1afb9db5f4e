package server

import (
	"context"
	"net"
	"time"
)

// Request is one request of a client. It is valid until its Ticket is
// answered: then the connection uses it for a later request.
type Request struct {
	// Conn is the connection it came by.
	Conn *Conn
	// Key and Version say how Body is to be read.
	Key, Version int16
	// CorrelationID is the client's number for it.
	CorrelationID int32
	// ClientID is the client's name for itself, "" when ClientIDNull.
	ClientID     string
	ClientIDNull bool
	// Unsupported says that the client's version is not served and Version is
	// 0 instead; see API.AnyVersion.
	Unsupported bool
	// Body is the request after its header. Whether it may be kept past the
	// answer depends on API.DecodeFactor.
	Body []byte

	api     *API
	seq     uint64 // place in the order of the connection
	done    bool   // under Conn.mu: answered, waiting for those before it
	resp    Response
	wire    int       // bytes of resp with its header; 0 when nothing is sent
	bytes   int       // frame without its length prefix
	arrived time.Time // of the frame's last byte

	memory memory
}

// memory is what a request holds until it is answered or released.
type memory struct {
	buf *Buffer // of Body, if pooled
	leases
}

func (m *memory) release() {
	m.leases.release()
	if m.buf != nil {
		m.buf.Release()
		m.buf = nil
	}
}

// Context ends when the connection is closed; a long poll should end then too.
func (r *Request) Context() context.Context { return r.Conn.ctx }

// More says whether bytes of a further request have been read already: work
// that would keep the reader is then better left to others.
func (r *Request) More() bool { return r.Conn.in.br.Buffered() > 0 }

// Ticket is the right to answer r, once.
func (r *Request) Ticket() Ticket { return Ticket{r: r, seq: r.seq} }

// HandOver gives the connection to another protocol: once this request and those
// before it are answered, to is called with what it goes on with, which the
// taker closes in the end; the server reads no more of it, and no limit of time
// holds. It must be called within API.Serve, before the answer, and not with a
// client that sends further requests without waiting for it. to must not block.
// When the connection ends before, it is not called; Server.Drain and Close end
// a connection that was handed over too.
func (r *Request) HandOver(to func(net.Conn)) { r.Conn.in.handOver = to }

// DecodedTo tells how many bytes of memory decoding really made of the body, so
// that the rest of the worst case, which was paid for, is given back.
func (r *Request) DecodedTo(bytes int) { r.memory.decoded.lower(int64(bytes)) }

// FreeBody gives the memory of the body back before the answer: nobody may use
// Body, or what was decoded in place from it, afterwards. It must be called
// within API.Serve, before anybody may have answered.
func (r *Request) FreeBody() {
	r.memory.release()
	r.Body = nil
}

// Response is an answer without its header: Head followed by Segments.
type Response struct {
	Head     []byte
	Segments [][]byte
	// Owner, if set, is released once, when the bytes have been written or
	// will never be; until then they must not change.
	Owner Releaser
}

// Releaser owns bytes of a response.
type Releaser interface{ Release() }

func (r *Response) bytes() int {
	n := len(r.Head)
	for _, s := range r.Segments {
		n += len(s)
	}
	return n
}

func (r *Response) release() {
	if r.Owner != nil {
		r.Owner.Release()
	}
	*r = Response{}
}

// Ticket is the right to answer one request, and the duty to do so exactly
// once, by Respond, Done or Abort, from any goroutine. None of them blocks on
// the network. A second answer is a mistake of ours and panics.
type Ticket struct {
	r   *Request
	seq uint64
}

// Request is the request to be answered, valid until then.
func (t Ticket) Request() *Request { return t.r }

// Respond answers with resp. Its bytes are the connection's until resp.Owner
// is released.
func (t Ticket) Respond(resp Response) {
	t.r.Conn.complete(t, resp, true)
}

// Done ends a request that gets no response (a produce with acks=0).
func (t Ticket) Done() {
	t.r.Conn.complete(t, Response{}, false)
}

// Abort closes the connection because of err: the request cannot be decoded,
// or the protocol has no way to refuse it.
func (t Ticket) Abort(err error) {
	c := t.r.Conn
	c.fail(err)
	c.complete(t, Response{}, false)
}

func (r *Request) flexibleResponse() bool {
	return !r.api.PlainResponse && r.api.flexible(r.Version)
}
