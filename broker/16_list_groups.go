package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// ListGroups (key 16)
//
// Behavior:
//   - Lists the groups that this broker coordinates, by name.
//
// Versions:
//   - 3: flexible. 4: filter by state. 5: filter by type; all are classic.

func (b *Broker) listGroups(c *Ctx, req *kmsg.ListGroupsRequest, t Ticket) {
	b.askGroups(c, req, t, nil)
}
