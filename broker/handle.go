package broker

import (
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/invariant"
)

// request is a pointer to a request struct of kmsg's shape.
type request[T any] interface {
	*T
	kmsg.Request
}

// Handle registers a handler whose answer is known when it returns: never nil,
// of the request's kind; its version is set here. The request and what it
// refers to may be kept.
func Handle[T any, R request[T]](r *Registry, minVersion, maxVersion int16,
	handler func(c *Ctx, req R) kmsg.Response, options ...Option) {
	HandleAsync(r, minVersion, maxVersion, func(c *Ctx, req R, t Ticket) {
		Reply(t, handler(c, req))
	}, options...)
}

// HandleAsync registers a handler that keeps the ticket and answers when it
// can. It must not block unless it is registered as Blocking. The request and
// what it refers to may be kept; c only until the answer.
func HandleAsync[T any, R request[T]](r *Registry, minVersion, maxVersion int16,
	handler func(c *Ctx, req R, t Ticket), options ...Option) {
	key := R(new(T)).Key()
	factor, size := decodeFactor[T](), sizerOf(reflect.TypeFor[R]())
	serve := func(c *Ctx) {
		req := R(new(T))
		req.SetVersion(c.Version)
		if err := decode(req, c.Body); err != nil {
			c.Ticket().Abort(fmt.Errorf("decode %s: %w", apiName(key), err))
			return
		}
		if len(c.Body) > remeasureBytes {
			c.DecodedTo(size(reflect.ValueOf(req)))
		}
		handler(c, req, c.Ticket())
	}
	r.add(server.API{
		Key: key, MinVersion: minVersion, MaxVersion: maxVersion,
		FrameBytesMax: frameBytesDefault, DecodeFactor: factor, Serve: serve,
	}, options)
}

// HandleRaw registers a handler that reads c.Body itself. The body lies in a
// pooled buffer that is recycled when the request is answered, or before by
// c.FreeBody: whatever is kept longer must be copied. A body that cannot be
// read is refused by Ticket.Abort. It must not block, but for what it awaits of a
// Progressive body.
func HandleRaw(r *Registry, key, minVersion, maxVersion int16, handler func(c *Ctx, t Ticket), options ...Option) {
	r.add(server.API{
		Key: key, MinVersion: minVersion, MaxVersion: maxVersion,
		Serve: func(c *Ctx) { handler(c, c.Ticket()) },
	}, options)
}

// Reply answers a request by resp, encoded at once: resp may be reused when
// Reply returns.
func Reply(t Ticket, resp kmsg.Response) {
	c := t.Request()
	invariant.Check(resp != nil && resp.Key() == c.Key, "API key %d answered by a response of another", c.Key)
	resp.SetVersion(c.Version)
	buf := server.GetBuffer(replyBytesGuess)
	buf.B = resp.AppendTo(buf.B)
	t.Respond(server.Response{Head: buf.B, Owner: buf})
}

// replyBytesGuess is room for most answers; larger ones grow.
const replyBytesGuess = 1 << 10

// decode reads body into req. A panic of the codec is a fault of the input.
func decode(req kmsg.Request, body []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("codec: %v", p)
		}
	}()
	return req.ReadFrom(body)
}

// requestForKey makes an empty request, nil for a key that no codec knows.
func requestForKey(key int16) kmsg.Request {
	if req := peer.RequestForKey(key); req != nil {
		return req
	}
	return kmsg.RequestForKey(key)
}
