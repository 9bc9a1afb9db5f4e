package partition

// Watch is one fetch's interest in one partition. It is part of the fetch, so
// that waiting allocates nothing a partition.
type Watch struct {
	// Waiter is told of progress.
	Waiter Waiter

	list       *watchList
	next, prev *Watch
}

// Waiter waits for high watermarks to move.
type Waiter interface {
	// Progress is called under the partition's lock after bytes more became
	// visible, or with bytes < 0 when the partition is gone. It must neither
	// block nor call the partition.
	Progress(bytes int)
}

// watchList is a partition's ring of watches; the zero value is empty.
type watchList struct {
	first *Watch
}

func (l *watchList) add(w *Watch) {
	w.list, w.next, w.prev = l, l.first, nil
	if l.first != nil {
		l.first.prev = w
	}
	l.first = w
}

func (l *watchList) remove(w *Watch) {
	if w.list != l {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.list, w.next, w.prev = nil, nil, nil
}

func (l *watchList) progress(bytes int) {
	for w := l.first; w != nil; w = w.next {
		w.Waiter.Progress(bytes)
	}
}

// Watch adds w to those who are told when the high watermark moves past seen,
// the one that the waiter knows. It returns false, and adds nothing, if it has
// moved already or the partition is gone: then there is something to read, or
// to tell. Of a partition whose storage failed there is nothing new.
func (p *Partition) Watch(w *Watch, seen int64) bool {
	p.hwMu.Lock()
	defer p.hwMu.Unlock()
	if p.gone || p.hw > seen {
		return false
	}
	p.watches.add(w)
	return true
}

// Unwatch removes w; a watch that was not added is left alone.
func (p *Partition) Unwatch(w *Watch) {
	p.hwMu.Lock()
	p.watches.remove(w)
	p.hwMu.Unlock()
}
