// Package broker is the Kafka side of a node: the registry of APIs and their
// handlers, one file an API, named by its key (NN_name.go).
//
// # Owns
//
// What an API's versions mean: decode, authorise, delegate, encode; Kafka's
// error codes ([CodeOf]), which no other room knows. It does not own sockets
// (broker/server), the log (broker/partition), groups (broker/group) or
// metadata (kraftmeta).
//
// # How to add an API
//
// Write NN_name.go with a handler function and register it in one of three
// ways, by what answering takes:
//
//   - [Handle]: the answer is known when the function returns. With
//     [Blocking] it may wait, for instance for metadata; requests behind it on
//     the same connection then wait too, as on Kafka.
//   - [HandleAsync]: the answer comes later (long polls, durable appends). The
//     function starts the work, keeps the [Ticket] and returns.
//   - [HandleRaw]: like HandleAsync, but reads the request's bytes itself, in
//     place, for APIs where kmsg's decoding costs too much.
//
// ApiVersions is derived from what is registered.
//
// # Goroutines and locks
//
// Handlers run on connections' reader goroutines. The registry is fixed before
// it serves and takes no lock.
package broker
