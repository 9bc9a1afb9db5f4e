package history

import "fmt"

// Value names one value: the producer that sent it and its number there.
type Value struct {
	Producer int
	Seq      int64
}

// String is the value as the records carry it: "3/17".
func (v Value) String() string { return fmt.Sprintf("%d/%d", v.Producer, v.Seq) }

// Position is a place in the topic under judgement.
type Position struct {
	Partition int32
	Offset    int64
}

// String is partition and offset as findings print them.
func (p Position) String() string {
	return fmt.Sprintf("partition %d offset %d", p.Partition, p.Offset)
}

// offsetMax bounds what an offset may be before it is called absurd: memory is
// used up to the highest one.
const offsetMax = 1 << 28

// nowhere is the offset of a value that has not been seen in the log.
const nowhere = -1

// send is what is known of one value.
type send struct {
	offset    int64 // nowhere until an ack or a reader names it
	partition int32
	acked     bool
	read      bool
}

// History gathers what happened to one topic. The zero value is not ready: New makes one.
type History struct {
	open     bool              // some sends are not known: a value read need not have been sent
	sends    [][]send          // by producer, then by number
	logs     map[int32][]Value // by partition, then by offset
	next     map[reader]int64  // the offset that a reader must see next
	findings []Finding
	dropped  int // findings beyond findingsMax
	acked    int64
}

type reader struct {
	name      string
	partition int32
}

// hole fills the offsets of a log that nobody has seen.
var hole = Value{Producer: -1}

// New returns an empty history. With complete false some sends may be unknown
// to it, and values that it does not know are not called invented.
func New(complete bool) *History {
	return &History{open: !complete, logs: make(map[int32][]Value), next: make(map[reader]int64)}
}

// Sent says that a producer is about to send its next value to a partition. It
// comes before any ack or read of the value, and numbers come in order.
func (h *History) Sent(v Value, partition int32) {
	for len(h.sends) <= v.Producer {
		h.sends = append(h.sends, nil)
	}
	if int64(len(h.sends[v.Producer])) != v.Seq {
		panic(fmt.Sprintf("history: value %v is sent after %d others of its producer", v, len(h.sends[v.Producer])))
	}
	h.sends[v.Producer] = append(h.sends[v.Producer], send{offset: nowhere, partition: partition})
}

// Acked says that a producer was told that its value is stored, and where.
func (h *History) Acked(v Value, at Position) {
	s := h.send(v)
	if s == nil {
		panic(fmt.Sprintf("history: an ack of %v, which was not sent", v))
	}
	if !s.acked {
		h.acked++
	}
	s.acked = true
	h.place(v, s, at, "acknowledged")
}

// Read says that a reader was given a value. Calls of one reader come in the
// order in which it was given them.
func (h *History) Read(name string, v Value, at Position) {
	h.advance(reader{name, at.Partition}, at)
	s := h.send(v)
	if s == nil {
		if !h.open {
			h.find(Invented, v, at, "read by %s, but never sent", name)
			return
		}
		s = h.adopt(v, at.Partition)
	}
	s.read = true
	h.place(v, s, at, "read by "+name)
}

// AckedCount is how many values were acknowledged so far.
func (h *History) AckedCount() int64 { return h.acked }

// SentCount is how many values were sent so far, whatever became of them.
func (h *History) SentCount() int64 {
	var n int64
	for _, sends := range h.sends {
		n += int64(len(sends))
	}
	return n
}

// advance holds a reader to offsets that follow one another.
func (h *History) advance(r reader, at Position) {
	next, known := h.next[r]
	switch {
	case known && at.Offset < next:
		h.find(WentBack, hole, at, "%s had been at offset %d", r.name, next-1)
	case known && at.Offset > next:
		h.find(LeftOut, hole, at, "%s was due offset %d", r.name, next)
	}
	h.next[r] = at.Offset + 1
}

// place holds a value and an offset to each other, whoever names them.
func (h *History) place(v Value, s *send, at Position, how string) {
	if at.Offset < 0 || at.Offset > offsetMax {
		h.find(Absurd, v, at, "%s", how)
		return
	}
	if at.Partition != s.partition {
		h.find(WrongPartition, v, at, "%s, but sent to partition %d", how, s.partition)
		return
	}
	if s.offset != nowhere && s.offset != at.Offset {
		h.find(TwoOffsets, v, at, "%s, but known at offset %d", how, s.offset)
		return
	}
	log := h.logs[at.Partition]
	for int64(len(log)) <= at.Offset {
		log = append(log, hole)
	}
	h.logs[at.Partition] = log
	if there := log[at.Offset]; there != hole && there != v {
		h.find(TwoValues, v, at, "%s, but %v is known there", how, there)
		return
	}
	log[at.Offset] = v
	s.offset = at.Offset
}

func (h *History) send(v Value) *send {
	if v.Producer < 0 || v.Producer >= len(h.sends) || v.Seq < 0 || v.Seq >= int64(len(h.sends[v.Producer])) {
		return nil
	}
	return &h.sends[v.Producer][v.Seq]
}

// adopt takes a value that was read into the history as sent, with those before it.
func (h *History) adopt(v Value, partition int32) *send {
	for len(h.sends) <= v.Producer {
		h.sends = append(h.sends, nil)
	}
	for int64(len(h.sends[v.Producer])) <= v.Seq {
		h.sends[v.Producer] = append(h.sends[v.Producer], send{offset: nowhere, partition: partition})
	}
	return &h.sends[v.Producer][v.Seq]
}
