package partition

import "slices"

// epochStart says at which offset a leader epoch begins.
type epochStart struct {
	epoch int32
	start int64
}

// epochs is a partition's leader-epoch history, oldest first, both fields
// rising. It is pure; the partition guards it with its lock.
type epochs struct {
	starts []epochStart
}

// begin notes that epoch writes from start on. An epoch that wrote nothing
// leaves no trace once a later one begins at the same offset.
func (e *epochs) begin(epoch int32, start int64) {
	if n := len(e.starts); n > 0 && e.starts[n-1].epoch >= epoch {
		return
	}
	for n := len(e.starts); n > 0 && e.starts[n-1].start >= start; n = len(e.starts) {
		e.starts = e.starts[:n-1]
	}
	e.starts = append(e.starts, epochStart{epoch, start})
}

// trim forgets what ended at or below the new start of the log.
func (e *epochs) trim(logStart int64) {
	i := 0
	for i+1 < len(e.starts) && e.starts[i+1].start <= logStart {
		i++
	}
	e.starts = slices.Delete(e.starts, 0, i)
	if len(e.starts) > 0 {
		e.starts[0].start = max(e.starts[0].start, logStart)
	}
}

// endOffset answers OffsetForLeaderEpoch as Kafka does: for the current epoch,
// where the log ends by now; for one between two known ones, the largest known
// epoch at or below it and where that ends; for one before all that is known,
// itself and where the log begins; for one yet to come, -1 and -1.
func (e *epochs) endOffset(asked int32, end int64) (epoch int32, endOffset int64) {
	n := len(e.starts)
	if asked < 0 || n == 0 || asked > e.starts[n-1].epoch {
		return -1, -1
	}
	i, found := slices.BinarySearchFunc(e.starts, asked, func(s epochStart, a int32) int { return int(s.epoch) - int(a) })
	switch {
	case !found && i == 0:
		return asked, e.starts[0].start
	case !found:
		i--
	}
	if i+1 < n {
		return e.starts[i].epoch, e.starts[i+1].start
	}
	return e.starts[i].epoch, end
}

// at is the epoch that wrote offset, -1 when it is not known.
func (e *epochs) at(offset int64) int32 {
	epoch := int32(-1)
	for _, s := range e.starts {
		if s.start > offset {
			break
		}
		epoch = s.epoch
	}
	return epoch
}
