// Package read serves what is in object storage.
//
// Owns: finding the object and block that hold an offset, fetching blocks
// through the block cache by ranged GETs of several blocks at once, reading
// ahead of a sequential consumer, checking blocks before they are served. Does
// not own: which objects a stream has (the metadata's index, asked by offset),
// the blocks' memory (blockcache), the layout of objects (s3stream/objfmt).
package read
