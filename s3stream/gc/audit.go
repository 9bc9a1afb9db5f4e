package gc

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// Orphan is an object in the bucket that the metadata does not know.
type Orphan struct {
	Key  string
	Size int64 // bytes
}

// Audit compares the bucket with the metadata. list calls its argument with
// every key and size in the bucket, parse reads the object id out of a key (or
// says that the key is none of an object's), known says whether the metadata
// knows an object, in whatever state. It must answer from an image no older
// than the listing, or an object committed meanwhile looks like an orphan.
//
// Keys that parse refuses are orphans as well: nothing of ours is named so.
func Audit(
	ctx context.Context,
	list func(ctx context.Context, f func(key string, size int64) error) error,
	parse func(key string) (ids.ObjectID, bool),
	known func(ids.ObjectID) bool,
) ([]Orphan, error) {
	var seen []Orphan
	err := list(ctx, func(key string, size int64) error {
		seen = append(seen, Orphan{Key: key, Size: size})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("gc: audit: %w", err)
	}
	orphans := seen[:0]
	for _, o := range seen {
		if id, ok := parse(o.Key); !ok || !known(id) {
			orphans = append(orphans, o)
		}
	}
	return orphans, nil
}
