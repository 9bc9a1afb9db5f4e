package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// DescribeConfigs (key 32)
//
// Behavior:
//   - Each property with its value, where that comes from and, if asked for,
//     every other value that could count and what the property means.
//   - A topic has the properties that topics have; a broker, asked for its own
//     id, those of brokers; the default of all brokers (an empty name) those
//     that are set there.
//   - Client metrics and groups have what is set on them, which is nothing in
//     this version; broker loggers have no levels of their own.
//   - Sensitive values are never shown.
//   - A resource is described once in an answer, which would else be far larger
//     than the request.
//
// Versions:
//   - 1: sources and synonyms. 3: types and documentation. 4: flexible.

func (b *Broker) describeConfigs(_ *Ctx, req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	described := map[configResource]bool{}
	for i := range req.Resources {
		r := &req.Resources[i]
		rr := kmsg.NewDescribeConfigsResponseResource()
		rr.ResourceType, rr.ResourceName = r.ResourceType, r.ResourceName
		var entries []config.Entry
		err := errResourceTwice
		if of := (configResource{r.ResourceType, r.ResourceName}); !described[of] {
			described[of] = true
			entries, err = b.configEntries(r)
		}
		rr.ErrorCode, rr.ErrorMessage = CodeOf(err), messageOf(err)
		for j := range entries {
			e := &entries[j]
			if len(r.ConfigNames) == 0 || slices.Contains(r.ConfigNames, e.Def.Name) {
				rr.Configs = append(rr.Configs, describedConfig(e, r.ResourceType, req))
			}
		}
		resp.Resources = append(resp.Resources, rr)
	}
	return resp
}

// configEntries are the properties of a resource.
func (b *Broker) configEntries(r *kmsg.DescribeConfigsRequestResource) ([]config.Entry, error) {
	img := b.Metadata.Image()
	switch r.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if _, ok := img.TopicByName(r.ResourceName); !ok {
			return nil, unknownTopic(r.ResourceName)
		}
		return b.config().DescribeTopic(valuesOf(img, image.TopicConfigOf(r.ResourceName))), nil
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
		of, err := b.brokerResource(r.ResourceName)
		if err != nil || r.ResourceType == kmsg.ConfigResourceTypeBrokerLogger {
			return nil, err
		}
		entries := b.config().DescribeBroker()
		if of == image.BrokerDefaults() {
			entries = clusterWide(entries, valuesOf(img, of))
		}
		return entries, nil
	case kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig:
		if r.ResourceName == "" {
			return nil, refuse(kerr.InvalidRequest, "The name of the resource must not be empty.")
		}
		return nil, nil
	}
	return nil, refuse(kerr.InvalidRequest, "Unsupported resource type %d.", r.ResourceType)
}

// clusterWide reduces what a broker has to what is set on the default of all.
func clusterWide(entries []config.Entry, set map[string]string) []config.Entry {
	var out []config.Entry
	for _, e := range entries {
		value, ok := set[e.Def.Name]
		if !ok {
			continue
		}
		e.Source = config.DynamicDefaultBroker
		if !e.Def.Sensitive {
			e.Value, e.HasValue = value, true
		}
		e.Synonyms = slices.DeleteFunc(e.Synonyms, func(s config.SynonymValue) bool {
			return s.Source != config.DynamicDefaultBroker
		})
		out = append(out, e)
	}
	return out
}

// configTypes are the protocol's numbers of the types of properties.
var configTypes = map[config.Type]kmsg.ConfigType{
	config.Bool: kmsg.ConfigTypeBoolean, config.Int: kmsg.ConfigTypeInt, config.Long: kmsg.ConfigTypeLong,
	config.Double: kmsg.ConfigTypeDouble, config.String: kmsg.ConfigTypeString, config.List: kmsg.ConfigTypeList,
	config.Password: kmsg.ConfigTypePassword,
}

func describedConfig(e *config.Entry, of kmsg.ConfigResourceType, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Source, c.ConfigType = e.Def.Name, kmsg.ConfigSource(e.Source), configTypes[e.Def.Type]
	c.IsSensitive = e.Def.Sensitive
	c.ReadOnly = of == kmsg.ConfigResourceTypeBroker && e.Def.Update == config.ReadOnly
	if e.HasValue {
		c.Value = &e.Value
	}
	if req.IncludeDocumentation {
		c.Documentation = &e.Def.Doc
	}
	if !req.IncludeSynonyms {
		return c
	}
	for i := range e.Synonyms {
		s := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		s.Name, s.Source = e.Synonyms[i].Name, kmsg.ConfigSource(e.Synonyms[i].Source)
		if !e.Def.Sensitive {
			s.Value = &e.Synonyms[i].Value
		}
		c.ConfigSynonyms = append(c.ConfigSynonyms, s)
	}
	return c
}
