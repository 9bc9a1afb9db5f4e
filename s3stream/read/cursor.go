package read

import "github.com/seawallmq/seawall/internal/ids"

// Read-ahead of one sequential consumer, in bytes.
const (
	aheadMin = 512 << 10
	aheadMax = 32 << 20
)

// cursor follows one sequential consumer of one stream.
type cursor struct {
	next    int64        // the offset it is expected to read next
	window  int64        // bytes to keep asked for ahead of it; 0 before its second read
	asked   int64        // blocks that begin below this offset were asked for
	ahead   []aheadBlock // those of them that it has yet to read, in order
	reading bool         // read-ahead is under way for it
}

type aheadBlock struct {
	end  int64 // offset
	size int64
}

// moved says that the consumer has read up to next, and returns how many bytes
// to ask for now: none while more than half of the window is still ahead, so
// that GETs stay long.
func (c *cursor) moved(next int64) (want int64) {
	c.next, c.asked = next, max(c.asked, next)
	read, outstanding := 0, int64(0)
	for _, b := range c.ahead {
		if b.end <= next {
			read++
		} else {
			outstanding += b.size
		}
	}
	c.ahead = c.ahead[read:]
	if c.reading || 2*outstanding > c.window {
		return 0
	}
	return c.window - outstanding
}

// grow doubles the window: the consumer went on where it had ended.
func (c *cursor) grow() { c.window = min(max(2*c.window, aheadMin), aheadMax) }

// shrink halves the window: the cache had no room, and what is evicted before
// it is read costs twice.
func (c *cursor) shrink() { c.window /= 2 }

// cursors remembers the consumers seen last, a bounded number of them. A read
// belongs to the cursor of its stream that expects its offset; otherwise it is
// of a consumer not known yet, or of one that jumped.
type cursors struct {
	max   int
	known map[cursorKey]*cursor
	order []cursorKey // as put, oldest first; some are taken already
}

type cursorKey struct {
	stream ids.StreamID
	next   int64
}

func newCursors(max int) *cursors {
	return &cursors{max: max, known: make(map[cursorKey]*cursor)}
}

// take removes and returns the cursor that expects the offset, or makes one.
func (cs *cursors) take(stream ids.StreamID, from int64) *cursor {
	key := cursorKey{stream, from}
	c := cs.known[key]
	if c == nil {
		return &cursor{next: from, asked: from}
	}
	delete(cs.known, key)
	c.grow()
	return c
}

// put remembers a cursor under the offset it expects next.
func (cs *cursors) put(stream ids.StreamID, c *cursor) {
	key := cursorKey{stream, c.next}
	cs.known[key] = c
	cs.order = append(cs.order, key)
	for len(cs.known) > cs.max || len(cs.order) > 4*cs.max {
		delete(cs.known, cs.order[0])
		cs.order = cs.order[1:]
	}
}
