package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// SyncGroup (key 14)
//
// Behavior:
//   - Answered when the leader's assignment is durable.
//
// Versions:
//   - 3: static members. 4: flexible. 5: protocol type and name, which must be
//     the group's.

func (b *Broker) syncGroup(c *Ctx, req *kmsg.SyncGroupRequest, t Ticket) { b.askGroups(c, req, t, nil) }
