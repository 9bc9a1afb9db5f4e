package batch

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compress appends src, compressed by the codec at its default level, to dst.
// It returns ErrUnsupportedCodec for a codec that is not one of Kafka's.
func Compress(dst, src []byte, codec Codec) ([]byte, error) {
	switch codec {
	case CodecNone:
		return append(dst, src...), nil
	case CodecGzip:
		return compressStream(&gzipEncoders, dst, src), nil
	case CodecSnappy:
		// A bare block: Java's reader takes it as well as its own framing.
		dst = slices.Grow(dst, s2.MaxEncodedLen(len(src)))
		block := s2.EncodeSnappy(dst[len(dst):cap(dst)], src)
		return dst[:len(dst)+len(block)], nil
	case CodecLZ4:
		return compressStream(&lz4Encoders, dst, src), nil
	case CodecZstd:
		e := zstdEncoders.Get().(*zstd.Encoder)
		defer zstdEncoders.Put(e)
		return e.EncodeAll(src, dst), nil
	default:
		return dst, fmt.Errorf("%w: %v", ErrUnsupportedCodec, codec)
	}
}

// appender is an io.Writer that appends to a slice and cannot fail.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// streamEncoder is a compressor together with what it writes to.
type streamEncoder struct {
	dst appender
	w   interface {
		io.WriteCloser
		Reset(io.Writer)
	}
}

var gzipEncoders = sync.Pool{New: func() any { return &streamEncoder{w: gzip.NewWriter(nil)} }}

var lz4Encoders = sync.Pool{New: func() any {
	w := lz4.NewWriter(nil)
	// The block size that Java's clients write, and thus have buffers for.
	must(0, w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1)))
	return &streamEncoder{w: w}
}}

// compressStream appends src to dst, compressed by one of the encoders.
func compressStream(encoders *sync.Pool, dst, src []byte) []byte {
	e := encoders.Get().(*streamEncoder)
	e.dst.b = dst
	e.w.Reset(&e.dst)
	must(e.w.Write(src))
	must(0, e.w.Close())
	dst, e.dst.b = e.dst.b, nil
	encoders.Put(e)
	return dst
}

var zstdEncoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(1<<20), // batches are seldom larger
		zstd.WithZeroFrames(true))
	must(0, err)
	return e
}}

// must panics on an error of a compressor that writes to memory: it has none.
func must(_ int, err error) {
	if err != nil {
		panic(fmt.Sprintf("batch: compressing to memory: %v", err))
	}
}
