// Package server is the network side of a broker: it turns sockets into
// requests and answers into bytes, in order.
//
// # Owns
//
// Connections and their limits; Kafka framing and request headers; the order
// of responses on a connection; back-pressure; request buffers until their
// release. It does not own what a request means: it asks a [Handler] which
// APIs exist and hands each request over ([API.Serve]).
//
// # One request
//
// A connection has one reader goroutine. It reads a frame into a buffer that
// was paid for from a [budget.Account], parses the header and calls API.Serve,
// so requests of one connection start in the order in which they arrived.
// Serve answers by the request's [Ticket], at once or later and from any
// goroutine, exactly once. The reader never waits for the answer, except that
// an API marked Blocking may block it: then the requests behind it wait too,
// as they would on Kafka, which processes one request of a connection at a
// time.
//
// Responses leave in request order. The goroutine that completes the oldest
// unanswered request writes it, and whatever is ready behind it, to the socket
// by one non-blocking attempt; there is no goroutine hop between a durable
// write and its acknowledgement. What the socket does not take at once, large
// responses, and connections without a raw descriptor (TLS, pipes) go to a
// writer goroutine that lives as long as there is something to write. So a
// completer never waits for a client.
//
// A request may have its connection handed over to another protocol
// ([Request.HandOver]): after its answer the reader reads no more, and waits for
// the end of the connection.
//
// # Bounds
//
// The length prefix is checked before anything is allocated for the frame. A
// reader stops while the request budget is spent, while its connection has too
// many requests or request bytes unanswered, or too many response bytes that
// the client has not read; at most one frame a connection is read past a bound.
// Large frames share a part of the budget, so that announcing them keeps nobody
// else from sending.
// A frame that stalls half-way, a client that stops reading and a connection
// without traffic are closed by a sweep.
//
// # Goroutines
//
// One per listener (in Serve), one per connection (reader), at most one more
// per connection (writer), none per request. The sweep runs on the clock's
// goroutine.
//
// # Locks
//
// Server.mu (set of connections) is never held together with Conn.mu (the
// queue of responses). Both are leaves: nothing of another package is called
// under them but sync.Cond.
package server
