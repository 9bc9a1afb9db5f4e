package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/seawallmq/seawall/internal/config"
)

// Default is what a scenario is where its file says nothing else.
func Default() Scenario {
	return Scenario{
		Topics: 1, Partitions: 6, RecordBytes: 1024,
		Producers: 1, Rate: Rate{Shape: Fixed, RecordsPerSecond: 1000},
		Acks: "all", Compression: "none", Idempotent: true,
		Consumers: 1, WarmUp: 2 * time.Second, Duration: 10 * time.Second,
	}
}

// Faults are all that is wrong with a scenario.
type Faults []string

// Error is the faults, one a line.
func (f Faults) Error() string { return strings.Join(f, "\n") }

func (f *Faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// errOrNil keeps an empty list from being an error.
func (f Faults) errOrNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Parse reads a scenario file. name stands in its faults, of which an error has
// all, as [Faults].
func Parse(name string, text []byte) (Scenario, error) {
	s := Default()
	s.Name = name
	var faults Faults
	seen := make(map[string]int)
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		at := fmt.Sprintf("%s line %d", name, number)
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		field, value, ok := strings.Cut(line, "=")
		field, value = strings.TrimSpace(field), strings.TrimSpace(value)
		switch {
		case !ok:
			faults.add("%s: %q is not name=value", at, line)
			continue
		case seen[field] > 0:
			faults.add("%s: %s stands in line %d already", at, field, seen[field])
			continue
		}
		seen[field] = number
		if err := s.Set(field, value); err != nil {
			faults.add("%s: %v", at, err)
		}
	}
	if len(faults) == 0 {
		faults = s.faults(name)
	}
	return s, faults.errOrNil()
}

// Set gives one field a value as it stands in a file.
func (s *Scenario) Set(name, value string) error {
	for _, f := range fields {
		if f.Name == name {
			if err := f.set(s, value); err != nil {
				return fmt.Errorf("%s=%s: %w", name, value, err)
			}
			return nil
		}
	}
	if n := config.Nearest(name, Names()); n != "" {
		return fmt.Errorf("no field is named %q; did you mean %s?", name, n)
	}
	return fmt.Errorf("no field is named %q; there are %s", name, strings.Join(Names(), ", "))
}

// String is the scenario as a file, without what is as in [Default].
func (s *Scenario) String() string {
	var b strings.Builder
	standard := Default()
	for _, f := range fields {
		if v := f.Get(s); v != f.Get(&standard) {
			fmt.Fprintf(&b, "%s=%s\n", f.Name, v)
		}
	}
	return b.String()
}
