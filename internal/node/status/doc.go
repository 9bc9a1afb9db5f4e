// Package status says how a cluster stands, as one node's image of the metadata
// has it: for operators, as JSON and as text.
//
// Owns: what is told, and its JSON form, which only gains fields. Does not own:
// the metadata, or who asks. What is told is as old as the image.
//
// Goroutines: none. Locks: none.
package status
