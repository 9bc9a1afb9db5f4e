package load

// layout says where a producer's record of a sequence number goes: with keys, all
// records of a key to one partition; without, to one partition after the other.
// Slots are the partitions of all topics in a row.
type layout struct {
	slots, partitions int
	keys              int // 0: records have none
}

// key is the number of a record's key.
func (l layout) key(seq uint64) uint64 { return seq % uint64(l.keys) }

func (l layout) slot(seq uint64) int {
	if l.keys > 0 {
		seq = l.key(seq)
	}
	return int(seq % uint64(l.slots))
}

// place is a slot as topic and partition.
func (l layout) place(slot int) (topic int, partition int32) {
	return slot / l.partitions, int32(slot % l.partitions)
}

// first is the first record of a slot; ok is false if it gets none.
func (l layout) first(slot int) (seq uint64, ok bool) {
	return uint64(slot), l.keys == 0 || slot < l.keys
}

// next is the record after seq in seq's slot.
func (l layout) next(seq uint64) uint64 {
	slots := uint64(l.slots)
	if l.keys == 0 {
		return seq + slots
	}
	key := l.key(seq)
	if key+slots < uint64(l.keys) {
		return seq + slots
	}
	return seq - key + uint64(l.keys) + key%slots
}
