package objstore

import (
	"errors"
	"fmt"
)

// What an operation can fail with; test with errors.Is. Whatever a backend
// cannot name more closely is none of these and not worth a retry.
var (
	// ErrNotFound says that no object, or no multipart upload, has the key.
	ErrNotFound = errors.New("not found")
	// ErrPreconditionFailed says that PutOptions.IfNoneMatch met an object.
	ErrPreconditionFailed = errors.New("an object with this key exists")
	// ErrConflict says that another conditional write was under way and this
	// one certainly did not happen. Retriable.
	ErrConflict = errors.New("another write of this key is under way")
	// ErrThrottled is the store's wish for fewer requests. Retriable.
	ErrThrottled = errors.New("the store asks to slow down")
	// ErrUnavailable covers all that may pass: server errors, broken or
	// refused connections, time-outs, short answers, a full disk. Retriable;
	// whether a write happened is unknown.
	ErrUnavailable = errors.New("the store is unavailable")
	// ErrDenied says that the store refuses these credentials.
	ErrDenied = errors.New("access denied")
	// ErrInvalid is a request that no store would take: a bad key, a negative
	// offset, parts that are not 1..n.
	ErrInvalid = errors.New("invalid request")
)

// Retriable says whether doing the same again may succeed.
func Retriable(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrThrottled) || errors.Is(err, ErrConflict)
}

// Error is what every Store returns: the operation, the key and why it failed.
type Error struct {
	Op  string // put, get, head, delete, list, create, part, complete, abort
	Key string // or the prefix of a listing
	Err error
}

// Error renders e as "objstore: put KEY: reason".
func (e *Error) Error() string { return fmt.Sprintf("objstore: %s %q: %v", e.Op, e.Key, e.Err) }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Wrap makes an *Error of a reason, unless err is nil or one already.
func Wrap(op, key string, err error) error {
	var already *Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &Error{Op: op, Key: key, Err: err}
}
