package cluster

import (
	"fmt"
	"strings"
)

// say adds a line to the story, if somebody wants to hear it.
func (w *world) say(format string, args ...any) {
	if w.telling {
		w.story = append(w.story, fmt.Sprintf("%6d %6dms ", w.steps, w.now.Milliseconds())+fmt.Sprintf(format, args...))
	}
}

// say adds a line about a process.
func (p *proc) say(format string, args ...any) {
	if p.w.telling {
		p.w.say("%s %s", p, fmt.Sprintf(format, args...))
	}
}

// String names a process: its node, its life, its epoch.
func (p *proc) String() string {
	return fmt.Sprintf("node %d.%x@%d", p.id, p.incarnation[1:4], p.epoch)
}

// storyLinesMax bounds what is printed of a story: its last lines.
const storyLinesMax = 300

// tell runs a seed again and tells what happened, and how to hear it again.
func tell(seed uint64, m mistake) (story string, err error) {
	w := newWorld(seed, m, true)
	err = w.run()
	lines := w.story[max(0, len(w.story)-storyLinesMax):]
	return fmt.Sprintf("the story of seed %d, its last %d of %d lines:\n%s\nto hear it again: SEAWALL_SIM_SEED=%d go test ./internal/sim/cluster -run TestSeeds -count=1 -v",
		seed, len(lines), len(w.story), strings.Join(lines, "\n"), seed), err
}
