// Package storeurl opens the object store that a URL of the configuration
// (s3.data.buckets) names:
//
//	0@s3://BUCKET?region=…&endpoint=…&pathStyle=true&prefix=…&checksumAlgorithm=crc32c
//	0@file:///PATH?prefix=…
//
// The number before the @ is the bucket's id, 0 if left out. A folder in the
// bucket may also stand behind its name, s3://BUCKET/FOLDER. Every parameter is
// optional; one that is not known is an error, so that a misspelt one is not
// silently without effect. Credentials never stand in the URL: the AWS SDK's
// default chain finds them (environment, profile, role).
//
// Owns: the grammar, and the order of wrappers on a backend. Does not own: the
// backends. No goroutines, no locks.
package storeurl
