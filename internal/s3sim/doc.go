// Package s3sim is a simulated object store: a real S3 server over HTTP whose
// operations take as long, move as much and fail as often as a profile says.
// Whatever is measured on it is the profile's doing and nobody's measurement,
// and has to be called simulated wherever it is shown.
//
// It answers what Seawall's client asks: objects put (also if absent), read
// whole or by range, described, deleted one or many at a time, listed, and sent
// in parts. Every bucket is there as soon as somebody names it. It lets
// everybody in: signatures are not checked, checksums (CRC32C) that a client
// sends are.
//
// Time. A request's bytes are received at once; its answer waits until the
// latency that was drawn for it has passed since its headers came, for the total
// bandwidth, and for a stall if one was drawn. A write takes effect when it is
// answered, whether its client still waits or not, as a store that has
// all of it would do. The bytes of a read follow at the bandwidth of a
// connection. A request past the profile's rate is refused at once.
//
// Its objects live as long as the Server, their bytes in one file without a name
// (see volume). It is made to share a machine with what is measured: bytes go
// past the page cache in recycled buffers, nothing is hashed unless the client
// asks for it, nothing is synced.
//
// Beside S3 it answers, under a path that no bucket can have:
//
//	GET  /-/stats     Stats, as JSON
//	GET  /-/profile   the profile, as JSON
//	POST /-/down      from now on it hangs up on every request
//	POST /-/up        no more
//
// Owns: the S3 protocol, the objects, the waiting, the profiles that come with
// Seawall. Does not own: what a profile means (internal/s3sim/model), the process
// (cmd/seawall).
//
// Goroutines: those of net/http. Locks: Server.mu over the index, Server.shape
// over limits and links, the volume's over its space and its idle buffers; all
// are leaves. Bounds: objects by ObjectsMax, buffers by chunksMax, bytes by
// CapacityBytes.
package s3sim
