// Package streammeta answers the streams layer's questions from the metadata's
// image and turns its commands into the metadata's: the joint between s3stream
// and kraftmeta, which do not know each other.
//
// Owns: the translation of values and refusals. Does not own: the rules
// (kraftmeta/image), getting a command answered (kraftmeta.Client).
//
// Goroutines: none. Locks: one, over the times at which removed objects were
// first seen; a leaf.
package streammeta
