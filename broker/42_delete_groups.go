package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// DeleteGroups (key 42)
//
// Behavior:
//   - Deletes groups without members, and their offsets.
//
// Versions:
//   - 2: flexible. 3: error messages.

func (b *Broker) deleteGroups(c *Ctx, req *kmsg.DeleteGroupsRequest, t Ticket) {
	b.askGroups(c, req, t, nil)
}
