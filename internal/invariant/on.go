//go:build invariants

package invariant

// Enabled says whether costly checks run and released buffers are poisoned:
// true under -tags invariants.
const Enabled = true
