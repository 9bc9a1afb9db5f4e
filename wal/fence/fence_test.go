package fence

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const golden = "53454146454e4345" + "0001" + "0000" + "00000007" + "0000000000000005" + "09000000000000000000000000000000" + "ff2fe2d2"

func TestGoldenCell(t *testing.T) {
	want := Cell{NodeEpoch: 5, Rescuer: 7, Instance: ids.UUID{9}}
	b := make([]byte, CellBytes)
	want.Encode(b)
	if got := hex.EncodeToString(b[:44]); got != golden {
		t.Fatalf("encoded %s, want %s", got, golden)
	}
	got, err := DecodeCell(b)
	if err != nil || got != want {
		t.Fatalf("decoded %+v, %v", got, err)
	}
	for bit := range 44 * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeCell(b); !errors.Is(err, ErrNoCell) {
			t.Fatalf("bit %d: %v", bit, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

func TestNewerCellIsRefused(t *testing.T) {
	b := make([]byte, CellBytes)
	(&Cell{}).Encode(b)
	binary.BigEndian.PutUint16(b[8:], cellVersion+1)
	binary.BigEndian.PutUint32(b[40:], crc.Of(b[:40]))
	var v *walfmt.VersionError
	if _, err := DecodeCell(b); !errors.As(err, &v) || v.Version != cellVersion+1 {
		t.Fatalf("told: %v", err)
	}
	dev := device.NewMemory(64 << 10)
	write(t, dev, b)
	if err := NewShared(dev, 9).Check(); !errors.As(err, &v) {
		t.Fatalf("a cell that cannot be read must fence: %v", err)
	}
}

func write(t *testing.T, dev device.Device, b []byte) {
	t.Helper()
	if err := device.Do(dev, &device.Op{Kind: device.Write, Offset: walfmt.FenceCellOffset, Bufs: [][]byte{b}}); err != nil {
		t.Fatal(err)
	}
}

func TestShared(t *testing.T) {
	dev := device.NewMemory(64 << 10)
	f := NewShared(dev, 5)
	check := func(name string, fenced bool) {
		t.Helper()
		if err := f.Check(); errors.Is(err, ErrFenced) != fenced || !fenced && err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	check("never written", false)
	if err := Take(dev, Cell{NodeEpoch: 5, Rescuer: 2}); err != nil {
		t.Fatal(err)
	}
	check("our own epoch", false)
	if err := Take(dev, Cell{NodeEpoch: 6, Rescuer: 2}); err != nil {
		t.Fatal(err)
	}
	check("a higher epoch", true)
	torn := make([]byte, CellBytes)
	(&Cell{NodeEpoch: 9}).Encode(torn)
	clear(torn[20:])
	write(t, dev, torn)
	check("torn", true)
	if err := NewShared(device.NewMemory(512), 5).Check(); err == nil {
		t.Fatal("a cell that cannot be read does not fence")
	}
}

// A rescuer that was named long ago, and wakes up now, is refused by the cell.
func TestTakeIsRefusedBelowTheCell(t *testing.T) {
	dev := device.NewMemory(64 << 10)
	take := func(epoch ids.NodeEpoch, by ids.NodeID) error {
		return Take(dev, Cell{NodeEpoch: epoch, Rescuer: by, Instance: ids.UUID{1}})
	}
	stands := func(epoch ids.NodeEpoch, by ids.NodeID) {
		t.Helper()
		c, err := readCell(dev, device.Aligned(CellBytes))
		if err != nil || c.NodeEpoch != epoch || c.Rescuer != by {
			t.Fatalf("%+v stands in the cell, %v; want epoch %d by node %d", c, err, epoch, by)
		}
	}
	if err := take(6, 2); err != nil {
		t.Fatal(err)
	}
	if err := take(5, 3); !errors.Is(err, ErrFenced) {
		t.Errorf("a lower epoch: %v", err)
	}
	stands(6, 2)
	if err := take(6, 4); err != nil {
		t.Errorf("the next rescuer of the same epoch: %v", err)
	}
	stands(6, 4)
	torn := make([]byte, CellBytes)
	(&Cell{NodeEpoch: 9}).Encode(torn)
	clear(torn[20:])
	write(t, dev, torn)
	if err := take(7, 3); err != nil {
		t.Errorf("after one that died while it wrote: %v", err)
	}
	stands(7, 3)
	(&Cell{NodeEpoch: 1}).Encode(torn)
	binary.BigEndian.PutUint16(torn[8:], cellVersion+1)
	binary.BigEndian.PutUint32(torn[40:], crc.Of(torn[:40]))
	write(t, dev, torn)
	var newer *walfmt.VersionError
	if err := take(8, 3); !errors.As(err, &newer) {
		t.Errorf("over a newer program's cell: %v", err)
	}
}

func TestExclusive(t *testing.T) {
	if err := (Exclusive{}).Check(); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeCell(f *testing.F) {
	b := make([]byte, CellBytes)
	(&Cell{NodeEpoch: 5, Rescuer: 7, Instance: ids.UUID{9}}).Encode(b)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCell(b)
		if err != nil {
			return
		}
		again := make([]byte, CellBytes)
		c.Encode(again)
		if got, err := DecodeCell(again); err != nil || got != c {
			t.Fatalf("%+v becomes %+v, %v", c, got, err)
		}
	})
}
