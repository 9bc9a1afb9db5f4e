// Package scenarios are the loads that come with Seawall: the shapes in which
// others publish their figures, scaled to a machine of two cores that clients and
// broker share. docs/performance.md has what they show.
//
// Owns: the files, which are part of the binary. Does not own: what stands in them
// (bench/scenario). Goroutines and locks: none.
package scenarios
