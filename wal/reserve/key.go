package reserve

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// Key says to a device who may write to it: see the package's doc.
type Key uint64

const (
	keyMark   Key = 1 << 63
	nodeShift     = 32
	epochBits     = 31
)

// String is the key as sg_persist, blkpr and nvme take it.
func (k Key) String() string { return fmt.Sprintf("%#x", uint64(k)) }

// Claim says for whom a device is taken.
type Claim struct {
	Node  ids.NodeID    // whose WAL is on the device
	Epoch ids.NodeEpoch // of that node, under which it is taken
	// Rescue: by another node, which reads what a former incarnation left.
	Rescue bool
	// Since is the epoch of the instance that the device's header tells of: its
	// node is taken for the holder. 0: there is none.
	Since ids.NodeEpoch
}

// Key is what the claim registers.
func (c Claim) Key() (Key, error) {
	if c.Node < 0 || c.Epoch == 0 || c.Epoch >= 1<<epochBits || c.Since > c.Epoch {
		return 0, fmt.Errorf("no key for node %d at epoch %d, after epoch %d", c.Node, c.Epoch, c.Since)
	}
	if c.Rescue {
		return c.rescuer(c.Epoch), nil
	}
	return c.owner(c.Epoch), nil
}

// owner is the key of the node's own incarnation at an epoch; rescuer that of
// who rescues its WAL at one, which comes before.
func (c Claim) owner(epoch ids.NodeEpoch) Key { return c.rescuer(epoch) | 1 }

func (c Claim) rescuer(epoch ids.NodeEpoch) Key {
	return keyMark | Key(c.Node)<<nodeShift | Key(epoch)<<1
}

// searchedEpochsMax bounds the search for a holder that is not the one of the
// header: a few ioctls for each epoch. One that is still not found has to be
// removed by hand.
const searchedEpochsMax = 1000

// oldest is the lowest key that a holder may have who is not the header's.
func (c Claim) oldest() Key {
	from := max(c.Since, 1)
	if c.Epoch-from > searchedEpochsMax {
		from = c.Epoch - searchedEpochsMax
	}
	return c.rescuer(from)
}
