package partition

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// settings are a topic's settings in force. What is stored was validated when
// it was set; should this build refuse it, the defaults stand.
func (s *Set) settings(img *image.Image, name string) *config.Topic {
	overrides := map[string]string{}
	for c := range img.Configs(image.TopicConfigOf(name)) {
		overrides[c.Name] = c.Value
	}
	t, err := config.ResolveTopic(s.cfg.Base, overrides)
	if err != nil {
		s.cfg.Log.Error("topic configuration is refused; defaults stand", "topic", name, "error", err)
		t, err = config.ResolveTopic(s.cfg.Base, nil)
		if err != nil {
			panic(fmt.Sprintf("the defaults of a topic are refused: %v", err))
		}
	}
	return &t
}

// refreshSettings has the partitions of topics follow their configuration.
func (s *Set) refreshSettings(img *image.Image, names map[string]struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name := range names {
		t := s.byName[name]
		if t == nil {
			continue
		}
		settings := s.settings(img, name)
		for _, p := range t.parts {
			p.settings.Store(settings)
		}
	}
}
