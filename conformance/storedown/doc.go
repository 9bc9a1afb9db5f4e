// Command storedown takes the object store away from a broker under load, gives
// it back, and judges what happened to producers and readers.
//
//	storedown -seawall ./seawall [-outage refuse|hang] [outage] [full]
//
// The store is an S3 server in a process of its own behind a small TCP proxy:
// away means that connections are cut and refused, or that they are accepted
// and never answered.
//
// outage: with the store away, producers write until several times the log
// cache has been appended. Acks stay as quick as they were, a reader at the
// tail follows, a reader from the first offset is served from the WAL, and
// memory stays bounded. The store comes back: uploads catch up and the WAL is
// trimmed; everything reads back, also after a restart.
//
// full: with the store away, producers fill a small WAL. They wait, are told so
// by a retriable error, memory stays bounded and readers are served; the store
// comes back and the producers go on. Nothing acknowledged is lost.
package main
