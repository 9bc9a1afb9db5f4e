package server

import (
	"encoding/binary"
	"errors"
)

// Request header, after the frame's length prefix of 4 bytes:
//
//	api key int16 | api version int16 | correlation id int32 | client id nullable string
//	flexible versions (header v2): tagged fields
//
// Response header: correlation id int32, and in flexible versions (header v1)
// tagged fields, of which we send none.
const (
	prefixBytes            = 8  // length, api key and version: all that is read before the frame is paid for
	requestHeaderBytesMin  = 10 // key, version, correlation id, length of the client id
	responseHeaderBytesMax = 4 + 4 + 1
)

var errHeader = errors.New("malformed request header")

// parseHeader reads what follows key and version in frame, which begins at the
// correlation id, and returns the rest, the body. clientID aliases frame and
// is nil when null.
func parseHeader(frame []byte, flexible bool) (correlationID int32, clientID, body []byte, err error) {
	if len(frame) < requestHeaderBytesMin-4 {
		return 0, nil, nil, errHeader
	}
	correlationID = int32(binary.BigEndian.Uint32(frame))
	n := int(int16(binary.BigEndian.Uint16(frame[4:])))
	body = frame[6:]
	if n >= 0 {
		if n > len(body) {
			return 0, nil, nil, errHeader
		}
		clientID, body = body[:n:n], body[n:]
	}
	if flexible {
		body, err = skipTags(body)
	}
	return correlationID, clientID, body, err
}

// skipTags steps over tagged fields: a count, then tag, size and bytes of each.
func skipTags(b []byte) ([]byte, error) {
	count, b, ok := uvarint(b)
	for ; ok && count > 0; count-- {
		var size uint32
		if _, b, ok = uvarint(b); !ok {
			break
		}
		if size, b, ok = uvarint(b); !ok || int64(size) > int64(len(b)) {
			return nil, errHeader
		}
		b = b[size:]
	}
	if !ok {
		return nil, errHeader
	}
	return b, nil
}

func uvarint(b []byte) (uint32, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || n > 5 || v > 1<<32-1 {
		return 0, nil, false
	}
	return uint32(v), b[n:], true
}

// appendResponseHeader appends the length prefix and the header of a response
// whose body has bodyBytes.
func appendResponseHeader(dst []byte, correlationID int32, flexible bool, bodyBytes int) []byte {
	n := 4 + bodyBytes
	if flexible {
		n++
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlationID))
	if flexible {
		dst = append(dst, 0)
	}
	return dst
}

// responseHeaderBytes is the length of a response's prefix and header.
func responseHeaderBytes(flexible bool) int {
	if flexible {
		return responseHeaderBytesMax
	}
	return responseHeaderBytesMax - 1
}
