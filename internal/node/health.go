package node

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// lostGrace is how long no active controller may answer before a node says that
// it is not ready: longer than an election.
const lostGrace = 3 * time.Second

// ready is nil while clients are served, else everything that is wrong, each by
// the name of what it is wrong with.
func (n *Node) ready() error {
	n.mu.Lock()
	s, step := n.state, n.step
	n.mu.Unlock()
	switch s {
	case serving:
	case starting:
		return fmt.Errorf("starting: %s", step)
	default:
		return errors.New(string(s))
	}
	faults := []error{n.healthy()}
	if lost := n.observer.Lost(); lost > lostGrace {
		faults = append(faults, fmt.Errorf("controllers: the active one has not answered for %s", lost.Round(time.Second)))
	}
	if n.lease != nil && !n.lease.Valid() {
		faults = append(faults, fmt.Errorf("lease: no heartbeat was answered for %s: clients are refused", n.cfg.Lease.Session))
	}
	if n.partitions != nil {
		if waiting := n.partitions.Waiting(); waiting > 0 {
			faults = append(faults, n.whatWaits(n.metadata.Image(), waiting))
		}
	}
	return errors.Join(faults...)
}

// whatWaits says why partitions that this node leads are not served yet.
func (n *Node) whatWaits(img *image.Image, waiting int) error {
	byReason := map[string]int{}
	for p := range img.AllPartitions() {
		if p.Leader != n.cfg.Node.ID {
			continue
		}
		if w, ok := img.WaitsFor(p); ok {
			byReason[status.Waits(img, w)]++
		} else if from, moving := img.MovingFrom(p); moving {
			byReason[fmt.Sprintf("node %d has not handed them over yet", from)]++
		}
	}
	for _, known := range byReason {
		waiting -= known
	}
	var faults []error
	for _, why := range slices.Sorted(maps.Keys(byReason)) {
		faults = append(faults, fmt.Errorf("partitions: %d wait: %s", byReason[why], why))
	}
	if waiting > 0 {
		faults = append(faults, fmt.Errorf("partitions: %d could not be opened yet: is the object store in reach?", waiting))
	}
	return errors.Join(faults...)
}

// healthy is nil unless the node has to be replaced.
func (n *Node) healthy() error {
	n.mu.Lock()
	s := n.state
	n.mu.Unlock()
	if s == starting || s == stopped { // then parts may not be there yet, or any more
		return nil
	}
	if n.wal != nil {
		if err := n.wal.Failed(); err != nil {
			return fmt.Errorf("the write-ahead log takes no more appends: %w", err)
		}
	}
	if n.controller != nil {
		if err := n.controller.Err(); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
	}
	return nil
}
