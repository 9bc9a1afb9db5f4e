// Package cluster runs whole clusters under one seed, to find what is lost,
// reordered or served twice when nodes are killed, paused and cut off: tests
// only.
//
// A world has two to five nodes, a controller, disks, a network, an object
// store, producers and consumers. In every step one of them does one small
// thing, which one is drawn from the seed, and so is what goes wrong. There is
// no goroutine, no lock and no clock but the world's own: equal seeds are equal
// runs, to the last byte.
//
// # What is real and what is modelled
//
// Real: the metadata's commands and rules (kraftmeta/image), the choices of
// rescuers and leaders (kraftmeta/balance), the leases (kraftmeta/lease), the
// controller's duties (kraftmeta/duties), the bytes of the WAL (wal/walfmt),
// its recovery (wal.Recover), the fence cell (wal/fence), what a rescue makes
// of records (s3stream/rescue), and the plan of an upload (s3stream/upload).
//
// Modelled, because the real ones are shells with goroutines: the head of a WAL
// (walLog), the uploader, the opening and the hand-off of partitions, the
// order of a rescue. The models take the same steps in the same order, each a
// step of its own, so that a process can be killed, stopped or overtaken
// between any two: append, write, fence read, acknowledgement; seal, prepare,
// put, commit, trim; take the volume, write the fence, read, report, serve; leave,
// hand off, upload, retire, say farewell.
// They are to be changed with what they model. Batches have one record, and
// controllers agree without messages: voters are not part of this.
//
// # What goes wrong
//
// Processes are killed, also in the middle of writing a fence cell; they are
// stopped and go on much later, on nodes that were replaced or even started
// again beside them. Writes land late, in any order, torn or not at all; of a
// process that was killed, also after its WAL was read by another. Devices
// stall and fail: a log is given up whose write failed or hung, though that may
// still land, and its process drains. Exclusive volumes are locked by processes that are stopped,
// or are taken away from them by force. Volumes come out of everybody's reach,
// for a time or for good, and an operator gives up WALs that nobody holds, also
// such as somebody was about to rescue. Messages are lost, late, repeated; links
// are cut in one direction or both; clients sleep and repeat themselves late. The
// store is away, fails, times out and stores all the same, or stores and loses the
// answer. Controllers change, and their clocks jump; those of processes stand
// still while they are stopped. Partitions are moved, records and objects deleted,
// and nodes drain all the while, to the end or not.
//
// # What is checked
//
// After every step that could break it, under the names of the design:
// whatever anybody was told of an offset stays so, and no record is at two
// offsets (I1, I2); a consumer is never sent back (I2); a WAL is written only
// where the committed trim allows it, and what is acknowledged reads back from
// it (I3); objects are there, whole, before the metadata names them, and as long as a
// living node may read them (I4); tails
// and ranges are contiguous and nothing is committed twice (I5); an
// acknowledgement is part of the stream at the moment it is sent, and no tail
// is closed below one (I6); recovery finds neither corruption nor a gap (I7).
// At the end of a seed the faults end too, and within a bounded number of steps
// every partition must be led again, every producer answered, every WAL brought
// home, and every record read again from the start.
//
// Of a WAL that is given up exactly what was reported to be lost may be missing:
// what is passed over, given again, or unknown to its leader, was reported; what
// was reported was in that WAL alone, and in what the operator was told before;
// what is lost is neither acknowledged, committed nor served after; and a consumer
// that has read what is lost is told so before it reads on.
//
// Every kind of step and fault, and the refusals that keep things from going
// wrong, are counted: each must have come up among the seeds.
//
// One thing is known and not asked for: a consumer that does not tell the
// leader epoch it knows (KIP-320) can be sent back by a node that is replaced
// and does not know it, if that node's lease outlives its fencing: when a
// second process of the same node is started beside it, or when the
// controller's clock runs ahead, or its own stands still. Such consumers are only
// in runs without these. Nor is a WAL given up where clocks stand still: nobody
// could fence it, and its lease alone keeps its holder from acknowledging (A21).
//
// # Running
//
//	go test ./internal/sim/cluster                          2,000 seeds
//	SEAWALL_SIM_SEEDS=100000 go test ./internal/sim/cluster -run TestSeeds -timeout 2h
//	SEAWALL_SIM_FIRST=100000 …                              from another seed on
//	SEAWALL_SIM_SEED=17 go test ./internal/sim/cluster -run TestSeeds -v
//
// The last one replays one seed and prints its story: every command with its
// outcome, every fault, every life and death. A failing seed prints it by
// itself. A story is of one version of the code: any change of a step, or of a
// random draw, makes other runs of the same seeds.
//
// Owns: the world and its judgement. Does not own: the rules that are tested.
// Goroutines: none in a world; the tests run several worlds at once. Locks:
// none.
package cluster
