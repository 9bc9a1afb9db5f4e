package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/file"
)

// openStore opens the store of url, as --store gives it, for a look. An empty
// one is that of `seawall dev`.
func openStore(ctx context.Context, url string) (objstore.Store, func() error, error) {
	_ = ctx
	absolute, err := filepath.Abs(devDir)
	if err != nil {
		return nil, nil, err
	}
	s, err := config.ParseStore(config.DevDefaults(absolute, "", "", url)["s3.data.buckets"])
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--store %s: %w", url, err)}
	}
	// Opening would make the directory, which is no way to look at it.
	if _, err := os.Stat(s.Path); err != nil {
		return nil, nil, err
	}
	store, err := file.Open(s.Path)
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}
