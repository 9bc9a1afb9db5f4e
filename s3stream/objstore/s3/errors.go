package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// classify adds the kind of error to what the SDK returned.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err() // the SDK's own error does not always contain it
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if kind := kindOfCode(api.ErrorCode()); kind != nil {
			return fmt.Errorf("%w: %w", kind, err)
		}
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return fmt.Errorf("%w: %w", kindOfStatus(response.HTTPStatusCode()), err)
	}
	// No answer: no connection, no credentials just now, a broken answer.
	return fmt.Errorf("%w: %w", objstore.ErrUnavailable, err)
}

// kindOfCode judges an S3 error code; nil for one that says no more than the
// HTTP status does.
func kindOfCode(code string) error {
	switch code {
	case "NoSuchKey", "NoSuchUpload":
		return objstore.ErrNotFound
	case "NoSuchBucket":
		return objstore.ErrInvalid // not to be taken for an object's absence
	case "PreconditionFailed":
		return objstore.ErrPreconditionFailed
	case "ConditionalRequestConflict", "OperationAborted":
		return objstore.ErrConflict
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests":
		return objstore.ErrThrottled
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return objstore.ErrDenied
	case "ExpiredToken", "RequestTimeTooSkewed", // the SDK renews credentials and learns the skew
		"RequestTimeout", "InternalError", "ServiceUnavailable",
		"BadDigest", "XAmzContentChecksumMismatch", "IncompleteBody": // damaged on the way
		return objstore.ErrUnavailable
	case "NotImplemented":
		return objstore.ErrInvalid
	}
	return nil
}

func kindOfStatus(status int) error {
	switch {
	case status == http.StatusNotFound:
		return objstore.ErrNotFound
	case status == http.StatusPreconditionFailed:
		return objstore.ErrPreconditionFailed
	case status == http.StatusConflict:
		return objstore.ErrConflict
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return objstore.ErrDenied
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return objstore.ErrThrottled
	case status == http.StatusRequestTimeout:
		return objstore.ErrUnavailable
	case status == http.StatusNotImplemented:
		return objstore.ErrInvalid
	case status >= 500 || status < 300: // a 2xx whose content could not be read
		return objstore.ErrUnavailable
	}
	return objstore.ErrInvalid
}

// isPastEnd says whether a range was refused because it begins past the
// object's end.
func isPastEnd(err error) bool {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	return errors.As(err, &api) && api.ErrorCode() == "InvalidRange" ||
		errors.As(err, &response) && response.HTTPStatusCode() == http.StatusRequestedRangeNotSatisfiable
}
