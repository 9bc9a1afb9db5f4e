// Package image is the cluster's metadata as pure values: a [Command] is
// checked and carried out by [Apply], which yields [Record]s and a new
// immutable [Image].
//
// Owns: what the metadata is, every rule about how it may change, and the byte
// forms of commands, answers, records, deltas and snapshots. Does not own:
// consensus, the feed and files (package kraftmeta), or the choice of leaders
// and rescuers (kraftmeta/balance and the controller). It issues node epochs,
// stream epochs, leader epochs and every id but UUIDs, which commands bring
// along. Nothing here reads a clock or draws a random number: where a time is
// needed, the command carries it.
//
// No goroutines, no locks: an image may be read by any number of goroutines;
// for who may make the next one see [Image.Fork].
//
// # Using it
//
//	next, delta, answer := image.Apply(img, index, req) // on the controllers
//	next := img.With(delta)                             // on observers
//
// Submitters go through kraftmeta, which numbers requests, retries them and
// returns the typed result: of an *[OpenStreams], an *[OpenedStreams]. A
// command refused as a whole is a *[Refusal], which is an error; commands that
// treat several things one by one say in their result what became of each.
// Subscribers to the feed look at a delta's records by a type switch, and find
// the state before in the image before.
//
// # What always holds
//
//   - A stream's ranges do not overlap; they are contiguous up to its committed
//     end, but for what was trimmed. What was lost with an abandoned WAL is a
//     range too, of no object.
//   - A stream's tails are contiguous and ordered; the first starts at or below
//     the committed end, only the last may be open, and none lies wholly below
//     the committed end. A lost one is closed and never the first: the committed
//     end goes past it.
//   - A direct log ([KindDirect]) has open tails only, whose ends are known, and
//     none once its holder's epoch is over.
//   - A committed object has as many ranges as it counts, at least one.
//   - Ids and epochs never fall; a topic made again has another identity.
//
// Size: a stream costs one record and one for each range of it that an object
// holds; nothing grows with the number of batches or appends.
//
// # Once and only once
//
// A request carries its issuer (by convention the incarnation of the node) and
// a sequence. Its answer is kept, in the image, until the issuer says with a
// later request that it has it (AckedBelow); a retry before that gets the same
// answer, one after it is refused as [Forgotten]. So an issuer has at most
// [AnswerWindow] requests under way, and the answers kept are bounded. An
// incarnation's answers go when the node's next one registers.
//
// # Byte forms (durable)
//
// All of them are made of the frames of package wire. A request and its answer
// are a frame whose kind is the command's; a record is a frame whose kind is
// the record's; a delta is a frame of kind 'D' with an index and a list of
// record frames. Each kind has a version of its own. A snapshot is
//
//	+----------+---------+-------+---------------+
//	| "SWMETA" | version | index | CRC of before |    header, 19 bytes
//	+----------+---------+-------+---------------+
//	|  length  |   CRC of the body   |   body    |    chunk: whole record frames,
//	+----------+---------------------+-----------+    repeated
//	| 0 (4B)   |   CRC of the count  |   count   |    end: records in all (8B)
//	+----------+---------------------+-----------+
//
// big-endian, CRC32C, lengths of 4 bytes. Equal images give equal bytes. The
// same form is kept in the bucket, to rebuild a cluster from (I10).
package image
