package toxic

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/bench/simstore"
)

// StartSimulated starts a simulated store with the profile of this name, or in
// this file, in a process of its own behind a gate and a proxy. Its objects are
// gone with it. seawall is the binary; what the profile and the gate strike is
// drawn from the seed.
func StartSimulated(ctx context.Context, seawall, dir, profile string, seed uint64) (*Store, error) {
	sim, err := simstore.Start(ctx, seawall, dir, profile, seed)
	if err != nil {
		return nil, err
	}
	s := &Store{end: func() { _ = sim.Close() }} // nothing of it is kept
	if s.Gate, err = NewGate(sim.Endpoint(), seed); err != nil {
		s.end()
		return nil, err
	}
	if s.Proxy, err = NewProxy(s.Gate.Addr()); err != nil {
		s.Gate.Close()
		s.end()
		return nil, fmt.Errorf("before the simulated store: %w", err)
	}
	return s, nil
}
