// Package gc deletes from the object store what the metadata no longer wants:
// objects prepared and never committed, and objects removed.
//
// Owns: the order of that work. An object is first made uncommittable in the
// metadata (abort), then deleted from the store, then forgotten by the
// metadata; each step may be repeated, so that a crash between any two leaves
// only work to be done again, and no moment exists in which metadata names an
// object that was deleted (I4).
//
// What an upload left half way goes with its object: the object belongs to this
// cluster and was handed out to this node, so no one else's upload is touched.
//
// Does not own: who may still read a removed object (the metadata says when it
// is deletable, once every feed has passed the removal), nor when to collect
// (s3stream's maintenance loop).
//
// Goroutines, locks: none.
package gc
