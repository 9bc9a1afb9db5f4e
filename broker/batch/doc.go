// Package batch is Kafka's record batch, version 2: parsing, checking, patching
// in place, building, reading, and the summary of a run of batches that is kept
// beside them in object storage.
//
// Owns: the byte layout of a batch and of its records, the codecs, and the
// format of the [Summary].
//
// Does not own: Kafka error codes (broker/ maps the errors of this package),
// sequence numbers and offsets as state (broker/partition does), storage.
//
// Pure: no I/O, no clock, no goroutines. The codecs' states and the buffers
// that batches are decompressed into are pooled; nothing else is shared, and
// every function may be called concurrently on different bytes.
//
// # Buffers
//
// No function keeps a slice that it was given. What an iterator returns (a
// batch, a key, a value) aliases the bytes that it was opened on, or the
// caller's scratch buffer where the batch is compressed, and is valid as long
// as those are.
//
// # A batch
//
// Integers are big-endian. The bytes before attributes are outside the CRC, so
// a broker may give a batch its offset and leader epoch without summing it
// again.
//
//	offset size field
//	     0    8 base offset
//	     8    4 batch length: bytes that follow this field
//	    12    4 partition leader epoch
//	    16    1 magic: 2
//	    17    4 CRC32C of everything from attributes to the end
//	    21    2 attributes
//	            bits 0-2 codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd
//	            bit  3   timestamp type: 0 create time, 1 log append time
//	            bit  4   transactional
//	            bit  5   control
//	            bit  6   base timestamp is the delete horizon (compacted logs)
//	    23    4 last offset delta
//	    27    8 base timestamp, ms
//	    35    8 max timestamp, ms
//	    43    8 producer id, -1 if none
//	    51    2 producer epoch, -1 if none
//	    53    4 base sequence, -1 if none
//	    57    4 number of records
//	    61    - records, compressed as one piece by the codec
//
// # A record
//
// Varints are zigzag-encoded, as encoding/binary's. A length of -1 is null.
//
//	length          varint, bytes that follow this field
//	attributes      1 byte, unused
//	timestamp delta varint (64 bits), to the base timestamp
//	offset delta    varint, to the base offset
//	key             varint length, bytes
//	value           varint length, bytes
//	headers         varint count, then for each
//	                varint length, key bytes (never null)
//	                varint length, value bytes
package batch
