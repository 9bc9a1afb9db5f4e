package broker

import (
	"encoding/binary"
	"reflect"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// allRequests calls f for each request that the codec knows in each of its
// versions.
func allRequests(f func(req kmsg.Request, version int16)) {
	for key := int16(0); key <= apiKeyMax; key++ {
		req := kmsg.RequestForKey(key)
		if req == nil {
			continue
		}
		for v := int16(0); v <= req.MaxVersion(); v++ {
			f(kmsg.RequestForKey(key), v)
		}
	}
}

// factorOf is decodeFactor of a request's type.
func factorOf(req kmsg.Request) int {
	return max(tagFactor, largestElement(reflect.TypeOf(req))/elementWireBytesMin)
}

// decodeCost is how many bytes decoding allocates.
func decodeCost(req kmsg.Request, body []byte) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = decode(req, body)
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Bodies that claim as much as they can, for every request and version: what
// they are decoded to stays below what was paid for.
func TestDecodeFactorHolds(t *testing.T) {
	const size = 4 << 10
	worst := 0.0
	fills := map[string]func(b []byte){
		"zeros":       func([]byte) {},
		"ones":        func(b []byte) { fillBytes(b, 1) },
		"twos":        func(b []byte) { fillBytes(b, 2) },
		"lengths":     func(b []byte) { fillInts(b, size/4) },
		"small tags":  func(b []byte) { copy(b, "\x01\x00\x01"); repeat(b, "\x01\x01\x00") },
		"array first": func(b []byte) { binary.BigEndian.PutUint32(b, size/2) },
		"compact":     func(b []byte) { b[0], b[1] = 0x80|0x7f, 0x0f },
		"compact+1":   func(b []byte) { fillBytes(b, 1); b[0], b[1] = 0x80|0x7f, 0x07 },
	}
	allRequests(func(req kmsg.Request, version int16) {
		for name, fill := range fills {
			body := make([]byte, size)
			fill(body)
			req.SetVersion(version)
			cost := decodeCost(req, body)
			if bound := size * factorOf(req); cost > bound {
				t.Errorf("%s v%d, %s: %d bytes allocated, %d paid for", kmsg.NameForKey(req.Key()), version, name, cost, bound)
			}
			worst = max(worst, float64(cost)/size)
			req = kmsg.RequestForKey(req.Key())
		}
	})
	t.Logf("worst: %.1f bytes allocated for one of the body", worst)
}

func fillBytes(b []byte, x byte) {
	for i := range b {
		b[i] = x
	}
}

func fillInts(b []byte, x uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], x)
	}
}

func repeat(b []byte, s string) {
	for i := range b {
		b[i] = s[i%len(s)]
	}
}

func TestDecodedBytesCounts(t *testing.T) {
	size := sizerOf(reflect.TypeFor[*kmsg.MetadataRequest]())
	decodedBytes := func(r *kmsg.MetadataRequest) int { return size(reflect.ValueOf(r)) }
	req := kmsg.NewPtrMetadataRequest()
	empty := decodedBytes(req)
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr("0123456789")
	topic.UnknownTags.Set(1, []byte("tag"))
	for range 100 {
		req.Topics = append(req.Topics, topic)
	}
	perTopic := (decodedBytes(req) - empty) / 100
	least := int(reflect.TypeFor[kmsg.MetadataRequestTopic]().Size()) + 16 + 10 + mapEntryBytes
	if perTopic < least || perTopic > 2*least {
		t.Errorf("a topic counts %d bytes, want about %d", perTopic, least)
	}
}

// FuzzFrame decodes any body as any request: no panic, and no more memory than
// was paid for.
func FuzzFrame(f *testing.F) {
	allRequests(func(req kmsg.Request, version int16) {
		req.SetVersion(version)
		f.Add(req.Key(), version, req.AppendTo(nil))
	})
	f.Add(int16(kmsg.Metadata), int16(9), []byte{0x80, 0x01, 1, 1, 1})
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		req := kmsg.RequestForKey(key)
		if req == nil || version < 0 || version > req.MaxVersion() {
			t.Skip()
		}
		req.SetVersion(version)
		cost := decodeCost(req, body)
		// Other goroutines of the fuzzer allocate too, so small bodies get some room.
		if bound := len(body)*factorOf(req) + decodeFuzzSlack; cost > bound {
			t.Errorf("%d bytes allocated for a body of %d, %d paid for", cost, len(body), bound)
		}
	})
}

const decodeFuzzSlack = 256 << 10
