package config

import "strings"

// Fault is one thing that is wrong with a configuration, for the operator.
type Fault struct {
	Property string
	Value    string // as given; "" when the fault is that there is none; hidden for sensitive properties
	Wrong    string // what is wrong: "must be at least 1"
	Mend     string // what to do about it; may be ""
}

// Error is the fault on one line.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Property)
	if f.Value != "" {
		b.WriteString("=" + f.Value)
	}
	b.WriteString(": " + f.Wrong)
	if f.Mend != "" {
		b.WriteString("; " + f.Mend)
	}
	return b.String()
}

// Faults is all that is wrong with a configuration, in the order of discovery.
type Faults []Fault

// Error is one fault a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// orNil is fs as an error, nil when there is no fault.
func (fs Faults) orNil() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// add appends a fault unless the same property was already found at fault:
// what follows from a broken value is noise.
func (fs *Faults) add(property, value, wrong, mend string) {
	for _, f := range *fs {
		if f.Property == property {
			return
		}
	}
	if d, ok := Lookup(property); ok && d.Sensitive {
		value = hidden
	}
	*fs = append(*fs, Fault{property, value, wrong, mend})
}

// hidden stands where a sensitive value would.
const hidden = "[hidden]"

// Warning is something that does not stop the node, but is hardly what the
// operator meant.
type Warning struct {
	Property string
	Message  string
}

// String is the warning on one line.
func (w Warning) String() string { return w.Property + ": " + w.Message }
