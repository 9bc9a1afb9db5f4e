// Package meta is the vocabulary in which the streams layer and the cluster's
// metadata speak: plain values, no behaviour.
//
// The streams layer does not know how metadata is kept. Each of its rooms
// states the few questions and commands it needs as an interface of its own
// over these types; internal/node answers them from the local image and the
// controller. Every command has an outcome when it returns: an adapter whose
// answer was lost submits the same command again by its id until it knows (I5),
// so that an error means "refused" or "gave up with ctx", never "perhaps".
//
// Goroutines, locks: none.
package meta
