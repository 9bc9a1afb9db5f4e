package image

import (
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

// openDirect opens a direct log of node 1 and a stream in it.
func (c *cluster) openDirect(instance byte, s OpenStream) OpenedStream {
	c.t.Helper()
	epoch := c.img.EpochOf(1)
	do(c, &OpenWAL{Node: 1, NodeEpoch: epoch, Instance: uuid(instance), Kind: KindDirect})
	o := c.open(epoch, instance, s)[0]
	if o.Refused != NotRefused {
		c.t.Fatal(o.Refused)
	}
	return o
}

func TestADirectLogEndsWithItsHoldersEpoch(t *testing.T) {
	for name, end := range map[string]func(c *cluster){
		"fenced":                   func(c *cluster) { do(c, &FenceNode{Node: 1, Epoch: 1}) },
		"registered in a new life": func(c *cluster) { c.register(2) },
	} {
		t.Run(name, func(t *testing.T) {
			c := boot(t, 2)
			o := c.openDirect(5, OpenStream{1, 0})
			c.openDirect(6, OpenStream{2, 0})
			c.upload(1, 5, 0, StreamObject, Slice{Stream: 1, Epoch: o.Epoch, Start: 0, End: 10, Bytes: 100})
			late := c.prepare(1, 1)
			end(c)
			for _, instance := range []byte{5, 6} {
				if w, _ := c.img.WAL(uuid(instance)); w.State != WALRetired || c.img.RescuerOf(w) != NoLeader || c.img.OutOfReach(w) {
					t.Errorf("direct log %+v waits for node %d", w, c.img.RescuerOf(w))
				}
			}
			for stream, end := range map[ids.StreamID]int64{1: 10, 2: 0} {
				s, _ := c.img.Stream(stream)
				if len(s.Tails) > 0 || s.KnownEnd() != end {
					t.Errorf("stream %+v, want it closed at %d", s, end)
				}
			}
			c.refused(StaleNodeEpoch, &CommitUpload{
				Node: 1, NodeEpoch: 1, WAL: uuid(5), Objects: []UploadedObject{{ID: late, Key: "k", Kind: StreamObject, Size: 1}},
				Slices: []Slice{{Object: late, Stream: 1, Epoch: o.Epoch, Start: 10, End: 20, Bytes: 100}},
			})
			checkInvariants(t, c.img)
		})
	}
}

// A stream that changes to a direct log has its WAL's tail committed first.
func TestADirectTailFollowsATailInAWAL(t *testing.T) {
	c := boot(t, 1)
	first := c.open(1, 1, OpenStream{1, 0})[0]
	do(c, &CloseStreams{1, 1, []StreamEnd{{1, first.Epoch, 10}}})
	o := c.openDirect(5, OpenStream{1, first.Epoch})
	if o.Start != 10 {
		t.Fatalf("opened at %d", o.Start)
	}
	slice := Slice{Stream: 1, Epoch: o.Epoch, Start: 10, End: 20, Bytes: 1}
	if r := c.upload(1, 5, 0, StreamObject, slice).Refused; len(r) != 1 || r[0].Reason != NotFirstTail {
		t.Fatalf("committed before the WAL's tail: %v", r)
	}
	c.upload(1, 1, 7, StreamObject, Slice{Stream: 1, Epoch: first.Epoch, Start: 0, End: 10, Bytes: 1})
	if r := c.upload(1, 5, 0, StreamObject, slice).Refused; len(r) > 0 {
		t.Fatal(r)
	}
	closeAt := func(end int64) Reason {
		return do(c, &CloseStreams{1, 1, []StreamEnd{{1, o.Epoch, end}}}).Refused[0]
	}
	if r := closeAt(21); r != PastEnd {
		t.Errorf("closed past what is committed: %v", r)
	}
	if r := do(c, &TrimStreams{1, 1, []StreamStart{{1, o.Epoch, 21}}}).Refused[0]; r != PastEnd {
		t.Errorf("trimmed past what is committed: %v", r)
	}
	if r := closeAt(20); r != NotRefused {
		t.Error(r)
	}
	if s, _ := c.img.Stream(1); len(s.Tails) > 0 || s.KnownEnd() != 20 {
		t.Errorf("closed: %+v", s)
	}
	do(c, &RetireWAL{1, 1, uuid(5)})
	checkInvariants(t, c.img)
}

// Fenced before the WAL's tail is committed, a direct one leaves nothing behind.
func TestADirectTailThatHasNothingIsGone(t *testing.T) {
	c := boot(t, 1)
	first := c.open(1, 1, OpenStream{1, 0})[0]
	do(c, &CloseStreams{1, 1, []StreamEnd{{1, first.Epoch, 10}}})
	c.openDirect(5, OpenStream{1, first.Epoch})
	do(c, &FenceNode{Node: 1, Epoch: 1})
	if s, _ := c.img.Stream(1); len(s.Tails) != 1 || s.KnownEnd() != 10 {
		t.Errorf("closed: %+v", s)
	}
	checkInvariants(t, c.img)
}

func TestDirectLogsNeedTheirLevel(t *testing.T) {
	c := boot(t, 1)
	do(c, &UpdateFeatures{Features: []Feature{{MetadataFeature, directLevel - 1}}, AllowDowngrade: true})
	c.refused(Unsupported, &OpenWAL{Node: 1, NodeEpoch: 1, Instance: uuid(5), Kind: KindDirect})
}
