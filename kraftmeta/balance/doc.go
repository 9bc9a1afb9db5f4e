// Package balance will choose leaders for partitions and rescuers for WALs:
// pure functions of an image and of load, whose choice is then put into
// commands.
//
// Owns: the choices. Does not own: carrying them out (the controller) and
// measuring load. Pure: no goroutines, no locks. Nothing is built here yet: one
// broker leads everything.
package balance
