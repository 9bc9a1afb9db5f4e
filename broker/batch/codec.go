package batch

import "fmt"

// Codec is how the records of a batch are compressed, as numbered in a batch's
// attributes.
type Codec uint8

// The codecs that Kafka has.
const (
	CodecNone Codec = iota
	CodecGzip
	CodecSnappy
	CodecLZ4
	CodecZstd
)

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// String returns the codec's name, as Kafka's compression.type has it.
func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// known reports whether the codec is one of the five.
func (c Codec) known() bool { return int(c) < len(codecNames) }
