package load

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

// payloadBytesMin holds any value's name.
const payloadBytesMin = 48

// payload is a record's value: the name of the value and its size, a line feed,
// and bytes that follow from the name, up to size.
func payload(v history.Value, size int) []byte {
	size = max(size, payloadBytesMin)
	b := make([]byte, 0, size+8)
	b = fmt.Appendf(b, "%d/%d/%d\n", v.Producer, v.Seq, size)
	x := uint64(v.Producer)<<48 ^ uint64(v.Seq) ^ 0x9e3779b97f4a7c15
	for len(b) < size {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b[:size]
}

// parsePayload is the value that a record carries; an error when any byte of it is not as sent.
func parsePayload(b []byte) (history.Value, error) {
	var v history.Value
	line, _, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return v, fmt.Errorf("%d bytes that no producer sent", len(b))
	}
	var size int
	if _, err := fmt.Sscanf(string(line), "%d/%d/%d", &v.Producer, &v.Seq, &size); err != nil {
		return v, fmt.Errorf("a value named %.40q", line)
	}
	if len(b) != size || !bytes.Equal(b, payload(v, size)) {
		return v, fmt.Errorf("value %v is damaged", v)
	}
	return v, nil
}
