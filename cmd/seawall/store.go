package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
)

// openStore opens the store of url, as --store gives it, for a look. An empty
// one is that of `seawall dev`.
func openStore(ctx context.Context, url string) (*storeurl.Opened, error) {
	if url == "" {
		absolute, err := filepath.Abs(devDir)
		if err != nil {
			return nil, err
		}
		url = config.DevDefaults(absolute, "", "", "")["s3.data.buckets"]
	}
	location, err := storeurl.Parse(url)
	if err != nil {
		return nil, usageError{fmt.Errorf("--store: %w", err)}
	}
	if location.S3 == nil {
		// Opening would make the directory, which is no way to look at it.
		if _, err := os.Stat(location.Dir); err != nil {
			return nil, err
		}
	}
	return storeurl.Open(ctx, url, storeurl.Deps{Clock: clock.Wall(), Rand: rand.Int64N})
}
