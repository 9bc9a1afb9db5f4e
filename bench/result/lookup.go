package result

import "github.com/seawallmq/seawall/bench/scenario"

// Spec is the recipe of an arm; one that the recipe does not have has only its
// name.
func (r *Result) Spec(arm string) ArmSpec {
	for _, a := range r.Recipe.Arms {
		if a.Name == arm {
			return a
		}
	}
	return ArmSpec{Name: arm}
}

// StoreOf is the object store that an arm used, nil if it used none or the
// result does not have it.
func (r *Result) StoreOf(arm string) *Store {
	name := r.Spec(arm).Store
	for i := range r.Stores {
		if name != "" && r.Stores[i].Name == name {
			return &r.Stores[i]
		}
	}
	return nil
}

// Setting is the recipe of a scenario; one that the recipe does not have has
// only its name.
func (r *Result) Setting(name string) scenario.Scenario {
	for _, s := range r.Recipe.Scenarios {
		if s.Name == name {
			return s
		}
	}
	return scenario.Scenario{Name: name}
}

// Kind is one of the distributions of an arm.
type Kind struct {
	Name      string // ack or end_to_end
	Histogram *Histogram
}

// Kinds are the distributions of an arm.
func (a *ArmResult) Kinds() []Kind {
	return []Kind{{"ack", &a.Ack}, {"end_to_end", &a.EndToEnd}}
}
