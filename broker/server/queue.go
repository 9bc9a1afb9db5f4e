package server

// queue holds the requests of one connection from their arrival until their
// responses leave, in order. Its Requests are reused as places come free. The
// connection's lock guards it.
type queue struct {
	ring       []*Request // length is a power of two
	head, next uint64     // sequence numbers: oldest unanswered, next to arrive
}

const queueRingMin = 4

func (q *queue) len() int { return int(q.next - q.head) }

func (q *queue) at(seq uint64) *Request { return q.ring[seq&uint64(len(q.ring)-1)] }

// push takes the place of the next request.
func (q *queue) push() *Request {
	if q.len() == len(q.ring) {
		q.grow()
	}
	i := q.next & uint64(len(q.ring)-1)
	if q.ring[i] == nil {
		q.ring[i] = new(Request)
	}
	r := q.ring[i]
	r.seq = q.next
	r.done = false
	q.next++
	return r
}

func (q *queue) grow() {
	old := q.ring
	q.ring = make([]*Request, max(queueRingMin, 2*len(old)))
	for seq := q.head; seq != q.next; seq++ {
		q.ring[seq&uint64(len(q.ring)-1)] = old[seq&uint64(len(old)-1)]
	}
}

// peek returns the oldest request if it is answered.
func (q *queue) peek() *Request {
	if q.head == q.next {
		return nil
	}
	if r := q.at(q.head); r.done {
		return r
	}
	return nil
}

// pop frees the place of the oldest request.
func (q *queue) pop() { q.head++ }
