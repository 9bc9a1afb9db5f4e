// Package objfmt is the layout of the objects in which streams are kept, and
// of their keys. Pure: bytes in, bytes out.
//
// An object is blocks, an index of them, and a footer. Integers are
// big-endian, checksums are CRC32C; nothing is padded.
//
//	object  block… | index entry… | footer
//
//	index entry, 56 bytes
//	 0  stream id        u64
//	 8  stream epoch     u64   under which the block's records were appended
//	16  start offset     i64   first offset the block covers
//	24  end offset       i64   one past the last
//	32  position         u64   of the block in the object
//	40  size             u32   of the block, bytes
//	44  block CRC32C     u32
//	48  batches          u32   in the block; 0 in an attachment
//	52  block kind       u8    1 data, 2 reference, 3 attachment
//	53  attachment kind  u8    the summarizer's own; 0 in other blocks
//	54  reserved         u16   0
//
//	footer, 48 bytes
//	 0  object id        u64   so that a misplaced object is noticed
//	 8  index position   u64   the end of the blocks
//	16  index size       u32
//	20  index CRC32C     u32
//	24  object kind      u8    1 stream, 2 stream set, 3 zone, 4 composite
//	25  reserved         7 bytes of 0
//	   (the last 16 bytes stay where they are in every version)
//	32  footer size      u16   48
//	34  version          u16   1
//	36  footer CRC32C    u32   of the bytes before it
//	40  magic            u64   "SEAWALOB"
//
// A data block is whole record batches of one stream, one after another and in
// offset order, all of one stream epoch; about BlockBytesTarget of them, more
// where one batch is larger. Offsets may be missing between and inside blocks:
// compaction, transactions and DeleteRecords remove records. A reference block
// gives offsets to slices of a zone object (see Reference). An attachment is
// opaque bytes that a summarizer noted of a part of a stream.
//
// Blocks stand in the object by stream id. The index is sorted by stream, data
// and reference blocks before attachments, then by offset; blocks of a stream
// do not overlap, and neither do its attachments of one kind.
//
// Zone and composite objects are reserved: their kinds are known, their layout
// is not yet, and this version refuses to read them. An object of a newer
// version is refused with ErrNewer.
//
// Owns: Writer, ParseFooter, ParseIndex, Index, Reference, KeyParts.
// Does not own: reading and writing stores (s3stream/objstore), caching
// (blockcache), what batches and summaries mean. No goroutines, no locks.
package objfmt
