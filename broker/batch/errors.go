package batch

import (
	"errors"
	"fmt"
)

// The kinds of fault that this package finds in bytes. Every error it returns
// matches one of them by [errors.Is].
var (
	// ErrCorrupt means that the bytes are not what was once written: a CRC
	// that does not match or a length that contradicts itself. Sending again
	// may help.
	ErrCorrupt = errors.New("corrupt batch")
	// ErrTruncated is the ErrCorrupt of bytes that end inside a batch.
	ErrTruncated = fmt.Errorf("%w: truncated", ErrCorrupt)
	// ErrTooLarge means that a batch is larger than allowed, as it stands or
	// when decompressed.
	ErrTooLarge = errors.New("batch too large")
	// ErrUnsupportedFormat means a magic byte other than 2.
	ErrUnsupportedFormat = errors.New("unsupported batch format")
	// ErrUnsupportedCodec means an unknown codec, or one that is not allowed
	// to this producer.
	ErrUnsupportedCodec = errors.New("unsupported compression codec")
	// ErrInvalidTimestamp means a timestamp out of the allowed range, or a
	// timestamp type that a producer must not set.
	ErrInvalidTimestamp = errors.New("invalid timestamp")
	// ErrInvalidRecord means a batch that is intact but breaks a rule, so
	// that sending it again cannot help.
	ErrInvalidRecord = errors.New("invalid record")
)

// Faults in the bytes of a record. Made once: a hostile producer must not be
// able to make the broker format errors record by record.
var (
	errRecordLength    = fmt.Errorf("%w: length does not match its contents", ErrInvalidRecord)
	errRecordTruncated = fmt.Errorf("%w: truncated", ErrInvalidRecord)
	errHeaderCount     = fmt.Errorf("%w: invalid number of headers", ErrInvalidRecord)
	errHeaderKey       = fmt.Errorf("%w: null header key", ErrInvalidRecord)
	errOffsetDelta     = fmt.Errorf("%w: offsets are not consecutive", ErrInvalidRecord)
	errRecordCount     = fmt.Errorf("%w: number of records does not match the header", ErrInvalidRecord)
	errDecompress      = fmt.Errorf("%w: compressed records are malformed", ErrInvalidRecord)
	errDecompressSize  = fmt.Errorf("%w: decompressed records exceed the limit", ErrTooLarge)
)

// recordErrorsMax bounds the records listed in a [RecordsError].
const recordErrorsMax = 100

// RecordError says what is wrong with one record of a batch.
type RecordError struct {
	// Index is the record's position in its batch, from 0.
	Index int
	// Message is for the producer to read.
	Message string
}

// RecordsError refuses a batch because of some of its records. It matches
// ErrInvalidTimestamp or ErrInvalidRecord.
type RecordsError struct {
	// Kind is ErrInvalidTimestamp if that is what is wrong with any of the
	// records, else ErrInvalidRecord.
	Kind error
	// Records are the first of the faulty records, at most 100, by index.
	Records []RecordError
	// Total is the number of faulty records, including those not listed.
	Total int
}

// Error implements error.
func (e *RecordsError) Error() string {
	first := e.Records[0]
	return fmt.Sprintf("%v: %d faulty, first at index %d: %s", e.Kind, e.Total, first.Index, first.Message)
}

// Unwrap returns the kind of the fault.
func (e *RecordsError) Unwrap() error { return e.Kind }

// with notes that the record at index is faulty; e may be nil.
func (e *RecordsError) with(kind error, index int, message string) *RecordsError {
	if e == nil {
		e = &RecordsError{Kind: kind}
	}
	if kind == ErrInvalidTimestamp {
		e.Kind = kind
	}
	e.Total++
	if len(e.Records) < recordErrorsMax {
		e.Records = append(e.Records, RecordError{Index: index, Message: message})
	}
	return e
}
