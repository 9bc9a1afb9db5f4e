package cluster

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// openWAL makes an instance and then has the metadata know it, before its first
// append.
func (p *proc) openWAL(img *image.Image) {
	d := p.volume(img)
	if d == nil {
		p.restless = true // not yet
		return
	}
	if n := len(d.lives); n > 0 && d.lives[n-1].NodeEpoch > p.epoch {
		p.die("its volume is newer than its metadata") // as package volume sees to
		return
	}
	p.opening = true
	life := walfmt.Life{Instance: p.w.uuid(0xa1), NodeEpoch: p.epoch, WindowBytes: windowBytes}
	life = d.create(life, p.w.isNeeded(img))
	cmd := &image.OpenWAL{Node: p.id, NodeEpoch: p.epoch, Instance: life.Instance, Kind: p.slot.kind, Location: d.location}
	p.submit(cmd, func(image.Result, *image.Refusal) {
		if !d.shared && d.owner != p {
			p.die("its volume was taken away")
			return
		}
		p.log = newLog(p, d, life)
		p.say("opens WAL %s on %s at %d", life.Instance.Hex()[:8], d, life.Base)
		p.restless = true
	})
}

// volume is where the process's WAL is to be: a file of its own where the kind
// is shared; where it is exclusive the node's ring, if the process gets it and
// has rescued all that is in it. nil means that it must wait.
func (p *proc) volume(img *image.Image) *disk {
	s := p.slot
	if s.kind == "shared" && p.w.mistake != reuseSharedRing {
		return p.w.newDisk(s, fmt.Sprintf("shared/%d/%x", p.id, p.incarnation[1:4]))
	}
	if s.ring != nil && s.ring.away && p.isToRescueIn(s.ring, img) {
		return nil // as a node that does not find its WAL where it was
	}
	if s.ring != nil && s.ring.lock(p, false) {
		needed, free := p.w.isNeeded(img), true
		for _, k := range s.ring.lives {
			if !needed(k.Instance) || p.holds(k.Instance) {
				continue
			}
			x, _ := img.WAL(k.Instance)
			if img.RescuerOf(x) == p.id {
				return nil
			}
			free = false
		}
		if free {
			return s.ring
		}
		p.unlock(s.ring)
	}
	s.rings++
	s.ring = p.w.newDisk(s, fmt.Sprintf("%s/%d/%d", s.kind, p.id, s.rings))
	s.ring.lock(p, false)
	return s.ring
}

// isToRescueIn says whether a volume has an instance that is this node's to rescue.
func (p *proc) isToRescueIn(d *disk, img *image.Image) bool {
	for _, k := range d.lives {
		if x, ok := img.WAL(k.Instance); ok && img.RescuerOf(x) == p.id && !p.holds(k.Instance) {
			return true
		}
	}
	return false
}

// holds says whether the process has rescued an instance.
func (p *proc) holds(instance ids.WALInstance) bool {
	for _, s := range p.adopted {
		if s.life.Instance == instance {
			return true
		}
	}
	return false
}

// held is the source of an instance that the process holds, or nil.
func (p *proc) held(instance ids.WALInstance) *source {
	if p.log != nil && p.log.life.Instance == instance {
		return &p.log.source
	}
	for _, s := range p.adopted {
		if s.life.Instance == instance {
			return s
		}
	}
	return nil
}

// unlock gives an exclusive volume up, unless the process has something in it.
func (p *proc) unlock(d *disk) {
	for _, s := range p.adopted {
		if s.d == d {
			return
		}
	}
	if d.owner == p && (p.log == nil || p.log.d != d) {
		d.owner = nil
	}
}
