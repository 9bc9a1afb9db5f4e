package node

import (
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// pacing is in which order and how fast the node uses the object store (I9).
// Appends and reads at the tail do not wait for it: they come first by that.
type pacing struct {
	// upload follows the append rate; the streams set it.
	upload *objstore.TokenBucket
	// link is what the node may use of the network to the store, uploads before
	// catch-up reads; nil where nothing is configured.
	link *objstore.TokenBucket
}

func newPacing(cfg *config.Config, c clock.Clock) pacing {
	// A part may go at once: it is what is sent in one piece anyway.
	burst := cfg.Object.PartBytes
	p := pacing{upload: objstore.NewTokenBucket(c, burst, burst)}
	if max := cfg.Store.BandwidthMax; max > 0 {
		p.link = objstore.NewTokenBucket(c, max, burst)
	}
	return p
}

// uploads is s as uploads use it.
func (p pacing) uploads(s *objstore.Retry) *objstore.Retry {
	return s.Paced(append(objstore.Pacers{p.upload}, p.shared()...), objstore.PriorityUpload)
}

// catchUp is s as reads of history use it.
func (p pacing) catchUp(s *objstore.Retry) *objstore.Retry {
	return s.Paced(p.shared(), objstore.PriorityCatchUp)
}

func (p pacing) shared() objstore.Pacers {
	if p.link == nil {
		return nil
	}
	return objstore.Pacers{p.link}
}

// waitedSeconds is how long work of a priority has waited for its turn.
func (p pacing) waitedSeconds(of objstore.Priority) float64 {
	waited := p.upload.Waited(of)
	if p.link != nil {
		waited += p.link.Waited(of)
	}
	return waited.Seconds()
}
