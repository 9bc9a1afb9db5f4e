// Command cluster breaks a cluster of real processes under load, and judges
// what is left.
//
//	cluster -seawall ./seawall -rounds 200           mixed faults
//	cluster -seawall ./seawall -kill 50              kill -9 of a leader to the first ack elsewhere
//	cluster -seawall ./seawall -moves 100            planned moves under 5 MB/s
//	cluster -seawall ./seawall -join                 a fourth broker until it carries its share
//	cluster -seawall ./seawall -volumes 5            exclusive WALs that are brought to their rescuers
//	cluster -seawall ./seawall -abandon 5            exclusive WALs that nobody else reaches
//
// Three nodes, each broker and controller, have a WAL file each in one shared
// directory, and an S3 server of their own behind a proxy. In rounds, proxies
// also stand on every way from one controller to another, and before every
// listener for clients; bytes are held back there and delivered late, as a
// network does that comes back.
//
// A round: idempotent producers write; one fault or two at once begin, last for
// a while, and end: a node killed by SIGKILL, paused by SIGSTOP for less than
// its session or for longer, cut off from the controllers alone or from
// everybody, the object store away. Then the producers go on by their own
// retries, everything is read back, and the whole history is judged: nothing
// acknowledged may be lost, repeated, reordered or damaged, a reader that
// followed the tail all along must agree, and no committed offset of a consumer
// group may go back.
//
// With -volumes, WALs are exclusive: files of one directory, each locked by who
// has it, then loop devices, which attach-loop.sh takes from the dead. Their
// holder is killed; the first rescuer's attach command fails, or that rescuer is
// killed in the middle of its work, and another one takes it over; their holder
// is paused and keeps its WAL, so that nobody can rescue it and the partition is
// told to be offline, and goes on, and the partition is back.
//
// With -abandon, nobody else reaches a WAL. Its holder is killed when the WAL
// alone has the end of one partition, and the middle of another that had moved
// away, and the file is taken away. Status, metrics and what clients ask have to
// tell of it, and other partitions go on. Then the node is back with the file, and
// nothing may be lost; or `seawall wal abandon` says what is lost, which is held
// to what is missing from then on: exactly that, to the offset. Producers and
// readers go on, the node is back with the old file, which has to be ignored,
// and leads again.
//
// With -direct nodes have no WAL, and with -diskless topics have
// diskless.enable=true: both are acknowledged from object storage, so that no ack is
// due while that is away, and who leads next has nothing to rescue. In some rounds
// of -diskless the topic is switched to the WAL, or back, just before the faults.
//
// With -kill and -moves, figures are of what a client sees. A move is met by one
// as its library sets it up, a kill by that and at once by one that tries again
// every 20 ms, on a partition of its own: the pauses of the one are partly its
// own back-off, those of the other are the cluster's.
//
// The seed of the faults is printed; -seed takes it again.
//
// Goroutines: the load's, the group's, two a ledger, and one a process and
// proxy. Locks: ledger.mu before [gaps].mu; groups.mu and follower.mu stand alone.
package main
