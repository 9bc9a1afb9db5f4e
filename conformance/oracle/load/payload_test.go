package load

import (
	"testing"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

func TestPayload(t *testing.T) {
	for _, v := range []history.Value{{Producer: 0, Seq: 0}, {Producer: 65535, Seq: 1 << 40}} {
		for _, size := range []int{0, payloadBytesMin, 49, 1000} {
			b := payload(v, size)
			if len(b) != max(size, payloadBytesMin) {
				t.Fatalf("%d bytes, want %d", len(b), size)
			}
			if got, err := parsePayload(b); err != nil || got != v {
				t.Fatalf("parsed %v, %v; want %v", got, err, v)
			}
			for i := range b {
				b[i] ^= 0x10
				if got, err := parsePayload(b); err == nil && got == v {
					t.Fatalf("damage at byte %d of %d goes unseen", i, len(b))
				}
				b[i] ^= 0x10
			}
			if _, err := parsePayload(b[:len(b)-1]); err == nil {
				t.Fatal("a byte that is missing goes unseen")
			}
		}
	}
}

func TestPacerFallsBehindByABound(t *testing.T) {
	never := make(chan struct{})
	p := pacer{interval: time.Millisecond, next: time.Now().Add(-time.Hour)}
	if due, ok := p.wait(never); !ok || time.Since(due) > time.Minute {
		t.Errorf("after an hour's pause the next record was due %v ago", time.Since(due))
	}
	p.next = time.Now().Add(-pauseMax / 2)
	want := p.next
	if due, ok := p.wait(never); !ok || due != want {
		t.Errorf("a record held back counts from %v, want from when it was due, %v", due, want)
	}
	close(never)
	if _, ok := p.wait(never); ok {
		t.Error("the pacer goes on after the end")
	}
}
