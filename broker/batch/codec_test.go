package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// samples are inputs that take a codec's different ways: nothing, tiny, text,
// noise, one byte repeated, and several blocks.
func samples() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 300<<10)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	return map[string][]byte{
		"empty":  {},
		"byte":   {7},
		"text":   bytes.Repeat([]byte("the wall and the sea "), 100),
		"noise":  noise,
		"zeros":  make([]byte, 1<<20),
		"blocks": bytes.Repeat(noise[:70_000], 10),
	}
}

func TestCodecRoundTrip(t *testing.T) {
	for _, codec := range allCodecs {
		for name, src := range samples() {
			compressed, err := Compress([]byte("before"), src, codec)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(compressed, []byte("before")) {
				t.Fatalf("%v, %s: not appended", codec, name)
			}
			// Every buffer that it may be given: none, small, exact, large.
			for _, size := range []int{0, 10, len(src), 2 << 20} {
				got, err := Decompress(make([]byte, 5, 5+size), compressed[len("before"):], codec, len(src))
				if err != nil {
					t.Fatalf("%v, %s, buffer %d: %v", codec, name, size, err)
				}
				if !bytes.Equal(got, src) {
					t.Fatalf("%v, %s, buffer %d: %d bytes come back differently as %d", codec, name, size, len(src), len(got))
				}
			}
			if len(src) > 0 {
				if _, err := Decompress(make([]byte, 2<<20), compressed[len("before"):], codec, len(src)-1); !errors.Is(err, ErrTooLarge) {
					t.Errorf("%v, %s: past the bound: %v", codec, name, err)
				}
			}
		}
	}
}

// franz-go frames snappy as Java does, and so tests the framing too.
func TestCodecsAgreeWithFranzGo(t *testing.T) {
	options := map[Codec]kgo.CompressionCodec{
		CodecGzip: kgo.GzipCompression(), CodecSnappy: kgo.SnappyCompression(),
		CodecLZ4: kgo.Lz4Compression(), CodecZstd: kgo.ZstdCompression(),
	}
	for codec, option := range options {
		compressor, err := kgo.DefaultCompressor(option)
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range samples() {
			theirs, used := compressor.Compress(new(bytes.Buffer), src)
			if Codec(used) != codec {
				continue // they do not compress what grows by it
			}
			got, err := Decompress(nil, theirs, codec, len(src))
			if err != nil || !bytes.Equal(got, src) {
				t.Errorf("%v, %s: theirs: %v", codec, name, err)
			}
			ours, err := Compress(nil, src, codec)
			if err != nil {
				t.Fatal(err)
			}
			got, err = kgo.DefaultDecompressor().Decompress(ours, kgo.CompressionCodecType(codec))
			if err != nil || !bytes.Equal(got, src) {
				t.Errorf("%v, %s: ours: %v", codec, name, err)
			}
		}
	}
}

// xerialFrame frames src as Java's snappy library does.
func xerialFrame(src []byte, blockSize int) []byte {
	framed := append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(src) > 0 {
		n := min(blockSize, len(src))
		block := s2.EncodeSnappy(nil, src[:n])
		framed = binary.BigEndian.AppendUint32(framed, uint32(len(block)))
		framed = append(framed, block...)
		src = src[n:]
	}
	return framed
}

func TestSnappyFraming(t *testing.T) {
	src := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	framed := xerialFrame(src, 32<<10)
	got, err := Decompress(nil, framed, CodecSnappy, len(src))
	if err != nil || !bytes.Equal(got, src) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if _, err := Decompress(nil, framed, CodecSnappy, len(src)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("past the bound: %v", err)
	}
	for cut := 8; cut < 40; cut++ { // shorter, it is no frame; longer is alike
		if cut == xerialHeaderSize {
			continue // an empty frame
		}
		if _, err := Decompress(nil, framed[:cut], CodecSnappy, len(src)); !errors.Is(err, ErrInvalidRecord) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// Java streams: its frames name no size and a window larger than the content.
func TestZstdStreamedFrames(t *testing.T) {
	src := bytes.Repeat([]byte("the wall and the sea "), 50_000)
	var streamed bytes.Buffer
	w, err := zstd.NewWriter(&streamed, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(src, 10_000) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Decompress(nil, streamed.Bytes(), CodecZstd, len(src))
	if err != nil || !bytes.Equal(got, src) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if _, err := Decompress(nil, streamed.Bytes(), CodecZstd, len(src)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("past the bound: %v", err)
	}
}

// Linked blocks and checksums are choices of other clients' lz4.
func TestLZ4FrameOptions(t *testing.T) {
	src := bytes.Repeat([]byte("the wall and the sea "), 50_000)
	for name, options := range map[string][]lz4.Option{
		"4 MiB blocks, checksums": {lz4.BlockSizeOption(lz4.Block4Mb), lz4.BlockChecksumOption(true), lz4.ChecksumOption(true)},
		"content size":            {lz4.SizeOption(uint64(len(src)))},
		"no checksum":             {lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block64Kb)},
	} {
		var framed bytes.Buffer
		w := lz4.NewWriter(&framed)
		if err := w.Apply(options...); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(src); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := Decompress(nil, framed.Bytes(), CodecLZ4, len(src))
		if err != nil || !bytes.Equal(got, src) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
}

func TestDecompressRefusesGarbage(t *testing.T) {
	src := bytes.Repeat([]byte("the wall and the sea "), 100)
	for _, codec := range allCodecs[1:] {
		compressed, err := Compress(nil, src, codec)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{
			"garbage":   bytes.Repeat([]byte{0xee}, 100),
			"truncated": compressed[:len(compressed)/2],
		} {
			if _, err := Decompress(nil, b, codec, 1<<20); !errors.Is(err, ErrInvalidRecord) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%v, %s: %v", codec, name, err)
			}
		}
	}
	if _, err := Decompress(nil, src, Codec(5), 1<<20); !errors.Is(err, ErrUnsupportedCodec) {
		t.Errorf("unknown codec: %v", err)
	}
	if _, err := Compress(nil, src, Codec(5)); !errors.Is(err, ErrUnsupportedCodec) {
		t.Errorf("unknown codec: %v", err)
	}
}

// What a block claims to hold must not be believed before it is allocated.
func TestDecompressDoesNotTrustClaims(t *testing.T) {
	snappy := binary.AppendUvarint(nil, 100<<20)
	snappy = append(snappy, 0, 'x')
	zstdFrame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 6, 0x01, 0, 0} // claims 96 MiB
	for codec, src := range map[Codec][]byte{CodecSnappy: snappy, CodecZstd: zstdFrame} {
		const runs = 10
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := Decompress(nil, src, codec, 128<<20); err == nil {
				t.Fatal("no error")
			}
		}
		runtime.ReadMemStats(&after)
		if allocated := (after.TotalAlloc - before.TotalAlloc) / runs; allocated > 1<<20 {
			t.Errorf("%v: allocates %d bytes for an input of %d", codec, allocated, len(src))
		}
	}
}

func TestCodecNames(t *testing.T) {
	for codec, want := range map[Codec]string{CodecNone: "none", CodecLZ4: "lz4", CodecZstd: "zstd", 6: "codec 6"} {
		if got := codec.String(); got != want {
			t.Errorf("%d: got %q, want %q", codec, got, want)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for _, codec := range allCodecs {
		compressed, err := Compress(nil, bytes.Repeat([]byte("the wall and the sea "), 20), codec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(codec), compressed)
	}
	f.Add(uint8(CodecSnappy), xerialFrame([]byte("the wall and the sea"), 7))
	f.Fuzz(func(t *testing.T, codec uint8, src []byte) {
		const limit = 100_000
		got, err := Decompress(nil, src, Codec(codec), limit)
		if err == nil && len(got) > limit {
			t.Fatalf("%d bytes, at most %d are allowed", len(got), limit)
		}
	})
}
