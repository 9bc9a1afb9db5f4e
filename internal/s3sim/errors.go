package s3sim

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
)

// apiError is an answer that says no, in S3's words.
type apiError struct {
	status  int
	code    string
	message string
}

// Error renders the code and the message.
func (e *apiError) Error() string { return e.code + ": " + e.message }

// What requests fail with.
var (
	errNoSuchKey      = &apiError{http.StatusNotFound, "NoSuchKey", "The key has no object."}
	errNoSuchUpload   = &apiError{http.StatusNotFound, "NoSuchUpload", "The upload was never begun, or has ended."}
	errPrecondition   = &apiError{http.StatusPreconditionFailed, "PreconditionFailed", "The key has an object."}
	errInvalidRange   = &apiError{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The object ends before the range begins."}
	errBadDigest      = &apiError{http.StatusBadRequest, "BadDigest", "The content is not what its checksum says."}
	errIncomplete     = &apiError{http.StatusBadRequest, "IncompleteBody", "The body ended early."}
	errNoLength       = &apiError{http.StatusLengthRequired, "MissingContentLength", "The length of the body is not known."}
	errTooLarge       = &apiError{http.StatusBadRequest, "EntityTooLarge", "The body is larger than a request may have."}
	errTooSmall       = &apiError{http.StatusBadRequest, "EntityTooSmall", "A part that is not the last has less than 5 MiB."}
	errInvalidPart    = &apiError{http.StatusBadRequest, "InvalidPart", "A part was not sent, or is another one."}
	errPartOrder      = &apiError{http.StatusBadRequest, "InvalidPartOrder", "The parts do not stand in the order of their numbers."}
	errMalformed      = &apiError{http.StatusBadRequest, "MalformedXML", "The body is not what the operation wants."}
	errMetadata       = &apiError{http.StatusBadRequest, "MetadataTooLarge", "User metadata has more than 2 KiB."}
	errSlowDown       = &apiError{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."}
	errUnavailable    = &apiError{http.StatusServiceUnavailable, "ServiceUnavailable", "The profile of this simulated store wants it to fail."}
	errInternal       = &apiError{http.StatusInternalServerError, "InternalError", "The profile of this simulated store wants it to fail."}
	errTooManyObjects = &apiError{http.StatusInternalServerError, "InternalError", "The simulated store holds as many objects as it may."}
)

// invalid is a request that makes no sense.
func invalid(message string) *apiError {
	return &apiError{http.StatusBadRequest, "InvalidArgument", message}
}

// notImplemented is an operation that no part of Seawall asks for.
func notImplemented(what string) *apiError {
	return &apiError{http.StatusNotImplemented, "NotImplemented", "The simulated store does not know " + what + "."}
}

// asAPIError finds the answer that an error stands for.
func asAPIError(err error) *apiError {
	var api *apiError
	switch {
	case errors.As(err, &api):
		return api
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errIncomplete
	}
	return &apiError{http.StatusInternalServerError, "InternalError", err.Error()}
}

// fail answers a request with an error. What is left of its body is read first,
// so that the connection can be used again.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	api := asAPIError(err)
	_, _ = io.Copy(io.Discard, r.Body) // the client may be gone: then nobody reads the answer
	if r.Method == http.MethodHead {
		w.WriteHeader(api.status)
		return
	}
	answerXML(w, api.status, struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string
		Message  string
		Resource string
	}{Code: api.code, Message: api.message, Resource: r.URL.Path})
}

// answerXML answers with a document.
func answerXML(w http.ResponseWriter, status int, document any) {
	text, err := xml.Marshal(document)
	if err != nil {
		panic("s3sim: a document of ours cannot be written: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header) // the client may be gone
	_, _ = w.Write(text)
}
