//go:build !race

package logcache

const raceEnabled = false
