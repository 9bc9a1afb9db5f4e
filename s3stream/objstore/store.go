package objstore

import (
	"context"
	"time"
)

// What S3 allows, which every backend is entitled to insist on.
const (
	PartBytesMin = 5 << 20 // every part of a multipart upload but the last
	PartsMax     = 10_000
)

// Store is a bucket. Every method may be called at once from any number of
// goroutines, gives up when ctx is done, and wraps its errors in *Error.
// Test errors with errors.Is against the values in this package.
type Store interface {
	// Put stores body under key, whole or not at all. It reads body only until
	// it returns. An existing object is replaced unless opts says otherwise.
	Put(ctx context.Context, key string, body Body, opts PutOptions) error

	// GetRange reads len(dst) bytes of the object from off on and returns how
	// many it read. As with io.ReaderAt, fewer than len(dst) come with an
	// error: io.EOF when the object ends there. An empty dst asks nothing of
	// the store. dst is not written to after the return.
	GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error)

	// Head describes the object.
	Head(ctx context.Context, key string) (Info, error)

	// Delete removes objects. A key without an object is no error. It is not
	// atomic: after an error some of keys may be gone.
	Delete(ctx context.Context, keys ...string) error

	// List returns, in ascending order of the keys' bytes, at most max objects
	// whose keys begin with prefix and come after startAfter. Fewer than max
	// are returned only where the listing ends.
	List(ctx context.Context, prefix, startAfter string, max int) ([]Entry, error)

	// CreateMultipart begins an object that is sent in parts.
	CreateMultipart(ctx context.Context, key string, opts PutOptions) (Upload, error)

	// AbortUploads gives up every multipart upload under prefix that began
	// before the given time, whoever began it, and frees its parts. It returns
	// how many it gave up.
	AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error)
}

// Upload is one multipart upload. Its parts may be sent concurrently; Complete
// and Abort come after them.
type Upload interface {
	// UploadPart sends part number, counted from 1. Sending a number again
	// replaces the part. Every part but the last has at least PartBytesMin.
	UploadPart(ctx context.Context, number int, body Body) error

	// Complete makes the object of all parts sent, in the order of their
	// numbers, which must be 1..n.
	Complete(ctx context.Context) error

	// Abort gives the upload up and frees its parts. Aborting an upload that
	// is no longer there is no error.
	Abort(ctx context.Context) error
}

// PutOptions are the conditions of a write.
type PutOptions struct {
	// IfNoneMatch lets the write happen only if no object has the key;
	// otherwise the result is ErrPreconditionFailed. Some stores ignore it.
	IfNoneMatch bool
	// PartBytes, if set, is the size of all parts but the last of what is sent in
	// parts: a store that knows has the place of each, whichever comes first.
	PartBytes int64
}

// Info describes an object.
type Info struct {
	Size    int64
	CRC32C  uint32    // of the whole content, if HasCRC
	HasCRC  bool      // false when the store keeps no checksum for this object
	ModTime time.Time // by the store's clock; for people and for age limits only
}

// Entry is one line of a listing.
type Entry struct {
	Key     string
	Size    int64
	ModTime time.Time
}

// ListAll calls f for every object under prefix, in order, until f returns an
// error, which it then returns.
func ListAll(ctx context.Context, s Store, prefix string, f func(Entry) error) error {
	const page = 1000
	for after := ""; ; {
		entries, err := s.List(ctx, prefix, after, page)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
		}
		if len(entries) < page {
			return nil
		}
		after = entries[len(entries)-1].Key
	}
}
