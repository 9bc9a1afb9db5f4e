// Package directack will be the second end of the durability interface
// tail.Log: appends acknowledged from object storage, for topics with
// diskless.enable=true (reserved: nothing here yet).
//
// What grows here: batching by time and bytes into an object of the same
// layout as an upload's (s3stream/objfmt), committed before the completion
// runs. The change of a topic's mode is a change of tail: close the one, open
// the other at its end; nothing above s3stream/tail notices.
package directack
