package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// JoinGroup (key 11)
//
// Behavior:
//   - Answered when the rebalance that it takes part in completes; see package
//     group for what a member is told meanwhile.
//
// Versions:
//   - 1: rebalance time-out. 4: a new member is told its id first. 5: static
//     members. 6: flexible. 7: protocol type. 8: a reason. 9: the leader may
//     be told to keep the assignment.

func (b *Broker) joinGroup(c *Ctx, req *kmsg.JoinGroupRequest, t Ticket) { b.askGroups(c, req, t, nil) }
