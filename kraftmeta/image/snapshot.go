package image

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// The form of a snapshot.
const (
	snapshotMagic   = "SWMETA"
	snapshotVersion = 1
	// chunkBytes is where a chunk ends; maxChunkBytes is what a reader accepts,
	// since one record may be large.
	chunkBytes    = 64 << 10
	maxChunkBytes = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrSnapshotDamaged is for a snapshot whose bytes are not those written.
var ErrSnapshotDamaged = errors.New("metadata snapshot is damaged")

// Records walks records that lead from an empty image to this one, in an order
// that is the same for equal images: the content of a snapshot.
func (img *Image) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if img.cluster != nil && !yield(img.cluster) {
			return
		}
		// Objects stand before ranges, which look at their kinds.
		_ = eachRecord(img.features, yield) &&
			eachRecord(img.counters, yield) &&
			eachRecord(img.nodes, yield) &&
			eachRecord(img.wals, yield) &&
			eachRecord(img.topics, yield) &&
			eachRecord(img.partitions, yield) &&
			eachRecord(img.configs, yield) &&
			eachRecord(img.streams, yield) &&
			eachRecord(img.objects, yield) &&
			eachRecord(img.ranges, yield) &&
			eachRecord(img.answers, yield)
	}
}

func eachRecord[K any, R Record](t table[K, R], yield func(Record) bool) bool {
	for r := range t.values() {
		if !yield(r) {
			return false
		}
	}
	return true
}

// WriteSnapshot writes the image to w, in small pieces; equal images give
// equal bytes. See the package's description for the form.
func (img *Image) WriteSnapshot(w io.Writer) error {
	header := append([]byte(snapshotMagic), snapshotVersion)
	header = binary.BigEndian.AppendUint64(header, img.index)
	header = binary.BigEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("write metadata snapshot: %w", err)
	}
	chunk, count := make([]byte, chunkHeaderBytes, chunkBytes+4096), uint64(0)
	for r := range img.Records() {
		chunk = AppendRecord(chunk, r)
		count++
		if len(chunk) >= chunkBytes {
			if err := writeChunk(w, chunk); err != nil {
				return err
			}
			chunk = chunk[:chunkHeaderBytes]
		}
	}
	if len(chunk) > chunkHeaderBytes {
		if err := writeChunk(w, chunk); err != nil {
			return err
		}
	}
	// The end: an empty chunk, then the number of records, so that a snapshot
	// cut at a chunk's edge is not taken for a whole one.
	end := binary.BigEndian.AppendUint64(make([]byte, chunkHeaderBytes), count)
	binary.BigEndian.PutUint32(end[4:], crc32.Checksum(end[chunkHeaderBytes:], castagnoli))
	if _, err := w.Write(end); err != nil {
		return fmt.Errorf("write metadata snapshot: %w", err)
	}
	return nil
}

// chunkHeaderBytes is a chunk's length and CRC32C.
const chunkHeaderBytes = 8

func writeChunk(w io.Writer, chunk []byte) error {
	body := chunk[chunkHeaderBytes:]
	binary.BigEndian.PutUint32(chunk, uint32(len(body)))
	binary.BigEndian.PutUint32(chunk[4:], crc32.Checksum(body, castagnoli))
	if _, err := w.Write(chunk); err != nil {
		return fmt.Errorf("write metadata snapshot: %w", err)
	}
	return nil
}

// ReadSnapshot reads an image written by [Image.WriteSnapshot] and nothing
// after it, though it may read ahead. A newer form is refused with a
// [wire.VersionError], bytes that do not fit together with ErrSnapshotDamaged.
func ReadSnapshot(r io.Reader) (*Image, error) {
	br := bufio.NewReader(r)
	img := New()
	var err error
	if img.index, err = readSnapshotHeader(br); err != nil {
		return nil, err
	}
	for count := uint64(0); ; {
		chunk, end, err := readChunk(br)
		switch {
		case err != nil:
			return nil, err
		case end && binary.BigEndian.Uint64(chunk) != count:
			return nil, fmt.Errorf("%w: %d records instead of %d", ErrSnapshotDamaged,
				count, binary.BigEndian.Uint64(chunk))
		case end:
			return img, nil
		}
		for len(chunk) > 0 {
			var rec Record
			if rec, chunk, err = DecodeRecord(chunk); err != nil {
				return nil, fmt.Errorf("read metadata snapshot: record %d: %w", count, err)
			}
			rec.apply(img)
			count++
		}
	}
}

func readSnapshotHeader(r io.Reader) (index uint64, err error) {
	var h [len(snapshotMagic) + 1 + 8 + 4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, fmt.Errorf("read metadata snapshot: %w", unexpected(err))
	}
	if string(h[:len(snapshotMagic)]) != snapshotMagic {
		return 0, fmt.Errorf("%w: it does not begin with %q", ErrSnapshotDamaged, snapshotMagic)
	}
	if v := h[len(snapshotMagic)]; v != snapshotVersion {
		return 0, &wire.VersionError{What: "metadata snapshot", Got: v, Known: snapshotVersion}
	}
	body, sum := h[:len(h)-4], binary.BigEndian.Uint32(h[len(h)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return 0, fmt.Errorf("%w: checksum of its header", ErrSnapshotDamaged)
	}
	return binary.BigEndian.Uint64(h[len(snapshotMagic)+1:]), nil
}

// readChunk reads the next chunk or, with end, the number of records.
func readChunk(r io.Reader) (body []byte, end bool, err error) {
	var h [chunkHeaderBytes]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, false, fmt.Errorf("read metadata snapshot: %w", unexpected(err))
	}
	n := binary.BigEndian.Uint32(h[:])
	if n > maxChunkBytes {
		return nil, false, fmt.Errorf("%w: a chunk of %d bytes", ErrSnapshotDamaged, n)
	}
	if end = n == 0; end {
		n = 8
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, false, fmt.Errorf("read metadata snapshot: %w", unexpected(err))
	}
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(h[4:]) {
		return nil, false, fmt.Errorf("%w: checksum of a chunk", ErrSnapshotDamaged)
	}
	return body, end, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
