// Command kill9 kills a broker under load, again and again, and judges what is
// left each time.
//
//	kill9 -seawall ./seawall -rounds 100
//	kill9 -seawall ./seawall -rounds 100 -direct
//	kill9 -seawall ./seawall -rounds 100 -diskless
//	kill9 -command 'conformance/kafka/up.sh {dir} {port} --fsync' -rounds 5
//
// A round: idempotent producers write at a steady rate; at a random moment the
// broker is killed by SIGKILL and started again on the same folder, at times
// killed once more while it starts; the producers go on by their own retries;
// after the first ack and a random while they pause, everything is read back
// from the first offset, and the whole history so far is judged: nothing
// acknowledged may be lost, repeated, reordered or damaged, and a reader that
// followed the tail all along must agree. In every second round the broker
// uploads so often that kills land inside upload, commit and trim.
//
// With -direct the broker has no WAL and acknowledges from object storage: a
// simulated store, in a process that outlives the kills. Every second round then
// seals objects every 5 ms, so that kills land between PUT, commit
// and ack. With -diskless it has a WAL, and three topics are written to at once: one
// with diskless.enable=true, one without, and one that goes from the one to the
// other in half of the rounds, up to 300 ms before the kill. Topics are fresh every
// four rounds then, and all are read back once more at the end.
//
// The seed of the moments is printed; -seed takes it again.
package main
