package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// IncrementalAlterConfigs (key 44)
//
// Behavior:
//   - Changes the properties named, each resource by itself, all of its changes
//     or none. They are in force here by the time of the answer.
//   - Topics take what topics may carry: anything else is INVALID_CONFIG. The
//     broker that is asked, and the default of all (an empty name), take what
//     can change while they run: anything else is INVALID_REQUEST, as on Kafka.
//   - Appending to and subtracting from a list that is not set starts from its
//     default.
//   - Other kinds of resources have nothing to configure in this version.
//
// Versions:
//   - 0 and 1; 1 is flexible.

func (b *Broker) incrementalAlterConfigs(c *Ctx, req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	all := make([]configAlteration, len(req.Resources))
	for i := range req.Resources {
		r := &req.Resources[i]
		all[i] = configAlteration{configResource: configResource{r.ResourceType, r.ResourceName}}
		for _, p := range r.Configs {
			all[i].changes = append(all[i].changes, configOp{image.ConfigOp(p.Op), p.Name, p.Value})
		}
	}
	errs := b.alterConfigs(c, all, req.ValidateOnly)
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for i, a := range all {
		rr := kmsg.NewIncrementalAlterConfigsResponseResource()
		rr.ResourceType, rr.ResourceName = a.kind, a.name
		rr.ErrorCode, rr.ErrorMessage = CodeOf(errs[i]), messageOf(errs[i])
		resp.Resources = append(resp.Resources, rr)
	}
	return resp
}
