// Package walfmt is the durable format of the write-ahead log: the header of a
// WAL, flushes and records. It encodes, decodes and checks bytes, and decides
// nothing else.
//
// Owns: the byte layouts below, their versions and checksums. Does not own:
// where bytes lie on a device (wal/volume), when they are written (wal), or
// what a payload means. Pure: no I/O, no goroutines, no locks.
//
// All integers are big-endian; CRC is CRC32C (Castagnoli). A reader that meets
// a newer version behind a valid checksum refuses it ([VersionError]); it never
// takes it for the end of the log.
//
// # Position
//
// A position is the logical byte address in a WAL instance. It only ever
// grows; the device address is derived from it. Every checksum below covers
// the instance and the position, so that no byte of an earlier cycle of the
// ring, of another instance or of another place is ever taken for a valid one.
//
// # Flush: one durable device write
//
// A flush begins at a logical-block boundary and ends with zeros up to the
// next one. No block of an acknowledged flush is written again.
//
//	offset size
//	     0    4  magic "SWFL"
//	     4    1  version, 1
//	     5    1  flags, 0
//	     6    2  header length, 64
//	     8   16  WAL instance
//	    24    8  node epoch
//	    32    8  position of this byte 0
//	    40    8  durableUpTo: all below was durable when this flush was written
//	    48    4  body length in bytes: the records, without padding
//	    52    4  number of records
//	    56    4  body digest: CRC over the records' CRCs, in order
//	    60    4  CRC of bytes 0-59
//	    64    …  records, back to back, then zeros to the block boundary
//
// The body digest binds the set of records, and each record's CRC binds its
// bytes: all of the body is covered and summed once.
//
// # Record
//
//	offset size
//	     0    1  magic 'R'
//	     1    1  kind: 1 data, 2 reference, 3 mark, 4 control
//	     2    2  flags, 0
//	     4    4  payload length in bytes
//	     8    8  stream id
//	    16    8  stream epoch
//	    24    8  base offset
//	    32    4  offset delta: end offset - base offset
//	    36    4  CRC of: instance (16) ‖ position of this record (8) ‖ bytes 0-35 ‖ payload
//	    40    …  payload
//
// # Header: what is a WAL, and where its instance lies
//
// Two slots of 4096 bytes, at device offsets 0 and 4096, written in turn; of
// the valid ones the greater (node epoch, generation) counts. A third block at
// 8192 is kept for the fence cell of shared WALs. Positions are mapped to
// device offsets from 1 MiB on:
//
//	offset = 1 MiB + (base + position) mod capacity
//
//	offset size
//	     0    8  magic "SEAWALL\n"
//	     8    2  version, 1
//	    10    1  fence: 1 exclusive, 2 reservation, 3 shared
//	    11    1  0
//	    12    4  logical block size in bytes
//	    16   16  cluster id
//	    32    4  node id
//	    36    4  0
//	    40    8  node epoch
//	    48    8  generation: rises with each write of a header
//	    56    8  capacity of the ring in bytes, a multiple of 1 MiB
//	    64   16  current WAL instance
//	    80    8  base: where position 0 lies, in bytes from the ring's origin
//	    88    8  window: the most bytes ever in flight past durableUpTo
//	    96    8  trim hint: a position; the metadata has the one that counts
//	   104    4  number of earlier instances that the ring still holds, at most 60
//	   108    4  0
//	   112   64  each: instance (16), node epoch (8), base (8), window (8), from (8), end (8), 0 (8)
//	  4092    4  CRC of bytes 0-4091
package walfmt
