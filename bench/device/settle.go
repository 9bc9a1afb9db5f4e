package device

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Settle lets writes that are still on their way, of whoever was before, reach the
// disk that dir is on, and then the machine come to rest for a time.
func Settle(ctx context.Context, dir string, rest time.Duration) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync of %s: %w", dir, err)
	}
	return Rest(ctx, rest)
}

// Rest waits for a time, or until ctx is done, which is an error.
func Rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
