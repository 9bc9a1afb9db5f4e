// Package wire is the byte form shared by every durable and transmitted
// structure of the metadata: one function a struct describes its fields, and
// the same function encodes and decodes it, so that the two never drift apart.
//
// Owns: scalar encodings, frames, and the bounds checked before any
// allocation. Does not own: which structures exist (see package image).
// No goroutines, no locks.
//
// # Format
//
//	unsigned   base-128 varint, least significant group first
//	signed     zigzag, then the same varint
//	bool       one byte, 0 or 1
//	UUID       16 bytes
//	string     varint length, then the bytes; []byte alike
//	list       varint count, then the elements
//	optional   bool, then the value if true
//
// A frame is one structure with its kind and version:
//
//	+------+---------+----------------------+----------+
//	| kind | version | body length (uint32) | body ... |
//	+------+---------+----------------------+----------+
//	   1B       1B     4B, big-endian
//
// A reader refuses a version newer than it knows with a [VersionError] that
// names the structure. Fields are only ever added, at the end, under a higher
// version; a reader of that version gives them their zero value when it meets
// an older frame.
package wire
