package image

import (
	"slices"
	"strings"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// AlterConfigs changes properties of resources. Values are taken as they are:
// their validation is the issuer's.
type AlterConfigs struct {
	Changes []ConfigChange
}

// ConfigChange changes one property.
type ConfigChange struct {
	Resource Resource
	Op       ConfigOp
	Name     string // not for ClearConfigs
	Value    string // not for DeleteConfig and ClearConfigs
}

// ConfigOp is how a property changes. The first four numbers are Kafka's of
// IncrementalAlterConfigs.
type ConfigOp uint8

// The changes.
const (
	SetConfig      ConfigOp = 0
	DeleteConfig   ConfigOp = 1 // returns it to its default
	AppendConfig   ConfigOp = 2 // adds to a list the elements it does not have
	SubtractConfig ConfigOp = 3 // takes elements from a list
	ClearConfigs   ConfigOp = 4 // deletes every property of the resource
)

// CommandKind is KindAlterConfigs.
func (*AlterConfigs) CommandKind() CommandKind { return KindAlterConfigs }

// NewResult is an empty result.
func (*AlterConfigs) NewResult() *Done { return new(Done) }

func (cmd *AlterConfigs) fields(c *wire.Coder) {
	wire.List(c, &cmd.Changes, 5, func(c *wire.Coder, ch *ConfigChange) {
		resourceFields(c, &ch.Resource)
		wire.Uint(c, &ch.Op)
		wire.String(c, &ch.Name)
		wire.String(c, &ch.Value)
	})
}

// run refuses the whole command when a topic is not there, so that no
// configuration outlives, or waits for, a topic.
func (cmd *AlterConfigs) run(d *draft) (Result, *Refusal) {
	for _, ch := range cmd.Changes {
		if ch.Resource.Type == TopicResource {
			if _, ok := d.img.TopicByName(ch.Resource.Name); !ok {
				return nil, refuse(UnknownTopic, "topic %q", ch.Resource.Name)
			}
		}
		if r := d.alterConfig(ch); r != nil {
			return nil, r
		}
	}
	return new(Done), nil
}

func (d *draft) alterConfig(ch ConfigChange) *Refusal {
	now, isSet := d.img.Config(ch.Resource, ch.Name)
	switch ch.Op {
	case SetConfig:
		d.put(&Config{ch.Resource, ch.Name, ch.Value})
	case DeleteConfig:
		if isSet {
			d.put(&RemoveConfig{ch.Resource, ch.Name})
		}
	case AppendConfig, SubtractConfig:
		d.put(&Config{ch.Resource, ch.Name, alterList(now, ch.Value, ch.Op)})
	case ClearConfigs:
		var names []string
		for cfg := range d.img.Configs(ch.Resource) {
			names = append(names, cfg.Name)
		}
		for _, name := range names {
			d.put(&RemoveConfig{ch.Resource, name})
		}
	default:
		return refuse(InvalidCommand, "configuration change %d", ch.Op)
	}
	return nil
}

// alterList adds elements to, or takes them from, a comma-separated list.
func alterList(list, elements string, op ConfigOp) string {
	have := splitList(list)
	for _, e := range splitList(elements) {
		at := slices.Index(have, e)
		switch {
		case op == AppendConfig && at < 0:
			have = append(have, e)
		case op == SubtractConfig && at >= 0:
			have = slices.Delete(have, at, at+1)
		}
	}
	return strings.Join(have, ",")
}

func splitList(list string) []string {
	var out []string
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}
