package compare

// turn is one arm's life under one scenario.
type turn struct {
	scenario, round, arm int
}

// plan is the order of all turns: scenario by scenario, in each the arms in turn
// as often as there are rounds.
func plan(scenarios, rounds, arms int) []turn {
	var turns []turn
	for s := range scenarios {
		for r := range rounds {
			for a := range arms {
				turns = append(turns, turn{scenario: s, round: r, arm: a})
			}
		}
	}
	return turns
}
