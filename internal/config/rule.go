package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Rule narrows the values of a property beyond its type.
type Rule interface {
	// Check says what is wrong with a value that the type has already
	// accepted, or nil.
	Check(value string) error
	// String is the rule in words, for documentation: "at least 1".
	String() string
}

// span is a Rule for numbers: least ≤ value ≤ most.
type span struct{ least, most float64 }

const noMost = float64(1 << 63)

func atLeast(n int64) Rule           { return span{float64(n), noMost} }
func between(least, most int64) Rule { return span{float64(least), float64(most)} }

func (s span) Check(value string) error {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return errors.New("must be a number")
	}
	if v < s.least || v > s.most {
		return errors.New("must be " + s.String())
	}
	return nil
}

func (s span) String() string {
	if s.most == noMost {
		return fmt.Sprintf("at least %.0f", s.least)
	}
	return fmt.Sprintf("between %.0f and %.0f", s.least, s.most)
}

// oneOf is a Rule for texts.
type oneOf []string

func (o oneOf) Check(value string) error {
	if !slices.Contains(o, value) {
		return errors.New("must be " + o.String())
	}
	return nil
}

func (o oneOf) String() string { return "one of " + strings.Join(o, ", ") }

// listOf is a Rule for lists: each element one of these, none twice.
type listOf []string

func (l listOf) Check(value string) error {
	elements := SplitList(value)
	for i, e := range elements {
		if !slices.Contains(l, e) || slices.Contains(elements[:i], e) {
			return errors.New("must list " + l.String())
		}
	}
	return nil
}

func (l listOf) String() string { return "different ones of " + strings.Join(l, ", ") }

// nonEmpty is a Rule for lists that must have an element.
type nonEmpty struct{ Rule }

func (n nonEmpty) Check(value string) error {
	if len(SplitList(value)) == 0 {
		return errors.New("must not be empty")
	}
	return n.Rule.Check(value)
}

// check is a Rule for what needs code of its own.
type check struct {
	words string
	fn    func(value string) error
}

func (c check) Check(value string) error { return c.fn(value) }
func (c check) String() string           { return c.words }

// gzipLevel allows what gzip knows: its default, or 1 to 9.
var gzipLevel = check{"-1, or between 1 and 9", func(value string) error {
	if n, err := strconv.Atoi(value); err != nil || n != -1 && (n < 1 || n > 9) {
		return errors.New("must be -1, or between 1 and 9")
	}
	return nil
}}

// throttledReplicas allows "*", or partition:broker pairs, as Kafka's tools
// set them around a reassignment.
var throttledReplicas = check{"*, or a list of partition:broker", func(value string) error {
	for _, e := range SplitList(value) {
		partition, broker, found := strings.Cut(e, ":")
		_, err1 := strconv.ParseUint(partition, 10, 31)
		_, err2 := strconv.ParseUint(broker, 10, 31)
		if value != "*" && (!found || err1 != nil || err2 != nil) {
			return errors.New("must be *, or a list of partition:broker")
		}
	}
	return nil
}}

// unsupported refuses every value but the one that means "off".
func unsupported(only, what string) Rule {
	return check{"only " + only + " in this version", func(value string) error {
		if !strings.EqualFold(value, only) {
			return fmt.Errorf("must be %s: %s does not come with this version", only, what)
		}
		return nil
	}}
}
