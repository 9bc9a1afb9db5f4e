package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// CodeOf is the Kafka error code of err, 0 for none. A [kerr.Error] anywhere in
// its chain decides; refusals of the metadata are translated by kafkaRefusals,
// the errors of other rooms by kafkaErrors.
// What nobody foresaw is UNKNOWN_SERVER_ERROR.
func CodeOf(err error) int16 {
	if err == nil {
		return 0
	}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		return ke.Code
	}
	if r, ok := errors.AsType[*image.Refusal](err); ok {
		return refusalCode(r)
	}
	for _, m := range kafkaErrors {
		if errors.Is(err, m.of) {
			return m.is.Code
		}
	}
	return kerr.UnknownServerError.Code
}

// kafkaErrors translates the errors of the rooms below; the first match counts.
var kafkaErrors = []struct {
	of error
	is *kerr.Error
}{
	{partition.ErrUnknown, kerr.UnknownTopicOrPartition},
	{partition.ErrNotLeader, kerr.NotLeaderForPartition},
	{partition.ErrFencedLeaderEpoch, kerr.FencedLeaderEpoch},
	{partition.ErrUnknownLeaderEpoch, kerr.UnknownLeaderEpoch},
	{partition.ErrOffsetOutOfRange, kerr.OffsetOutOfRange},
	{partition.ErrOutOfOrderSequence, kerr.OutOfOrderSequenceNumber},
	{partition.ErrInvalidProducerEpoch, kerr.InvalidProducerEpoch},
	// Nothing was appended and the client may try again; clients that know of
	// no full log know of too few replicas.
	{partition.ErrFull, kerr.NotEnoughReplicas},
	{partition.ErrTooLarge, kerr.MessageTooLarge},
	{partition.ErrStorage, kerr.KafkaStorageError},

	{batch.ErrTooLarge, kerr.MessageTooLarge},
	{batch.ErrUnsupportedFormat, kerr.InvalidRecord},
	{batch.ErrUnsupportedCodec, kerr.UnsupportedCompressionType},
	{batch.ErrInvalidTimestamp, kerr.InvalidTimestamp},
	{batch.ErrInvalidRecord, kerr.InvalidRecord},
	{batch.ErrCorrupt, kerr.CorruptMessage},

	{context.DeadlineExceeded, kerr.RequestTimedOut},
	{context.Canceled, kerr.RequestTimedOut},
}

// errInternalTopic refuses clients' writes to the broker's own topics.
var errInternalTopic = kerr.InvalidTopicException

// because is a Kafka error with words of our own for the client.
type because struct {
	code  *kerr.Error
	words string
}

// refuse makes an error that answers with code and these words.
func refuse(code *kerr.Error, format string, args ...any) error {
	return &because{code, fmt.Sprintf(format, args...)}
}

func (e *because) Error() string { return e.words }

// Unwrap gives the error its code; see [CodeOf].
func (e *because) Unwrap() error { return e.code }

// messageOf is what of err goes into a nullable message field: nil for none.
func messageOf(err error) *string {
	if _, words := answer(err); words != "" {
		return &words
	}
	return nil
}

// answer is the code of err and the words that responses with a message field
// carry; the words of an unforeseen error stay here, in the log.
func answer(err error) (code int16, message string) {
	code = CodeOf(err)
	switch {
	case err == nil:
		return 0, ""
	case code == kerr.UnknownServerError.Code:
		return code, kerr.UnknownServerError.Description
	}
	return code, err.Error()
}
