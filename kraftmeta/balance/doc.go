// Package balance chooses: leaders for partitions, rescuers for the WALs of
// dead nodes, and the moves that even out load. Pure functions of an image and
// of load; what they choose is then put into commands.
//
// Owns: the choices, the reasons given for them, and the averages of loads that
// they are made from. Does not own: carrying them out (kraftmeta, the active
// controller), measuring load, or judging who is dead. Pure: no goroutines, no locks.
//
// Equal arguments give equal choices. A choice may be stale by the time it is
// carried out: the commands carry what it was made from, and are refused then.
package balance
