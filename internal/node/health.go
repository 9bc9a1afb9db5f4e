package node

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seawallmq/seawall/internal/node/status"
)

// lostGrace is how long no active controller may answer before a node says that
// it is not ready: longer than an election.
const lostGrace = 3 * time.Second

// ready is nil while this node serves clients, else everything that is wrong with
// it, each by the name of what it is wrong with. Partitions that wait are not:
// another node or the object store keeps them, and to turn clients away from all
// the others would make an outage of a part one of the whole. See waits.
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
	return errors.Join(faults...)
}

// waits says which partitions that this node is to lead are not served yet, and
// why; nil if all are.
func (n *Node) waits() error {
	if n.at() != serving || n.partitions == nil {
		return nil
	}
	waiting := n.partitions.Waiting()
	if waiting == 0 {
		return nil
	}
	img, byReason := n.metadata.Image(), map[string]int{}
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
	return sayWaits(waiting, byReason)
}

func sayWaits(waiting int, byReason map[string]int) error {
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
	if s := n.at(); s == starting || s == stopped { // then parts may not be there yet, or any more
		return nil
	}
	if err := n.logFailed(); err != nil {
		return err
	}
	if n.controller != nil {
		if err := n.controller.Err(); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
	}
	return nil
}
