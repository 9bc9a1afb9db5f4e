package batch

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdWindowMax is the largest window a frame may name; Java's encoder reaches
// it at its highest level. The output is its own window, so this reserves no
// memory.
const zstdWindowMax = 128 << 20

var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1), // no goroutines
		zstd.WithDecoderMaxWindow(zstdWindowMax),
		zstd.WithDecodeAllCapLimit(true)) // writes no further than the capacity
	must(0, err)
	return d
}}

func unzstd(dst, src []byte, maxBytes int) ([]byte, error) {
	bound, err := zstdBound(src)
	if err != nil {
		return nil, err
	}
	want := min(bound, maxBytes)
	if cap(dst) < want {
		dst = make([]byte, 0, want)
	}
	d := zstdDecoders.Get().(*zstd.Decoder)
	defer zstdDecoders.Put(d)
	out, err := d.DecodeAll(src, dst[:0:want])
	switch {
	case err == nil:
		return out, nil
	case bound > maxBytes:
		// The decoder has more than one error for a full buffer. It may have
		// met something else before; too large is the likelier fault then.
		return nil, errDecompressSize
	default:
		return nil, fmt.Errorf("%w: %v", errDecompress, err)
	}
}

// The format of a frame's blocks: a header of three bytes, little-endian, with
// one bit that marks the last block, two bits of type, and the size.
const (
	zstdBlockHeaderSize = 3
	zstdBlockMax        = 128 << 10
	zstdChecksumSize    = 4

	zstdBlockRaw        = 0
	zstdBlockRLE        = 1
	zstdBlockCompressed = 2
)

// zstdBound returns the most that src can decompress to, by its frame and block
// headers. Producers stream, so frames seldom say how large they are, and what
// one does say is not to be believed before it is allocated.
func zstdBound(src []byte) (int, error) {
	bound := 0
	for len(src) > 0 {
		var header zstd.Header
		rest, err := header.DecodeAndStrip(src)
		if err != nil {
			return 0, fmt.Errorf("%w: %v", errDecompress, err)
		}
		src = rest
		if header.Skippable {
			if uint64(header.SkippableSize) > uint64(len(src)) {
				return 0, errDecompress
			}
			src = src[header.SkippableSize:]
			continue
		}
		blocks, rest, err := zstdBlocksBound(src, header.HasCheckSum)
		if err != nil {
			return 0, err
		}
		src = rest
		if header.HasFCS && header.FrameContentSize < uint64(blocks) {
			blocks = int(header.FrameContentSize)
		}
		bound += blocks
	}
	return bound, nil
}

// zstdBlocksBound returns the most that a frame's blocks, with which src begins,
// can decompress to, and what follows the frame.
func zstdBlocksBound(src []byte, checksum bool) (bound int, rest []byte, err error) {
	for last := false; !last; {
		if len(src) < zstdBlockHeaderSize {
			return 0, nil, errDecompress
		}
		header := int(src[0]) | int(src[1])<<8 | int(src[2])<<16
		src = src[zstdBlockHeaderSize:]
		last = header&1 != 0
		size := header >> 3
		taken := size
		switch header >> 1 & 3 {
		case zstdBlockRaw:
			bound += size
		case zstdBlockRLE:
			bound += size
			taken = 1
		case zstdBlockCompressed:
			bound += zstdBlockMax
		default:
			return 0, nil, errDecompress
		}
		if size > zstdBlockMax || taken > len(src) {
			return 0, nil, errDecompress
		}
		src = src[taken:]
	}
	if checksum {
		if len(src) < zstdChecksumSize {
			return 0, nil, errDecompress
		}
		src = src[zstdChecksumSize:]
	}
	return bound, src, nil
}
