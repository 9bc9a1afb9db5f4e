package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// ListConfigResources (key 74)
//
// Behavior:
//   - Names what has a configuration: all topics and brokers, and those client
//     metrics and groups on which something is set.
//
// Versions:
//   - 0: client metrics only, under its former name ListClientMetricsResources.
//     1: kinds of resources, all of them when none is asked for.

// listedResources are the kinds of resources that can be listed, in order.
var listedResources = []kmsg.ConfigResourceType{
	kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger,
	kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig,
}

func (b *Broker) listConfigResources(c *Ctx, req *kmsg.ListConfigResourcesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	kinds := listedResources
	switch {
	case req.Version == 0:
		kinds = []kmsg.ConfigResourceType{kmsg.ConfigResourceTypeClientMetrics}
	case len(req.ResourceTypes) > 0:
		kinds = nil
		for _, k := range req.ResourceTypes {
			if !slices.Contains(listedResources, kmsg.ConfigResourceType(k)) {
				resp.ErrorCode = kerr.UnsupportedVersion.Code
				return resp
			}
			kinds = append(kinds, kmsg.ConfigResourceType(k))
		}
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
	}
	v := b.view(c)
	for _, kind := range kinds {
		for _, name := range v.resources(kind) {
			r := kmsg.NewListConfigResourcesResponseConfigResource()
			r.Name, r.Type = name, int8(kind)
			resp.ConfigResources = append(resp.ConfigResources, r)
		}
	}
	return resp
}

// resources are the names of the resources of a kind.
func (v view) resources(kind kmsg.ConfigResourceType) (names []string) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		for _, t := range v.topicsByName() {
			names = append(names, t.Name)
		}
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
		for n := range v.Nodes() {
			names = append(names, n.ID.String())
		}
	default:
		for c := range v.AllConfigs() {
			if c.Resource.Type == image.ResourceType(kind) {
				names = append(names, c.Resource.Name)
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names
}
