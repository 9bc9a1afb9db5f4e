// Package crash explores what a crash may leave: tests only.
//
// One node of the streams layer runs over a crashable device (wal/device/crash),
// an object store in memory and the real metadata rules (kraftmeta/image),
// driven step by step from one seed. After every device write, every PUT and
// every metadata command the world is cloned as a crash may leave it then, in
// variants of what was in flight; a node boots from each clone as
// internal/node does, and what it serves is compared with what was
// acknowledged: nothing acknowledged is lost, nothing is invented, offsets are
// contiguous. Now and then the run goes on from such a clone, so that crashes
// of what recovered from crashes are explored too.
//
// Planted mistakes show that the checks bite.
//
// Goroutines: the node's own during a step, which the test waits for.
package crash
