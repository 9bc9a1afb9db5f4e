// Package invariant asserts what only a mistake of ours can break.
//
// Owns: the assertion and the switch for the costly ones. Does not own: the
// caller's errors (Kafka codes) or the environment's (wrapped errors). No
// goroutines, no locks.
package invariant

import "fmt"

// Check panics with the formatted message when ok is false. It is for cheap
// conditions whose failure means that going on could lose or invent data.
func Check(ok bool, format string, args ...any) {
	if !ok {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}
