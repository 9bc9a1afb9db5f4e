// Package peer is the client of other brokers: Kafka framing over the brokers'
// own port, so that one security stack guards everything.
//
// # Owns
//
// The connections to other nodes, pipelining on them and their time-outs; the
// API keys between brokers and their messages ([Request], [Response]: opaque
// bytes for the rooms that define them). It does not own what the bytes mean,
// retries, or where a node listens: Config.Dial knows.
//
// A request to the own node takes the same way through framing, registry and
// codec, over an in-memory pipe instead of a socket: one broker alone behaves
// as one of many.
//
// # Goroutines
//
// One reader per connection. Callers write their requests themselves.
//
// # Locks
//
// link.mu (which connections a node has) before conn.mu (what is pending on
// one). conn.write orders the requests on the wire; conn.mu is taken under it,
// never the other way round.
package peer
