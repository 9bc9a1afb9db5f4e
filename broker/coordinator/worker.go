package coordinator

import "sync"

// worker is a goroutine that runs what is posted to it, in order.
type worker struct {
	mu     sync.Mutex
	queue  []func()
	closed bool

	wake chan struct{} // capacity 1: there is something in queue, or closed
	done chan struct{} // closed when the goroutine has ended
}

func newWorker() *worker {
	return &worker{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// post queues f and does not block. After close it says false and drops f.
func (w *worker) post(f func()) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.queue = append(w.queue, f)
	w.mu.Unlock()
	w.signal()
	return true
}

func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run runs what is posted until close, and idle each time nothing is left.
func (w *worker) run(idle func()) {
	defer close(w.done)
	for range w.wake {
		closed := w.drain()
		idle()
		if closed {
			return
		}
	}
}

// drain runs all that is queued, and says whether nothing can follow.
func (w *worker) drain() (closed bool) {
	for {
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		closed = w.closed
		w.mu.Unlock()
		if len(queue) == 0 {
			return closed
		}
		for _, f := range queue {
			f()
		}
	}
}

// close lets run end once all that was posted has run. It does not wait.
func (w *worker) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
}
