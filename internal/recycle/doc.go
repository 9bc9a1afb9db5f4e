// Package recycle keeps large byte buffers for use again.
//
// Owns: free buffers, up to a number of bytes. A buffer of megabytes that is
// made anew costs more than what it is made for: the runtime clears it, and
// every page of it faults in when it is written first. sync.Pool does not help
// where buffers have many sizes, and forgets them at each collection.
//
// [Buffers] are of any size and of the heap, [Chunks] of one size and off it: what
// is handed to a device.
//
// Does not own: buffers that are in use, whose bytes their users account for.
// No goroutines. Each Buffers and Chunks has one lock, and calls nobody under it.
package recycle
