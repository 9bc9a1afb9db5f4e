package model

import (
	"strings"
	"time"
)

// prefixesMax bounds how many prefixes are told apart at a time; what comes
// beyond shares the limits of one.
const prefixesMax = 10_000

// Link is a bandwidth that transfers share, one behind the other.
type Link struct {
	bytesPerSecond float64 // 0: no bound
	free           time.Time
}

// NewLink makes an idle link; nil is one without a bound.
func NewLink(b *Bandwidth) *Link {
	if b == nil {
		return &Link{}
	}
	return &Link{bytesPerSecond: b.BytesPerSecond}
}

// Reserve takes the link for so many bytes that are there now, and returns when
// they will be through.
func (l *Link) Reserve(now time.Time, bytes int64) time.Time {
	if l.bytesPerSecond == 0 {
		return now
	}
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(duration(float64(bytes) / l.bytesPerSecond))
	return l.free
}

// Limits counts requests by prefix and refuses those that are too many.
type Limits struct {
	p        *Profile
	prefixes map[string]*[2]allowance // of writes and reads
}

// allowance is how many requests are allowed at once: it grows with time up to
// those of one second.
type allowance struct {
	left float64
	at   time.Time
}

// NewLimits makes the limits of a profile.
func NewLimits(p *Profile) *Limits { return &Limits{p: p, prefixes: map[string]*[2]allowance{}} }

// Allow says whether a request is within the limits, and counts it if it is.
func (l *Limits) Allow(now time.Time, op Op, key string) bool {
	rate, which := l.p.Reads, 1
	if op.Writes() {
		rate, which = l.p.Writes, 0
	}
	if rate == nil {
		return true
	}
	a := &l.of(now, l.prefix(key))[which]
	if a.at.IsZero() {
		a.left = rate.PerSecond
	} else {
		a.left = min(a.left+now.Sub(a.at).Seconds()*rate.PerSecond, rate.PerSecond)
	}
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// prefix is what of a key counts together.
func (l *Limits) prefix(key string) string {
	end := 0
	for range l.p.PrefixFolders {
		i := strings.IndexByte(key[end:], '/')
		if i < 0 {
			break
		}
		end += i + 1
	}
	return key[:end]
}

// of finds the allowances of a prefix. Those that have had no request for a
// second are full again, and can be forgotten.
func (l *Limits) of(now time.Time, prefix string) *[2]allowance {
	if a, ok := l.prefixes[prefix]; ok {
		return a
	}
	if len(l.prefixes) >= prefixesMax {
		for name, a := range l.prefixes {
			if now.Sub(a[0].at) > time.Second && now.Sub(a[1].at) > time.Second {
				delete(l.prefixes, name)
			}
		}
		if len(l.prefixes) >= prefixesMax {
			prefix = "" // a key without a folder has this one
		}
	}
	a, ok := l.prefixes[prefix]
	if !ok {
		a = new([2]allowance)
		l.prefixes[prefix] = a
	}
	return a
}
