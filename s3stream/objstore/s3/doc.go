// Package s3 is an object store over the S3 protocol: AWS or any server that
// speaks it.
//
// Owns: the mapping of objstore.Store to S3 requests, of S3's errors to
// objstore's, and its HTTP transport. Does not own: retries (the SDK's are off,
// because its quota, shared by all requests, would run dry in an outage;
// objstore.Retry takes their place), pacing, metrics, the bucket itself, which
// must exist.
//
// Checksums. A whole object's CRC32C is kept in its user metadata
// ("seawall-crc32c"), where every server can keep it, so that Head can settle a
// write whose answer was lost. With Options.Checksum, which is meant for AWS
// and servers that know the header, S3 verifies CRC32C itself, for every part
// and for the whole object as well. Over TLS the payload is not signed: TLS
// guards it, and hashing it would cost more than all else here. Over plain
// HTTP it is signed.
//
// An object sent in parts has no checksum in its metadata, because that is
// sent before the parts: Head then knows one only with Options.Checksum.
//
// Goroutines: those of net/http. Locks: one an upload, over its list of parts.
package s3
