// Package zone will write and read zone objects: temporary objects written by
// a broker in the producer's zone, whose slices leaders adopt by reference
// (reserved: nothing here yet).
//
// What is reserved for it: the record kind "reference" in the WAL format and
// the reference block in s3stream/objfmt; a reference carries the final batch
// header, so that a slice is served without a rewrite of its payload.
package zone
