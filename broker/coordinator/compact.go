package coordinator

// portionBytes is about how much of the live state goes into one flight, so
// that clients' appends do not wait long behind it.
const portionBytes = 256 << 10

// compaction writes the live records anew, so that all before them can be
// deleted. It takes turns with the clients' flights.
type compaction struct {
	active   bool
	started  bool   // the first portion has been taken
	cursor   string // the portions so far reach up to this group
	yielding bool   // the last flight was a portion: the queue is next
	last     bool   // the portion in flight is the last one
	begin    int64  // offset of the first portion
	bytes    int64  // appended since the compaction began, or since the load
	deleting bool   // the records before begin are being deleted
	notUntil int64  // log bytes at which an abandoned one may start over
}

// isDue says that a portion is to be sent now.
func (c *compaction) isDue(h *host) bool {
	if !c.active {
		cfg := h.loop.cfg
		if c.deleting || h.logBytes < max(cfg.CompactBytesMin, c.notUntil, cfg.CompactFactor*h.shard.Bytes()) {
			return false
		}
		*c = compaction{active: true}
	}
	if c.yielding && len(h.queue) > 0 {
		c.yielding = false
		return false
	}
	return true
}

// sendPortion takes the next groups. Nothing is in flight, so what the shard
// holds is what the log says up to here; see [group.Shard.LiveRecordsAfter].
func (h *host) sendPortion() {
	c := &h.compaction
	records, next, more := h.shard.LiveRecordsAfter(c.cursor, !c.started, portionBytes)
	c.cursor, c.last, c.yielding = next, !more, true
	f := &flight{portion: true}
	if len(records) == 0 { // only if nothing is alive, or no longer
		if !c.started {
			_, c.begin = h.log.Bounds()
			c.started = true
		}
		c.landed(h, f)
		return
	}
	h.takeOff(f, records)
}

// landed goes on after a portion is durable.
func (c *compaction) landed(h *host, f *flight) {
	if !f.portion {
		return
	}
	if !c.started {
		c.started, c.begin = true, f.baseOffset
	}
	if !c.last {
		return
	}
	c.active, c.deleting = false, true
	log, shard, begin, ctx := h.log, h.shard, c.begin, h.ctx
	h.loader.post(func() {
		err := log.DeleteRecords(ctx, begin)
		h.loop.post(func() {
			if h.shard == shard { // else the compaction is forgotten
				c.deleted(h, err)
			}
		})
	})
}

func (c *compaction) deleted(h *host, err error) {
	c.deleting = false
	if err != nil {
		h.logger.Warn("offsets partition: deleting compacted records", "before", c.begin, "error", err)
		c.abandon(h)
		return
	}
	h.logger.Info("offsets partition compacted", "before", c.begin, "log_bytes", c.bytes, "was", h.logBytes)
	h.logBytes = c.bytes
}

// abandon lets the compaction start over when the log has grown by a half.
// What was written of it is harmless: it says what was so.
func (c *compaction) abandon(h *host) {
	*c = compaction{notUntil: h.logBytes + h.logBytes/2}
	h.logger.Debug("offsets partition: compaction abandoned", "not_until", c.notUntil)
}
