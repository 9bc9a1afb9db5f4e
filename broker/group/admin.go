package group

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeNotFoundVersion is the version of DescribeGroups from which an
// unknown group is an error; before, it is a Dead group.
const describeNotFoundVersion = 6

// classicType is what ListGroups calls the type of these groups.
const classicType = "classic"

func (s *Shard) describeGroups(token Token, req *kmsg.DescribeGroupsRequest) {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = req.Version
	for _, id := range req.Groups {
		resp.Groups = append(resp.Groups, s.describe(id, req.Version))
	}
	s.reply(token, resp)
}

func (s *Shard) describe(id string, version int16) kmsg.DescribeGroupsResponseGroup {
	d := kmsg.NewDescribeGroupsResponseGroup()
	d.Group = id
	g := s.groups[id]
	if g == nil {
		d.State = Dead.String()
		if version >= describeNotFoundVersion {
			d.ErrorCode = int16(GroupIDNotFound)
			d.ErrorMessage = kmsg.StringPtr("Group " + id + " not found.")
		}
		return d
	}
	d.State, d.ProtocolType = g.state.String(), g.protocolType
	if g.state == Stable {
		d.Protocol = g.protocol
	}
	for _, m := range g.memberOrder {
		dm := kmsg.NewDescribeGroupsResponseGroupMember()
		dm.MemberID, dm.InstanceID, dm.ClientID, dm.ClientHost = m.id, m.instanceID, m.clientID, m.clientHost
		dm.MemberAssignment = m.assignment
		if g.state == Stable {
			dm.ProtocolMetadata = m.metadata(g.protocol)
		}
		d.Members = append(d.Members, dm)
	}
	return d
}

// listGroups lists the groups in the given states and of the given types, in
// any case of letters; no filter means all.
func (s *Shard) listGroups(token Token, req *kmsg.ListGroupsRequest) {
	resp := kmsg.NewPtrListGroupsResponse()
	resp.Version = req.Version
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		if passes(req.StatesFilter, g.state.String()) && passes(req.TypesFilter, classicType) {
			lg := kmsg.NewListGroupsResponseGroup()
			lg.Group, lg.ProtocolType, lg.GroupState, lg.GroupType = g.id, g.protocolType, g.state.String(), classicType
			resp.Groups = append(resp.Groups, lg)
		}
	}
	s.reply(token, resp)
}

func passes(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}

// deleteGroups removes groups without members, with their offsets.
func (s *Shard) deleteGroups(token Token, req *kmsg.DeleteGroupsRequest) {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	resp.Version = req.Version
	awaited := 0
	for i, id := range req.Groups {
		rg := kmsg.NewDeleteGroupsResponseGroup()
		rg.Group = id
		resp.Groups = append(resp.Groups, rg)
		g := s.groups[id]
		switch {
		case g == nil || g.state == Dead:
			resp.Groups[i].ErrorCode = int16(GroupIDNotFound)
		case g.state != Empty:
			resp.Groups[i].ErrorCode = int16(NonEmptyGroup)
		default:
			awaited++
			changes := s.allTombstones(g)
			s.removeGroup(g, changes, "deleted by request", func(code Code) {
				resp.Groups[i].ErrorCode = int16(code)
				if awaited--; awaited == 0 {
					s.reply(token, resp)
				}
			})
		}
	}
	if awaited == 0 {
		s.reply(token, resp)
	}
}

func (s *Shard) allTombstones(g *group) []change {
	var changes []change
	for _, tp := range s.knownOffsets(g, func(topicPartition) bool { return true }) {
		changes = append(changes, offsetTombstone(g, tp))
	}
	return changes
}

// removeGroup appends the tombstones of an Empty group's offsets and then of
// the group itself. Until they are durable the group is Dead and refuses what
// would change it; if they fail it is Empty as before.
func (s *Shard) removeGroup(g *group, tombstones []change, why string, done func(Code)) {
	for id := range g.pendingJoins {
		s.forgetPendingJoin(g, id)
	}
	s.enter(g, Dead, why)
	s.append(append(tombstones, change{group: g.id}), func(code Code) {
		if code != None {
			s.enter(g, Empty, "could not be removed: "+code.String())
		}
		done(code)
	})
}
