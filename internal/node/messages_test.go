package node

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
	"github.com/seawallmq/seawall/s3stream"
)

// TestMessagesKeepTheirBytes: nodes of different versions speak to each other.
func TestMessagesKeepTheirBytes(t *testing.T) {
	hello := &raftHello{ids.UUID{1, 2}, 2, 3}
	failed := &rescueFailed{4, 5, ids.WALInstance{6}, "no"}
	said := duties.Report{
		Loads: balance.Loads{9: {BytesIn: 10, BytesOut: 11, Requests: 12}}, UntrimmedBytes: 13, RescueTime: 14 * time.Millisecond,
	}
	load := newReport(7, 8, said)
	stand := &standing{15, []voterStanding{{1, -1}, {2, 16}}, []nodeStanding{{3, 17, -1, 18, 19, 20, 21, 22}}}
	read := &readTail{s3stream.TailRead{Stream: 23, Epoch: 24, From: 25, UpTo: 26, MaxBytes: 27, MinOne: true}}
	state := &tailState{28, 29}
	for _, c := range []struct {
		name   string
		kind   uint8
		fields func(*wire.Coder)
		again  interface{ fields(*wire.Coder) }
		golden string
	}{
		{"raftHello", raftHelloMessage, hello.fields, new(raftHello), goldenHello},
		{"rescueFailed", rescueFailedMessage, failed.fields, new(rescueFailed), goldenRescueFailed},
		{"report", reportMessage, load.fields, new(report), goldenReport},
		{"readTail", readTailMessage, read.fields, new(readTail), goldenReadTail},
		{"tailState", tailStateMessage, state.fields, new(tailState), goldenTailState},
		{"standing", standingMessage, stand.fields, new(standing), goldenStanding},
	} {
		b := encodeMessage(c.kind, c.fields)
		if got := hex.EncodeToString(b); got != c.golden {
			t.Errorf("%s: %s, want %s", c.name, got, c.golden)
		}
		if err := decodeMessage(c.kind, c.name, b, c.again.fields); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := encodeMessage(c.kind, c.again.fields); string(got) != string(b) {
			t.Errorf("%s does not survive", c.name)
		}
		newer := wire.AppendFrame(nil, c.kind, messageVersion+1, c.fields)
		if decodeMessage(c.kind, c.name, newer, c.again.fields) == nil {
			t.Errorf("%s of a newer version is taken", c.name)
		}
		if decodeMessage(c.kind, c.name, append(b, 0), c.again.fields) == nil {
			t.Errorf("%s with a byte too many is taken", c.name)
		}
	}
	if got := load.report(); !reflect.DeepEqual(got, said) {
		t.Errorf("report %v", got)
	}
}

const (
	goldenHello        = "010100000012010200000000000000000000000000000406"
	goldenRescueFailed = "020100000015080506000000000000000000000000000000026e6f"
	goldenReport       = "0301000000090e080d0e01090a0b0c"
	goldenReadTail     = "040100000006171832343601"
	goldenTailState    = "0501000000021c3a"
	goldenStanding     = "06010000000f0f0202010420010611011213141516"
)

func FuzzMessages(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeMessage(reportMessage, newReport(7, 8, duties.Report{Loads: balance.Loads{9: {}}}).fields))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = decodeMessage(raftHelloMessage, "", b, new(raftHello).fields)
		_ = decodeMessage(rescueFailedMessage, "", b, new(rescueFailed).fields)
		_ = decodeMessage(reportMessage, "", b, new(report).fields)
		_ = decodeMessage(readTailMessage, "", b, new(readTail).fields)
		_ = decodeMessage(tailStateMessage, "", b, new(tailState).fields)
		_ = decodeMessage(standingMessage, "", b, new(standing).fields)
	})
}

// TestLease: it ends a session after the sending of the last heartbeat that was
// answered, whenever that answer came, and revives with the next one.
func TestLease(t *testing.T) {
	c := clock.NewManual(time.Unix(1000, 0))
	l := newLease(c, 3*time.Second)
	expect := func(want bool) {
		t.Helper()
		if got := l.Valid(); got != want {
			t.Errorf("valid: %v, want %v", got, want)
		}
	}
	expect(true)
	c.Advance(2 * time.Second)
	sent := l.now()
	c.Advance(2 * time.Second)
	expect(false)
	l.renew(sent)
	expect(true)
	l.renew(sent - time.Second) // an answer that was overtaken takes nothing back
	c.Advance(999 * time.Millisecond)
	expect(true)
	c.Advance(time.Millisecond)
	expect(false)
	l.renew(l.now())
	expect(true)
	l.revoked.Store(true)
	expect(false)
	if l := newLease(c, 0); true {
		c.Advance(time.Hour)
		if !l.Valid() {
			t.Error("a lease without a session has ended")
		}
	}
}
