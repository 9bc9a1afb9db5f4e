//go:build race

package wal

// raceEnabled says that the race detector is on: it slows tests down tenfold
// and makes sync.Pool forget.
const raceEnabled = true
