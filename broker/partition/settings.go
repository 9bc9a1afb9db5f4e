package partition

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// settings are a topic's settings in force. What is stored was validated when
// it was set; should this build refuse it, the defaults stand.
func (s *Set) settings(img *image.Image, name string) *config.Topic {
	overrides := valuesOf(img, image.TopicConfigOf(name))
	t, err := config.ResolveTopic(s.Config(), overrides)
	if err != nil {
		s.cfg.Log.Error("topic configuration is refused; defaults stand", "topic", name, "error", err)
		t, err = config.ResolveTopic(s.Config(), nil)
		if err != nil {
			panic(fmt.Sprintf("the defaults of a topic are refused: %v", err))
		}
		t.Delete = false // nothing is deleted by what its owner did not ask for
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

// Config is the node's configuration in force: Base with what was set while the
// brokers run, on the default of all and on this one.
func (s *Set) Config() *config.Config { return s.inForce.Load() }

// OnConfig has f told of the configuration in force, now and whenever it has
// changed, one call after the other. It is called once.
func (s *Set) OnConfig(f func(*config.Config)) {
	s.configMu.Lock()
	defer s.configMu.Unlock()
	s.onConfig = f
	f(s.Config())
}

// followConfig puts the metadata's configuration of this broker in force. What
// is stored was validated when it was set; should this build refuse it, Base
// stands.
func (s *Set) followConfig(img *image.Image) {
	next := s.cfg.Base
	forAll, own := valuesOf(img, image.BrokerDefaults()), valuesOf(img, image.BrokerConfigOf(s.cfg.Node))
	if len(forAll)+len(own) > 0 {
		dynamic, err := s.cfg.Base.WithDynamic(forAll, own)
		if err != nil {
			s.cfg.Log.Error("dynamic broker configuration is refused; the static one stands", "error", err)
		} else {
			next = dynamic
		}
	}
	s.configMu.Lock()
	defer s.configMu.Unlock()
	s.inForce.Store(next)
	if s.onConfig != nil {
		s.onConfig(next)
	}
}

func valuesOf(img *image.Image, r image.Resource) map[string]string {
	values := map[string]string{}
	for c := range img.Configs(r) {
		values[c.Name] = c.Value
	}
	return values
}

// allTopics are the names of the topics served here.
func (s *Set) allTopics() map[string]struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make(map[string]struct{}, len(s.byName))
	for name := range s.byName {
		names[name] = struct{}{}
	}
	return names
}
