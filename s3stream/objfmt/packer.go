package objfmt

import (
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

// Packer gathers batches into data blocks of a Writer.
type Packer struct {
	w      *Writer
	target int
	block  Block // gathered and not yet appended; empty when it has no Data
	size   int   // of block
}

// Batches are one or more whole batches of one stream, in offset order.
type Batches struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch
	Start, End int64 // stream offsets, End exclusive
	Count      uint32
	Data       []byte // not copied: must stay unchanged until it is uploaded
	CRC32C     uint32 // of Data
}

// NewPacker packs into blocks of about target bytes; BlockBytesTarget is usual.
func NewPacker(w *Writer, target int) *Packer { return &Packer{w: w, target: target} }

// Add adds batches, which follow those of the same stream added before. A block
// ends before it would exceed the target, and where stream or epoch change.
func (p *Packer) Add(b Batches) error {
	if len(p.block.Data) > 0 {
		other := b.Stream != p.block.Stream || b.Epoch != p.block.Epoch
		if other || b.Start < p.block.End || p.size+len(b.Data) > p.target {
			if err := p.Flush(); err != nil {
				return err
			}
		}
	}
	if len(p.block.Data) == 0 {
		p.block = Block{Stream: b.Stream, Epoch: b.Epoch, Start: b.Start, Kind: DataBlock}
	}
	p.block.End = b.End
	p.block.Batches += b.Count
	p.block.Data = append(p.block.Data, b.Data)
	p.block.CRC32C = crc.Combine(p.block.CRC32C, b.CRC32C, len(b.Data))
	p.size += len(b.Data)
	return nil
}

// Flush appends the block under way, if there is one. Call it before appending
// to the Writer directly, and before Finish.
func (p *Packer) Flush() error {
	if len(p.block.Data) == 0 {
		return nil
	}
	b := p.block
	p.block, p.size = Block{}, 0
	_, err := p.w.AppendBlock(b)
	return err
}

// Gathered is how many bytes Flush would append.
func (p *Packer) Gathered() int { return p.size }
