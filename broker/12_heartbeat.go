package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// Heartbeat (key 12)
//
// Behavior:
//   - Keeps a member's session, and tells it of a rebalance.
//
// Versions:
//   - 3: static members. 4: flexible.

func (b *Broker) heartbeat(c *Ctx, req *kmsg.HeartbeatRequest, t Ticket) { b.askGroups(c, req, t, nil) }
