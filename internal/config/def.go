package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of a property's value, as DescribeConfigs names it.
type Type uint8

// The types. Bytes and milliseconds are Int or Long with a Unit.
const (
	Bool     Type = iota + 1 // true or false, in any case
	Int                      // 32-bit signed
	Long                     // 64-bit signed
	Double                   // 64-bit floating point
	String                   // any text
	List                     // comma-separated texts
	Password                 // any text, never shown
)

var typeNames = [...]string{Bool: "boolean", Int: "int", Long: "long", Double: "double",
	String: "string", List: "list", Password: "password"}

// String is the name that Kafka's documentation uses.
func (t Type) String() string { return typeNames[t] }

// Scope says on what resource a property may be set.
type Scope uint8

// The scopes are bits: a property may have both.
const (
	Broker Scope = 1 << iota
	PerTopic
)

// UpdateMode says how a broker property may change while the broker runs.
type UpdateMode uint8

// The update modes, from the strictest.
const (
	ReadOnly    UpdateMode = iota // only by a restart
	PerBroker                     // on one broker's resource
	ClusterWide                   // on one broker's resource or on the default for all
)

var updateModeNames = [...]string{ReadOnly: "read-only", PerBroker: "per-broker", ClusterWide: "cluster-wide"}

// String is the name that Kafka's documentation uses.
func (m UpdateMode) String() string { return updateModeNames[m] }

// Synonym is another property whose value stands in where a property has none
// of its own: its value times Scale, which turns hours into milliseconds.
type Synonym struct {
	Name  string
	Scale int64 // 1 where the unit is the same; negative values are never scaled
}

// Def defines one property.
type Def struct {
	Name      string
	Type      Type
	Default   string // as it would be written; "" is no value
	Unit      string // "bytes", "ms", …; "" where there is none
	Doc       string
	Valid     Rule      // nil: whatever the type allows
	Synonyms  []Synonym // tried in order
	Scope     Scope
	Update    UpdateMode
	Sensitive bool // the value is never shown
	Inert     bool // accepted and checked, without effect in this version
}

// inertNote ends the Doc of every inert property.
const inertNote = "Accepted for compatibility; without effect in this version."

// registry holds every Def by name. It is filled once, before main, and not
// changed after.
var registry = buildRegistry(nodeDefs, networkDefs, topicDefs, logDefs, coordinatorDefs, storageDefs, inertDefs)

func buildRegistry(tables ...[]Def) map[string]*Def {
	m := map[string]*Def{}
	for _, table := range tables {
		for i := range table {
			d := &table[i]
			if m[d.Name] != nil {
				panic("config: property defined twice: " + d.Name)
			}
			if d.Scope == 0 {
				d.Scope = Broker
			}
			if d.Inert {
				d.Doc = strings.TrimSpace(d.Doc + " " + inertNote)
			}
			m[d.Name] = d
		}
	}
	return m
}

// Lookup finds the property of that name in any scope.
func Lookup(name string) (*Def, bool) {
	d, ok := registry[name]
	return d, ok
}

// LookupTopic finds the property of that name if a topic may carry it.
func LookupTopic(name string) (*Def, bool) {
	d, ok := registry[name]
	if !ok || d.Scope&PerTopic == 0 {
		return nil, false
	}
	return d, true
}

// All returns every property of the scopes in mask, ordered by name. The Defs
// are shared: the caller must not change them.
func All(mask Scope) []*Def {
	var defs []*Def
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		if registry[name].Scope&mask != 0 {
			defs = append(defs, registry[name])
		}
	}
	return defs
}

// mustDef is Lookup for names that stand in this package's own code.
func mustDef(name string) *Def {
	d, ok := registry[name]
	if !ok {
		panic("config: no property is called " + name)
	}
	return d
}

// Check says what is wrong with value for this property, or nil.
func (d *Def) Check(value string) error {
	value = strings.TrimSpace(value)
	if err := d.Type.check(value); err != nil {
		return err
	}
	if d.Valid == nil || value == "" && d.Default == "" {
		return nil // a text may say nothing where nothing is the default
	}
	return d.Valid.Check(value)
}

// check says whether value can be read as t.
func (t Type) check(value string) error {
	switch t {
	case Bool:
		if _, ok := parseBool(value); !ok {
			return fmt.Errorf("must be true or false")
		}
	case Int:
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return fmt.Errorf("must be a whole number of 32 bits")
		}
	case Long:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Errorf("must be a whole number of 64 bits")
		}
	case Double:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("must be a number")
		}
	}
	return nil
}

// parseBool reads a boolean as Kafka does: in any case, nothing but the two words.
func parseBool(value string) (v, ok bool) {
	switch strings.ToLower(value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// SplitList splits a list value into its trimmed, non-empty elements.
func SplitList(value string) []string {
	var elements []string
	for e := range strings.SplitSeq(value, ",") {
		if e = strings.TrimSpace(e); e != "" {
			elements = append(elements, e)
		}
	}
	return elements
}
