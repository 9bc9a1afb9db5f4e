package partition

import (
	"maps"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
)

// topic has what this node leads of a topic.
type topic struct {
	id    ids.TopicID
	name  string
	parts map[int32]*Partition
}

// ByName finds a partition that this node leads; name is not kept. The errors
// are ErrUnknown and ErrNotLeader.
func (s *Set) ByName(name []byte, index int32) (*Partition, error) {
	s.mu.RLock()
	t := s.byName[string(name)]
	p := t.part(index)
	s.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	if found, ok := s.cfg.Image().TopicByName(string(name)); ok {
		return nil, s.notHere(found.ID, index)
	}
	return nil, ErrUnknown
}

// ByID is ByName for the topic's identity.
func (s *Set) ByID(id ids.TopicID, index int32) (*Partition, error) {
	s.mu.RLock()
	t := s.byID[id]
	p := t.part(index)
	s.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	return nil, s.notHere(id, index)
}

func (t *topic) part(index int32) *Partition {
	if t == nil {
		return nil
	}
	return t.parts[index]
}

func (s *Set) notHere(id ids.TopicID, index int32) error {
	if _, ok := s.cfg.Image().Partition(id, index); ok {
		return ErrNotLeader
	}
	return ErrUnknown
}

// All lists the partitions that this node leads, in no order.
func (s *Set) All() []*Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*Partition
	for _, t := range s.byID {
		out = slices.AppendSeq(out, maps.Values(t.parts))
	}
	return out
}
