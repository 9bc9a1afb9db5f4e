package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Resource is what a configuration applies to: Kafka's resource type and the
// resource's name, such as a topic's name or a node's id in decimal.
type Resource struct {
	Type ResourceType
	Name string
}

// ResourceType is Kafka's number of a kind of resource.
type ResourceType int8

// The kinds of resources that are configured here.
const (
	TopicResource         ResourceType = 2
	BrokerResource        ResourceType = 4 // name "" is the default of all brokers
	ClientMetricsResource ResourceType = 16
	GroupResource         ResourceType = 32
)

// TopicConfigOf is the resource of a topic's configuration.
func TopicConfigOf(name string) Resource { return Resource{TopicResource, name} }

// BrokerConfigOf is the resource of one node's dynamic configuration.
func BrokerConfigOf(id ids.NodeID) Resource { return Resource{BrokerResource, id.String()} }

// BrokerDefaults is the resource of the dynamic configuration of all nodes.
func BrokerDefaults() Resource { return Resource{BrokerResource, ""} }

// Config is one property set on a resource.
type Config struct {
	Resource Resource
	Name     string
	Value    string
}

// RemoveConfig returns a property to its default.
type RemoveConfig struct {
	Resource Resource
	Name     string
}

func resourceFields(c *wire.Coder, r *Resource) {
	wire.Int(c, &r.Type)
	wire.String(c, &r.Name)
}

// RecordKind is KindConfig.
func (*Config) RecordKind() RecordKind { return KindConfig }

func (r *Config) fields(c *wire.Coder) {
	resourceFields(c, &r.Resource)
	wire.String(c, &r.Name)
	wire.String(c, &r.Value)
}

func (r *Config) apply(img *Image) { img.configs.put(configKey{r.Resource, r.Name}, r) }

// RecordKind is KindRemoveConfig.
func (*RemoveConfig) RecordKind() RecordKind { return KindRemoveConfig }

func (r *RemoveConfig) fields(c *wire.Coder) {
	resourceFields(c, &r.Resource)
	wire.String(c, &r.Name)
}

func (r *RemoveConfig) apply(img *Image) { img.configs.remove(configKey{r.Resource, r.Name}) }

// Config returns a property's value as set on a resource itself.
func (img *Image) Config(resource Resource, name string) (value string, ok bool) {
	c, ok := img.configs.get(configKey{resource, name})
	if !ok {
		return "", false
	}
	return c.Value, true
}

// Configs walks the properties set on a resource, by name.
func (img *Image) Configs(resource Resource) iter.Seq[*Config] {
	return func(yield func(*Config) bool) {
		for key, cfg := range img.configs.from(configKey{resource, ""}) {
			if key.resource != resource || !yield(cfg) {
				return
			}
		}
	}
}

// AllConfigs walks every property of every resource.
func (img *Image) AllConfigs() iter.Seq[*Config] { return img.configs.values() }
