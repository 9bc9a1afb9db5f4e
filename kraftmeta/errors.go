package kraftmeta

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// The errors of the environment. A command that was refused is none of them:
// it is an *image.Refusal.
var (
	// ErrUnknownOutcome is for a command that may have been applied or not, and
	// may be yet. Submitting it again under the same id tells (I5).
	ErrUnknownOutcome = errors.New("metadata: outcome of the command is unknown")
	// ErrLocked is for a directory that another process has open.
	ErrLocked = errors.New("metadata directory is locked")
	// ErrDamaged is for bytes on disk that are not those written.
	ErrDamaged = errors.New("metadata is damaged")
	// ErrForeignDir is for a directory of another cluster or node.
	ErrForeignDir = errors.New("metadata directory belongs elsewhere")
	// ErrClosed is for a controller or observer that was closed.
	ErrClosed = errors.New("metadata: closed")
)

// NotControllerError is for a request to a node that is not the active
// controller. The request had no effect.
type NotControllerError struct {
	Hint ids.NodeID // the active controller, -1 if not known
}

func (e *NotControllerError) Error() string {
	if e.Hint < 0 {
		return "metadata: not the active controller, and none is known"
	}
	return fmt.Sprintf("metadata: not the active controller, node %d is", e.Hint)
}
