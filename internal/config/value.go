package config

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Raw is the effective value of a property as text; ok is false when it has
// none. It answers for topic properties too, with what a topic without
// overrides gets. The name must be a known one.
func (c *Config) Raw(name string) (value string, ok bool) {
	return c.effective(mustDef(name))
}

// effective finds the value of d: its own, else that of its synonyms in order,
// else the default.
func (c *Config) effective(d *Def) (value string, ok bool) {
	if s := c.set[d.Name]; len(s) > 0 {
		return s[0].value, true
	}
	for _, syn := range d.Synonyms {
		if s := c.set[syn.Name]; len(s) > 0 {
			return scaled(s[0].value, syn.Scale), true
		}
	}
	return d.defaultValue()
}

// defaultValue is the default of d, or of the last synonym that has one.
func (d *Def) defaultValue() (value string, ok bool) {
	if d.Default != "" {
		return d.Default, true
	}
	for _, syn := range slices.Backward(d.Synonyms) {
		if s := mustDef(syn.Name); s.Default != "" {
			return scaled(s.Default, syn.Scale), true
		}
	}
	return "", d.Type == String || d.Type == List
}

// scaled turns hours into milliseconds and the like. Negative numbers mean "for
// ever" in every unit, and what would overflow is as good as that.
func scaled(value string, scale int64) string {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if scale == 1 || err != nil || n < 0 {
		return value
	}
	if n > math.MaxInt64/scale {
		return maxLong
	}
	return strconv.FormatInt(n*scale, 10)
}

// reader turns effective values into Go values. Values at fault were reported
// by the check before, so it reads them as zero and goes on: all faults are
// found in one go.
type reader func(d *Def) (value string, ok bool)

func (r reader) text(name string) string {
	v, _ := r(mustDef(name))
	return strings.TrimSpace(v)
}

func (r reader) list(name string) []string { return SplitList(r.text(name)) }

func (r reader) flag(name string) bool {
	v, _ := parseBool(r.text(name))
	return v
}

func (r reader) long(name string) int64 {
	v, _ := strconv.ParseInt(r.text(name), 10, 64)
	return v
}

func (r reader) int(name string) int { return int(r.long(name)) }

// duration reads a property by its unit. What is too long for a Duration is
// the longest one.
func (r reader) duration(name string) time.Duration {
	unit := time.Millisecond
	if mustDef(name).Unit == "minutes" {
		unit = time.Minute
	}
	n := r.long(name)
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
