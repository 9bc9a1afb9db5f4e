package batch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/pierrec/lz4/v4"
)

// Decompress returns what src, the records of a batch, decompresses to. The
// result stands in dst's memory, from its beginning, if the capacity suffices,
// and else in new memory; it never aliases src. No more than maxBytes are
// produced, nor is memory allocated for more, whatever src claims.
//
// It returns ErrTooLarge past maxBytes, ErrInvalidRecord if src is malformed,
// and ErrUnsupportedCodec.
func Decompress(dst, src []byte, codec Codec, maxBytes int) ([]byte, error) {
	switch codec {
	case CodecNone:
		if len(src) > maxBytes {
			return nil, errDecompressSize
		}
		return append(dst[:0], src...), nil
	case CodecGzip:
		return gunzip(dst, src, maxBytes)
	case CodecSnappy:
		if bytes.HasPrefix(src, xerialMagic) {
			return unsnapFramed(dst, src, maxBytes)
		}
		return unsnapBlock(dst[:0], src, maxBytes)
	case CodecLZ4:
		return unlz4(dst, src, maxBytes)
	case CodecZstd:
		return unzstd(dst, src, maxBytes)
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnsupportedCodec, codec)
	}
}

// growthFirst is how much larger than its input an output is first taken to
// be; growthMin spares small batches a second attempt.
const (
	growthFirst = 4
	growthMin   = 16 << 10
)

// grow returns a copy of b with about four times its capacity, at most
// maxBytes, or false if it has that already.
func grow(b []byte, maxBytes int) ([]byte, bool) {
	if cap(b) >= maxBytes {
		return b, false
	}
	grown := make([]byte, len(b), min(max(growthFirst*cap(b), growthMin), maxBytes))
	copy(grown, b)
	return grown, true
}

// firstBuffer returns dst, emptied and cut to maxBytes of capacity, if it is
// large enough for what src is likely to decompress to, else a new buffer.
func firstBuffer(dst, src []byte, maxBytes int) []byte {
	want := min(max(growthFirst*len(src), growthMin), maxBytes)
	if cap(dst) >= want {
		return dst[:0:min(cap(dst), maxBytes)]
	}
	return make([]byte, 0, want)
}

// readAll reads r to its end into dst, as [Decompress] does.
func readAll(dst []byte, r io.Reader, maxBytes int) ([]byte, error) {
	const emptyReadsMax = 100
	empty := 0
	for {
		if len(dst) == cap(dst) {
			grown, ok := grow(dst, maxBytes)
			if !ok {
				return dst, atEnd(r)
			}
			dst = grown
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %v", errDecompress, err)
		case n > 0:
			empty = 0
		default:
			if empty++; empty > emptyReadsMax {
				return nil, fmt.Errorf("%w: %v", errDecompress, io.ErrNoProgress)
			}
		}
	}
}

// atEnd returns nil if r, of which as much was read as is allowed, has no
// more: it is then exactly as large as the bound.
func atEnd(r io.Reader) error {
	var more [1]byte
	switch _, err := io.ReadFull(r, more[:]); err {
	case io.EOF:
		return nil
	case nil:
		return errDecompressSize
	default:
		return fmt.Errorf("%w: %v", errDecompress, err)
	}
}

// gzipState is a decompressor together with what it reads from.
type gzipState struct {
	src bytes.Reader
	r   gzip.Reader
}

var gzipStates = sync.Pool{New: func() any { return new(gzipState) }}

func gunzip(dst, src []byte, maxBytes int) ([]byte, error) {
	s := gzipStates.Get().(*gzipState)
	defer func() {
		s.src.Reset(nil) // do not pin the caller's bytes
		gzipStates.Put(s)
	}()
	s.src.Reset(src)
	if err := s.r.Reset(&s.src); err != nil {
		return nil, fmt.Errorf("%w: %v", errDecompress, err)
	}
	return readAll(firstBuffer(dst, src, maxBytes), &s.r, maxBytes)
}

// lz4State is a decompressor together with what it reads from.
type lz4State struct {
	src bytes.Reader
	r   *lz4.Reader
}

var lz4States = sync.Pool{New: func() any { return &lz4State{r: lz4.NewReader(nil)} }}

func unlz4(dst, src []byte, maxBytes int) ([]byte, error) {
	s := lz4States.Get().(*lz4State)
	defer func() {
		s.src.Reset(nil)
		s.r.Reset(nil) // gives its block buffers back
		lz4States.Put(s)
	}()
	s.src.Reset(src)
	s.r.Reset(&s.src)
	return readAll(firstBuffer(dst, src, maxBytes), s.r, maxBytes)
}

// The framing of Java's snappy library: a header of magic, version and oldest
// compatible version, then blocks preceded by their length.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeaderSize = 16

func unsnapFramed(dst, src []byte, maxBytes int) ([]byte, error) {
	if len(src) < xerialHeaderSize {
		return nil, errDecompress
	}
	dst = firstBuffer(dst, src, maxBytes)
	for src = src[xerialHeaderSize:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, errDecompress
		}
		size := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(size) > uint64(len(src)) {
			return nil, errDecompress
		}
		var err error
		if dst, err = unsnapBlock(dst, src[:size], maxBytes); err != nil {
			return nil, err
		}
		src = src[size:]
	}
	return dst, nil
}

// unsnapBlock appends to dst what one block decompresses to.
func unsnapBlock(dst, src []byte, maxBytes int) ([]byte, error) {
	size, err := s2.DecodedLen(src)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errDecompress, err)
	}
	if size > maxBytes-len(dst) {
		return nil, errDecompressSize
	}
	// The format takes 3 bytes for a copy of at most 64: a block that claims
	// more is lying, and not worth the memory.
	if size > 64*len(src) {
		return nil, errDecompress
	}
	dst = slices.Grow(dst, size)
	end := len(dst) + size
	if _, err := s2.Decode(dst[len(dst):end:end], src); err != nil {
		return nil, fmt.Errorf("%w: %v", errDecompress, err)
	}
	return dst[:end], nil
}
