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
//
// # A summary
//
// What is stored beside a slice of a partition; see [Summary] for the meaning.
// It has no checksum: the object's block that holds it has one. Varints are
// zigzag-encoded, uvarints not; "from" says what a number is relative to.
//
//	version         1 byte: 1
//	flags           1 byte: bit 0 seeded, bit 1 producers complete
//	base offset     uvarint
//	next offset     uvarint, from base offset
//	max timestamp   varint
//	its batch       uvarint, from base offset
//	epochs          uvarint count, then for each
//	                varint epoch, from the one before or 0
//	                uvarint start, from the one before or base offset
//	time entries    uvarint count, then for each
//	                uvarint offset, from the one before or base offset
//	                varint timestamp, from the one before or max timestamp
//	producers       uvarint count, then for each
//	                uvarint id, from the one before or 0
//	                varint epoch
//	                varint coordinator epoch
//	                varint last timestamp, from max timestamp
//	                1 byte: bit 0 transaction open, bit 1 its start uncertain
//	                varint its first offset, from base offset; if open
//	                uvarint number of batches, then for each
//	                varint offset, from the one before or base offset
//	                uvarint last offset delta
//	                uvarint base sequence
//	aborted         uvarint count, then for each
//	                uvarint producer id
//	                1 byte: bit 0 start uncertain
//	                varint first offset, from base offset
//	                uvarint last offset, from base offset
package batch
