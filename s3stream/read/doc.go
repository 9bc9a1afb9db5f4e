// Package read serves what is in object storage.
//
// Owns: finding the object and block that hold an offset, fetching blocks
// through the block cache by ranged GETs of several blocks at once, reading
// ahead of a sequential consumer, checking blocks before they are served. Does
// not own: which objects a stream has (the metadata's index, asked by offset),
// the blocks' memory (blockcache), the layout of objects (s3stream/objfmt).
//
// Goroutines: one a run of blocks that is being fetched, and one a consumer while
// it is looked for what to read ahead of it. Locks: Reader.mu, a leaf.
package read
