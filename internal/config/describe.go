package config

import "fmt"

// Source says where a value comes from. The values are in order of strength,
// strongest first, and are those of Kafka's protocol.
type Source int8

// The sources of a value.
const (
	DynamicTopic         Source = 1 // on the topic
	DynamicBroker        Source = 2 // on this broker, while it runs
	DynamicDefaultBroker Source = 3 // on all brokers, while they run
	StaticBroker         Source = 4 // command line, environment or file
	DefaultValue         Source = 5
)

// Entry is one property as DescribeConfigs answers it.
type Entry struct {
	Def      *Def
	Value    string
	HasValue bool // false: null. Sensitive properties never show a value
	Source   Source
	Synonyms []SynonymValue // every value that could count, strongest first; the first is the one that does
}

// SynonymValue is a value under one name, in the unit of that name.
type SynonymValue struct {
	Name   string
	Value  string
	Source Source
}

// DescribeBroker answers for every broker property, ordered by name.
func (c *Config) DescribeBroker() []Entry {
	defs := All(Broker)
	entries := make([]Entry, len(defs))
	for i, d := range defs {
		entries[i] = c.describe(d, nil)
	}
	return entries
}

// DescribeTopic answers for every topic property of a topic with these
// overrides, ordered by name.
func (c *Config) DescribeTopic(overrides map[string]string) []Entry {
	defs := All(PerTopic)
	entries := make([]Entry, len(defs))
	for i, d := range defs {
		var own []setting
		if v, ok := overrides[d.Name]; ok {
			own = []setting{{v, DynamicTopic}}
		}
		entries[i] = c.describe(d, own)
	}
	return entries
}

// describe gathers the values of d: own ones first, then the broker's.
func (c *Config) describe(d *Def, own []setting) Entry {
	e := Entry{Def: d, Source: DefaultValue}
	add := func(name string, settings []setting) {
		for _, s := range settings {
			e.Synonyms = append(e.Synonyms, SynonymValue{name, s.value, s.source})
		}
	}
	add(d.Name, own)
	add(d.Name, c.set[d.Name])
	for _, syn := range d.Synonyms {
		add(syn.Name, c.set[syn.Name])
	}
	if len(e.Synonyms) > 0 {
		e.Source = e.Synonyms[0].Source
	}
	e.addDefault(d)

	e.Value, e.HasValue = c.effective(d)
	if len(own) > 0 {
		e.Value, e.HasValue = own[0].value, true
	}
	if d.Sensitive {
		e.Value, e.HasValue = "", false
		for i := range e.Synonyms {
			e.Synonyms[i].Value = ""
		}
	}
	return e
}

// addDefault ends the synonyms with the default, under the name that has it.
func (e *Entry) addDefault(d *Def) {
	for i := len(d.Synonyms) - 1; i >= 0; i-- {
		if s := mustDef(d.Synonyms[i].Name); s.Default != "" {
			e.Synonyms = append(e.Synonyms, SynonymValue{s.Name, s.Default, DefaultValue})
			return
		}
	}
	if d.Default != "" {
		e.Synonyms = append(e.Synonyms, SynonymValue{d.Name, d.Default, DefaultValue})
	}
}

// ValidateBrokerConfig says whether a running broker may take name=value, on
// its own resource or, with clusterWide, on the default for all. The error is
// for the client.
func ValidateBrokerConfig(name, value string, clusterWide bool) error {
	d, ok := Lookup(name)
	switch {
	case !ok || d.Scope&Broker == 0:
		return fmt.Errorf("unknown broker config name: %s", name)
	case d.Update == ReadOnly:
		return fmt.Errorf("cannot update these configs dynamically: Set(%s)", name)
	case clusterWide && d.Update == PerBroker:
		return fmt.Errorf("cannot update these configs at default cluster level, broker id must be specified: Set(%s)", name)
	}
	if err := d.Check(value); err != nil {
		return Fault{Property: name, Value: value, Wrong: err.Error()}
	}
	return nil
}

// WithDynamic is c with the values that were set while the brokers run, on the
// default for all and on this broker. The error is a [Faults]; names and values
// were checked by [ValidateBrokerConfig] when they were set.
func (c *Config) WithDynamic(clusterWide, thisBroker map[string]string) (*Config, error) {
	var faults Faults
	next := &Config{set: map[string][]setting{}, facts: c.facts}
	for name := range registry {
		var settings []setting
		if v, ok := thisBroker[name]; ok {
			settings = append(settings, setting{v, DynamicBroker})
		}
		if v, ok := clusterWide[name]; ok {
			settings = append(settings, setting{v, DynamicDefaultBroker})
		}
		for _, s := range c.set[name] {
			if s.source == StaticBroker {
				settings = append(settings, s)
			}
		}
		if len(settings) > 0 {
			next.set[name] = settings
		}
	}
	next.build(&faults)
	next.validate(&faults)
	if err := faults.orNil(); err != nil {
		return nil, err
	}
	return next, nil
}
