package config

import (
	"fmt"
	"strings"

	"github.com/magiconair/properties"
)

// Sources is where values come from, weakest first. Nothing else is read.
type Sources struct {
	Defaults  map[string]string // the caller's own, such as [DevDefaults]
	File      []byte            // the text of a Kafka-style properties file
	Env       []string          // "NAME=value", as os.Environ gives it; see [EnvName]
	Overrides []string          // "property=value", as the command line gives them

	Hostname    string // advertised where a listener has an empty host
	MemoryBytes int64  // of the machine or its cgroup; 0 when not known
}

// unknownMemoryBytes stands in where the caller does not know the memory.
const unknownMemoryBytes = 1 << 30

// refused are families of properties whose silent loss would surprise: they
// are faults, not unknown names.
var refused = []struct{ prefix, wrong, mend string }{
	{"ssl.", "TLS does not come with this version", "remove it"},
	{"sasl.", "SASL does not come with this version", "remove it"},
	{"listener.name.", "TLS and SASL do not come with this version", "remove it"},
	{"authorizer.", "ACLs do not come with this version", "remove it"},
	{"super.users", "ACLs do not come with this version", "remove it"},
	{"zookeeper.", "there is no ZooKeeper here", "remove it; controller.quorum.voters names the controllers"},
}

// Load reads the configuration of a node from its sources. The error is a
// [Faults] with everything that is wrong; warnings are returned either way.
func Load(src Sources) (*Config, []Warning, error) {
	var faults Faults
	var warnings []Warning
	c := &Config{
		set:   map[string][]setting{},
		facts: facts{hostname: src.Hostname, memoryBytes: src.MemoryBytes},
	}
	for _, layer := range layers(src, &faults) {
		for _, name := range sortedKeys(layer) {
			value := layer[name]
			if !accept(name, value, &faults, &warnings) {
				continue
			}
			if err := mustDef(name).Check(value); err != nil {
				faults.add(name, value, err.Error(), "")
			}
			// One static value a property: a later layer replaces it.
			c.set[name] = []setting{{value, StaticBroker}}
		}
	}
	c.build(&faults)
	c.validate(&faults)
	if err := faults.orNil(); err != nil {
		return nil, warnings, err
	}
	return c, warnings, nil
}

// layers parses every source into property → value, weakest first.
func layers(src Sources, faults *Faults) []map[string]string {
	file := map[string]string{}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	if p, err := loader.LoadBytes(src.File); err != nil {
		faults.add("configuration file", "", err.Error(), "write one property=value a line")
	} else {
		file = p.Map()
	}
	env := map[string]string{}
	for _, kv := range src.Env {
		variable, value, _ := strings.Cut(kv, "=")
		if name, ok := envProperty(variable); ok {
			env[name] = value
		}
	}
	overrides := map[string]string{}
	for _, kv := range src.Overrides {
		name, value, found := strings.Cut(kv, "=")
		if !found {
			faults.add("--override "+kv, "", "has no =", "write --override property=value")
			continue
		}
		overrides[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return []map[string]string{src.Defaults, file, env, overrides}
}

// accept says whether name is a broker property. What it is instead becomes a
// fault or a warning.
func accept(name, value string, faults *Faults, warnings *[]Warning) bool {
	if d, known := Lookup(name); known {
		if d.Scope&Broker != 0 {
			return true
		}
		msg := "is a topic property and has no effect on a broker"
		if len(d.Synonyms) > 0 {
			msg += "; set " + d.Synonyms[0].Name
		}
		*warnings = append(*warnings, Warning{name, msg})
		return false
	}
	for _, r := range refused {
		if strings.HasPrefix(name, r.prefix) {
			faults.add(name, "", r.wrong, r.mend)
			return false
		}
	}
	msg := "is not known and has no effect"
	if n := nearest(name); n != "" {
		msg += fmt.Sprintf("; did you mean %s?", n)
	}
	*warnings = append(*warnings, Warning{name, msg})
	return false
}
