// Package file is an object store in a directory: for one machine, for tests,
// and for whoever has a shared file system instead of S3.
//
// An object is a file whose path below the directory is its key:
//
//	DIR/<key>                           an object
//	DIR/.seawall/lock                   held while a Store opens
//	DIR/.seawall/<session>/lock         held while that Store is open
//	DIR/.seawall/<session>/tmp-<n>      an object being written
//	DIR/.seawall/<session>/up-<n>/      a multipart upload: key, assembled, part-<number>
//
// Writes: a temporary file, fsync, then link() (put-if-absent: the kernel
// picks the one winner) or rename(), then fsync of every folder up to DIR. So
// an object is there whole or not at all, and stays once Put has returned.
// Opening removes the sessions whose lock nobody holds, and with them whatever
// a crashed process had not finished; sessions of living processes, which may
// share the directory, are left alone.
//
// All but small objects are written past the page cache, where the file system
// lets them. Fallback and mistakes of alignment cost time, never content.
//
// Checksums are not stored: Head computes CRC32C from the content. A stored
// one would be a second truth that can drift from the bytes, needs extended
// attributes that not every file system has, and would only save work for
// Head, which is asked for seldom: to settle a write whose answer was lost.
//
// Paths are resolved by os.Root, so that neither a key nor a symbolic link
// leads out of the directory. One key cannot be a folder of another ("a" and
// "a/b"): the second is refused with ErrInvalid.
//
// Owns: the directory's files while they are being written. Does not own:
// retries, pacing. Goroutines: none; blocking calls are not interrupted when a
// context ends, only not begun. Locks: file locks as above; the counter of
// temporary names is atomic.
package file
