package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// LeaveGroup (key 13)
//
// Behavior:
//   - Takes members out of a group, which then rebalances at once.
//
// Versions:
//   - 3: several members, also static ones by instance. 4: flexible. 5: reasons.

func (b *Broker) leaveGroup(c *Ctx, req *kmsg.LeaveGroupRequest, t Ticket) {
	b.askGroups(c, req, t, nil)
}
