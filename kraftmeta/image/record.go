package image

import (
	"fmt"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Record is one change of the image: an entity that is put whole under its
// key, or the removal of one. Records are shared between images, deltas and
// subscribers: nobody writes to one. Subscribers tell them apart by a type
// switch on *[Node], *[Stream], *[RemoveStream] and so on.
type Record interface {
	// RecordKind names the record's type in encoded form.
	RecordKind() RecordKind
	fields(c *wire.Coder)
	apply(img *Image) // changes img, a private copy, in place
}

// RecordKind names a record's type. The numbers are durable.
type RecordKind uint8

// The kinds of records.
const (
	KindCluster         RecordKind = 1
	KindFeature         RecordKind = 2
	KindNode            RecordKind = 3
	KindWAL             RecordKind = 5
	KindRemoveWAL       RecordKind = 6
	KindTopic           RecordKind = 7
	KindRemoveTopic     RecordKind = 8
	KindPartition       RecordKind = 9
	KindRemovePartition RecordKind = 10
	KindConfig          RecordKind = 11
	KindRemoveConfig    RecordKind = 12
	KindStream          RecordKind = 13
	KindRemoveStream    RecordKind = 14
	KindObject          RecordKind = 15
	KindRemoveObject    RecordKind = 16
	KindRange           RecordKind = 17
	KindRemoveRange     RecordKind = 18
	KindCounter         RecordKind = 19
	KindForgetIssuer    RecordKind = 20
	KindRemembered      RecordKind = 21
)

// recordType is how one kind of record is made and which version of it this
// program writes, which is also the newest it reads.
type recordType struct {
	name    string
	version uint8
	make    func() Record
}

var recordTypes = map[RecordKind]recordType{
	KindCluster:         {"cluster record", 1, func() Record { return new(Cluster) }},
	KindFeature:         {"feature record", 1, func() Record { return new(Feature) }},
	KindNode:            {"node record", 1, func() Record { return new(Node) }},
	KindWAL:             {"WAL record", 1, func() Record { return new(WAL) }},
	KindRemoveWAL:       {"WAL removal", 1, func() Record { return new(RemoveWAL) }},
	KindTopic:           {"topic record", 1, func() Record { return new(Topic) }},
	KindRemoveTopic:     {"topic removal", 1, func() Record { return new(RemoveTopic) }},
	KindPartition:       {"partition record", 1, func() Record { return new(Partition) }},
	KindRemovePartition: {"partition removal", 1, func() Record { return new(RemovePartition) }},
	KindConfig:          {"config record", 1, func() Record { return new(Config) }},
	KindRemoveConfig:    {"config removal", 1, func() Record { return new(RemoveConfig) }},
	KindStream:          {"stream record", 1, func() Record { return new(Stream) }},
	KindRemoveStream:    {"stream removal", 1, func() Record { return new(RemoveStream) }},
	KindObject:          {"object record", 1, func() Record { return new(Object) }},
	KindRemoveObject:    {"object removal", 1, func() Record { return new(RemoveObject) }},
	KindRange:           {"range record", 1, func() Record { return new(Range) }},
	KindRemoveRange:     {"range removal", 1, func() Record { return new(RemoveRange) }},
	KindCounter:         {"counter record", 1, func() Record { return new(Counter) }},
	KindForgetIssuer:    {"issuer removal", 1, func() Record { return new(ForgetIssuer) }},
	KindRemembered:      {"remembered answer", 1, func() Record { return new(Remembered) }},
}

// AppendRecord appends the record's frame to dst.
func AppendRecord(dst []byte, r Record) []byte {
	kind := r.RecordKind()
	return wire.AppendFrame(dst, uint8(kind), recordTypes[kind].version, r.fields)
}

// DecodeRecord reads the first record of src and returns the bytes after it.
// A kind or version that this program does not know is an error.
func DecodeRecord(src []byte) (r Record, rest []byte, err error) {
	f, rest, err := wire.NextFrame(src)
	if err != nil {
		return nil, src, err
	}
	t, ok := recordTypes[RecordKind(f.Kind)]
	if !ok {
		return nil, src, fmt.Errorf("metadata record of unknown kind %d: use a newer program", f.Kind)
	}
	r = t.make()
	if err := f.Decode(t.name, t.version, r.fields); err != nil {
		return nil, src, err
	}
	return r, rest, nil
}
