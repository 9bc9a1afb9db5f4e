package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// AlterConfigs (key 33)
//
// Behavior:
//   - Gives a resource exactly the properties that are named: all others go
//     back to their defaults. IncrementalAlterConfigs is what clients should use.
//   - Otherwise as there.
//
// Versions:
//   - 0 to 2; 2 is flexible.

func (b *Broker) replaceConfigs(c *Ctx, req *kmsg.AlterConfigsRequest) kmsg.Response {
	all := make([]configAlteration, len(req.Resources))
	for i := range req.Resources {
		r := &req.Resources[i]
		all[i] = configAlteration{configResource: configResource{r.ResourceType, r.ResourceName}, replace: true}
		for _, p := range r.Configs {
			all[i].changes = append(all[i].changes, configOp{image.SetConfig, p.Name, p.Value})
		}
	}
	errs := b.alterConfigs(c, all, req.ValidateOnly)
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	for i, a := range all {
		rr := kmsg.NewAlterConfigsResponseResource()
		rr.ResourceType, rr.ResourceName = a.kind, a.name
		rr.ErrorCode, rr.ErrorMessage = CodeOf(errs[i]), messageOf(errs[i])
		resp.Resources = append(resp.Resources, rr)
	}
	return resp
}
