package chart

import "slices"

// label is a name beside the end of a line.
type label struct {
	line  *Line
	style int
	endX  float64
	endY  float64 // where the line ends
	y     float64 // where the name stands
}

// spread moves names apart to a distance of gap, no higher than top and, while
// there is room, no lower than bottom, and as little as that takes.
func spread(labels []label, gap, top, bottom float64) {
	slices.SortStableFunc(labels, func(a, b label) int {
		switch {
		case a.endY < b.endY:
			return -1
		case a.endY > b.endY:
			return 1
		}
		return 0
	})
	// Names that touch form a block, which stands around the mean of its ends.
	type block struct {
		from, to int // labels[from:to]
		middle   float64
	}
	height := func(b block) float64 { return float64(b.to-b.from-1) * gap }
	place := func(b block) block {
		sum := 0.0
		for i := b.from; i < b.to; i++ {
			sum += labels[i].endY
		}
		half := height(b) / 2
		b.middle = max(min(sum/float64(b.to-b.from), bottom-half), top+half)
		return b
	}
	var blocks []block
	for i := range labels {
		b := place(block{from: i, to: i + 1})
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.middle+height(last)/2+gap <= b.middle-height(b)/2 {
				break
			}
			blocks = blocks[:len(blocks)-1]
			b = place(block{from: last.from, to: b.to})
		}
		blocks = append(blocks, b)
	}
	for _, b := range blocks {
		y := b.middle - height(b)/2
		for i := b.from; i < b.to; i++ {
			labels[i].y = y
			y += gap
		}
	}
}
