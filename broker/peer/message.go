package peer

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// API keys between brokers. Kafka's own keys are far below; they are never told
// to clients and are served only on listeners that admit them.
//
//	20000-20099  metadata
//	20100-20199  reserved: streams (open, close, tails)
//	20200-20299  reserved: objects (prepare, commit)
//	20300-20399  reserved: zones (announce, adopt)
const (
	KeyMin          int16 = 20000
	KeyMetaSubmit   int16 = 20000 // a metadata command, answered by its result
	KeyMetaFetch    int16 = 20001 // metadata after an offset; a long poll
	KeyRescueFailed int16 = 20002 // a WAL that its rescuer cannot read
	KeyRaft         int16 = 20003 // the connection is consensus's from the answer on
	KeyReport       int16 = 20004 // what a broker's partitions cost it, and what its WAL holds
	KeyStanding     int16 = 20005 // what the active controller knows of the nodes
	KeyReadTail     int16 = 20100 // batches of a closed tail from the node that holds it
	KeyTailState    int16 = 20101 // a stream's producers where a tail ends
)

// apis holds each key's name and highest version.
var apis = map[int16]struct {
	name       string
	versionMax int16
}{
	KeyMetaSubmit:   {"MetaSubmit", 0},
	KeyMetaFetch:    {"MetaFetch", 0},
	KeyRescueFailed: {"RescueFailed", 0},
	KeyRaft:         {"RaftStream", 0},
	KeyReport:       {"Report", 0},
	KeyStanding:     {"Standing", 0},
	KeyReadTail:     {"ReadTail", 0},
	KeyTailState:    {"TailState", 0},
}

// NameForKey is the name of a key between brokers, "" for any other.
func NameForKey(key int16) string { return apis[key].name }

// RequestForKey makes an empty request of a key between brokers, nil when there
// is none of that key.
func RequestForKey(key int16) kmsg.Request {
	if _, ok := apis[key]; !ok {
		return nil
	}
	return &Request{APIKey: key}
}

// Request is a request between brokers: bytes whose meaning the API key and
// version tell and which only the rooms at both ends understand.
type Request struct {
	APIKey  int16
	Version int16
	Payload []byte
}

// Response is the answer to a Request of the same key and version.
type Response struct {
	APIKey  int16
	Version int16
	Payload []byte
}

// Key is the API key.
func (r *Request) Key() int16 { return r.APIKey }

// MaxVersion is the highest version of the key.
func (r *Request) MaxVersion() int16 { return apis[r.APIKey].versionMax }

// SetVersion sets the version.
func (r *Request) SetVersion(v int16) { r.Version = v }

// GetVersion is the version.
func (r *Request) GetVersion() int16 { return r.Version }

// IsFlexible is false: the payload has a version of its own, and needs no tags.
func (r *Request) IsFlexible() bool { return false }

// AppendTo appends the payload.
func (r *Request) AppendTo(dst []byte) []byte { return append(dst, r.Payload...) }

// ReadFrom copies all of src into the payload.
func (r *Request) ReadFrom(src []byte) error {
	r.Payload = slices.Clone(src)
	return nil
}

// ResponseKind is an empty answer.
func (r *Request) ResponseKind() kmsg.Response {
	return &Response{APIKey: r.APIKey, Version: r.Version}
}

// Key is the API key.
func (r *Response) Key() int16 { return r.APIKey }

// MaxVersion is the highest version of the key.
func (r *Response) MaxVersion() int16 { return apis[r.APIKey].versionMax }

// SetVersion sets the version.
func (r *Response) SetVersion(v int16) { r.Version = v }

// GetVersion is the version.
func (r *Response) GetVersion() int16 { return r.Version }

// IsFlexible is false, as for the request.
func (r *Response) IsFlexible() bool { return false }

// AppendTo appends the payload.
func (r *Response) AppendTo(dst []byte) []byte { return append(dst, r.Payload...) }

// ReadFrom copies all of src into the payload.
func (r *Response) ReadFrom(src []byte) error {
	r.Payload = slices.Clone(src)
	return nil
}

// RequestKind is an empty request.
func (r *Response) RequestKind() kmsg.Request {
	return &Request{APIKey: r.APIKey, Version: r.Version}
}
