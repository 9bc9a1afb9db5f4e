// Package upload moves the log from the WAL to object storage.
//
// Owns: when to seal (Triggers), what objects a sealed generation becomes
// (Plan), writing them under a bound of memory, and the one metadata command
// that commits them and moves the trim position. Does not own: the sealed bytes
// (the log cache and the WAL behind it), the layout of objects
// (s3stream/objfmt), the store's retries (s3stream/objstore).
//
// Goroutines: Uploader.Run's caller's and one more, which seals; one an object
// and a part in flight, gone when the attempt returns. Locks: Uploader.mu, held
// over nothing of others but Config.SetPace.
package upload
