package kraftmeta

import (
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// newBackoff spaces out attempts at reaching the active controller: the first
// comes soon, since a new one stands ready within a second.
func newBackoff() clock.Backoff {
	return clock.Backoff{Min: 5 * time.Millisecond, Max: 500 * time.Millisecond}
}
