package history

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind is what is wrong.
type Kind string

// The kinds of finding: none of them is ever right.
const (
	TwoValues      Kind = "two values at one offset"
	TwoOffsets     Kind = "one value at two offsets"
	Lost           Kind = "acknowledged and not read"
	Invented       Kind = "read and never sent"
	WrongPartition Kind = "in another partition than sent to"
	WentBack       Kind = "a reader went back"
	LeftOut        Kind = "a reader left offsets out"
	Reordered      Kind = "out of its producer's order"
	Absurd         Kind = "an offset out of all bounds"
)

// findingsMax bounds how many findings are kept: one is enough to fail.
const findingsMax = 1000

// Finding is one thing that cannot be right.
type Finding struct {
	Kind   Kind
	Value  Value // Producer is -1 where the finding is about an offset alone
	At     Position
	Detail string
}

// String is the finding on one line.
func (f Finding) String() string {
	what := f.At.String()
	if f.Value != hole {
		what = fmt.Sprintf("value %v at %v", f.Value, f.At)
	}
	return fmt.Sprintf("%s: %s: %s", f.Kind, what, f.Detail)
}

func (h *History) find(kind Kind, v Value, at Position, detail string, args ...any) {
	if len(h.findings) >= findingsMax {
		h.dropped++
		return
	}
	h.findings = append(h.findings, Finding{Kind: kind, Value: v, At: at, Detail: fmt.Sprintf(detail, args...)})
}

// Findings judges everything so far and returns what is wrong, and how many
// findings more there were than are kept. To be called when readers have read
// up to the end of every partition after the last ack: an acked value that none
// of them has read counts as lost.
func (h *History) Findings() (list []Finding, more int) {
	kept, dropped := h.findings, h.dropped
	h.findings = slices.Clone(h.findings)
	h.findLost()
	h.findReordered()
	list, more = h.findings, h.dropped
	h.findings, h.dropped = kept, dropped // to judge again later begins anew
	return list, more
}

func (h *History) findLost() {
	for producer, sends := range h.sends {
		for seq, s := range sends {
			if s.acked && !s.read {
				h.find(Lost, Value{producer, int64(seq)}, Position{s.partition, s.offset}, "no reader has seen it")
			}
		}
	}
}

func (h *History) findReordered() {
	partitions := make([]int32, 0, len(h.logs))
	for p := range h.logs {
		partitions = append(partitions, p)
	}
	slices.SortFunc(partitions, cmp.Compare[int32])
	for _, p := range partitions {
		last := make(map[int]placed) // by producer
		for offset, v := range h.logs[p] {
			if v == hole {
				continue
			}
			at := Position{p, int64(offset)}
			if before, ok := last[v.Producer]; ok && before.seq > v.Seq {
				h.find(Reordered, v, at, "after number %d at offset %d", before.seq, before.offset)
			}
			last[v.Producer] = placed{v.Seq, at.Offset}
		}
	}
}

// placed is where a producer's value stands in a log.
type placed struct{ seq, offset int64 }
