package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// CodeOf is the Kafka error code of err, 0 for none. A [kerr.Error] anywhere in
// its chain decides; the errors of other rooms are translated by kafkaErrors.
// What nobody foresaw is UNKNOWN_SERVER_ERROR.
func CodeOf(err error) int16 {
	if err == nil {
		return 0
	}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		return ke.Code
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
	{context.DeadlineExceeded, kerr.RequestTimedOut},
	{context.Canceled, kerr.RequestTimedOut},
}
