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
func (c *compaction) isDue(p *partition) bool {
	if !c.active {
		cfg := p.loop.cfg
		if c.deleting || p.logBytes < max(cfg.CompactBytesMin, c.notUntil, cfg.CompactFactor*p.shard.Bytes()) {
			return false
		}
		*c = compaction{active: true}
	}
	if c.yielding && len(p.queue) > 0 {
		c.yielding = false
		return false
	}
	return true
}

// sendPortion takes the next groups. Nothing is in flight, so what the shard
// holds is what the log says up to here; see [group.Shard.LiveRecordsAfter].
func (p *partition) sendPortion() {
	c := &p.compaction
	records, next, more := p.shard.LiveRecordsAfter(c.cursor, !c.started, portionBytes)
	c.cursor, c.last, c.yielding = next, !more, true
	f := &flight{portion: true}
	if len(records) == 0 { // only if nothing is alive, or no longer
		if !c.started {
			_, c.begin = p.log.Bounds()
			c.started = true
		}
		c.landed(p, f)
		return
	}
	p.takeOff(f, records)
}

// landed goes on after a portion is durable.
func (c *compaction) landed(p *partition, f *flight) {
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
	log, shard, begin, ctx := p.log, p.shard, c.begin, p.ctx
	p.loader.post(func() {
		err := log.DeleteRecords(ctx, begin)
		p.loop.post(func() {
			if p.shard == shard { // else the compaction is forgotten
				c.deleted(p, err)
			}
		})
	})
}

func (c *compaction) deleted(p *partition, err error) {
	c.deleting = false
	if err != nil {
		p.logger.Warn("offsets partition: deleting compacted records", "before", c.begin, "error", err)
		c.abandon(p)
		return
	}
	p.logger.Info("offsets partition compacted", "before", c.begin, "log_bytes", c.bytes, "was", p.logBytes)
	p.logBytes = c.bytes
}

// abandon lets the compaction start over when the log has grown by a half.
// What was written of it is harmless: it says what was so.
func (c *compaction) abandon(p *partition) {
	*c = compaction{notUntil: p.logBytes + p.logBytes/2}
	p.logger.Debug("offsets partition: compaction abandoned", "not_until", c.notUntil)
}
