// Package peer is the client of other brokers: Kafka framing over the brokers'
// own port, so that one security stack guards everything.
//
// Owns: the API keys between brokers and their messages ([Request],
// [Response]: opaque bytes for the rooms that define them).
// Does not own: what the bytes mean, retries, or finding out where a node is.
package peer
