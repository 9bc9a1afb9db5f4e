package batch

import (
	"encoding/binary"
	"fmt"
)

// ControlType is what the record of a control batch says.
type ControlType int16

// The markers that end a transaction. Others exist and are to be skipped.
const (
	ControlAbort  ControlType = 0
	ControlCommit ControlType = 1
)

// EndTxnMarker is the record of a control batch that ends a transaction.
type EndTxnMarker struct {
	// Type is ControlAbort or ControlCommit.
	Type ControlType
	// CoordinatorEpoch is the epoch of the transaction coordinator that wrote
	// the marker, so that an older one's is refused.
	CoordinatorEpoch int32
}

// The marker's layout: the key is version and type, the value is version and
// coordinator epoch.
const (
	markerVersion   = 0
	markerKeySize   = 4
	markerValueSize = 6
)

// AddEndTxn makes the batch a marker that ends the transaction of the Builder's
// producer.
func (b *Builder) AddEndTxn(timestampMillis int64, m EndTxnMarker) {
	b.Transactional, b.Control = true, true
	key := binary.BigEndian.AppendUint16(make([]byte, 0, markerKeySize), markerVersion)
	key = binary.BigEndian.AppendUint16(key, uint16(m.Type))
	value := binary.BigEndian.AppendUint16(make([]byte, 0, markerValueSize), markerVersion)
	value = binary.BigEndian.AppendUint32(value, uint32(m.CoordinatorEpoch))
	b.Add(timestampMillis, key, value)
}

// ParseEndTxn reads the record of a control batch. Newer versions, which may
// have more fields behind these, are read as well. For a marker of another type
// only the Type is set. The error matches ErrInvalidRecord.
func ParseEndTxn(r *Record) (EndTxnMarker, error) {
	if len(r.Key) < markerKeySize {
		return EndTxnMarker{}, fmt.Errorf("%w: control record with a key of %d bytes", ErrInvalidRecord, len(r.Key))
	}
	m := EndTxnMarker{Type: ControlType(binary.BigEndian.Uint16(r.Key[2:]))}
	if m.Type != ControlAbort && m.Type != ControlCommit {
		return m, nil
	}
	if len(r.Value) < markerValueSize {
		return EndTxnMarker{}, fmt.Errorf("%w: end of transaction with a value of %d bytes", ErrInvalidRecord, len(r.Value))
	}
	m.CoordinatorEpoch = int32(binary.BigEndian.Uint32(r.Value[2:]))
	return m, nil
}
