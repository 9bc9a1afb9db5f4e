// Package calibrate measures an object store as Seawall uses it, one request at
// a time, and fits a profile to it with which a simulated store (internal/s3sim)
// behaves alike.
//
// What is measured: writes by size, also if absent and refused because the
// object is there; the first byte of reads, whole reads by size, descriptions,
// listings, deletes. The first byte of a read is taken to be a read of one byte.
//
// Owns: the requests, the fit, the table. Does not own: the profile's format
// (internal/s3sim/model), opening stores (s3stream/objstore/storeurl). What it
// writes stands under a prefix of its own, and is deleted before it returns,
// whatever happens.
//
// Goroutines and locks: none.
package calibrate
