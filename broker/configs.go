package broker

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// What DescribeConfigs, AlterConfigs and IncrementalAlterConfigs share.

// config is the broker's configuration with what was set while it runs.
func (b *Broker) config() *config.Config { return b.Partitions.Config() }

// valuesOf are the properties set on a resource itself.
func valuesOf(img *image.Image, r image.Resource) map[string]string {
	values := map[string]string{}
	for c := range img.Configs(r) {
		values[c.Name] = c.Value
	}
	return values
}

// brokerResource is the resource of a broker's configuration, or of the
// default for all brokers when name is empty. Another broker's is refused:
// clients ask each broker for its own.
func (b *Broker) brokerResource(name string) (image.Resource, error) {
	own := image.BrokerConfigOf(b.Node)
	switch name {
	case "":
		return image.BrokerDefaults(), nil
	case own.Name:
		return own, nil
	}
	return image.Resource{}, refuse(kerr.InvalidRequest,
		"Unexpected broker id, expected %s or empty string, but received %s", own.Name, name)
}

// configResource names a resource in a request.
type configResource struct {
	kind kmsg.ConfigResourceType
	name string
}

var errResourceTwice = refuse(kerr.InvalidRequest, "Each resource must appear at most once.")

// configAlteration is what a request does to one resource, in either of the
// two forms of the API.
type configAlteration struct {
	configResource
	replace bool // everything that is not named goes back to its default
	changes []configOp
}

// configOp is one change of one property.
type configOp struct {
	op    image.ConfigOp
	name  string
	value *string
}

// alterConfigs carries out what a request does to each resource by itself, and
// returns the errors.
func (b *Broker) alterConfigs(c *Ctx, all []configAlteration, validateOnly bool) []error {
	errs := make([]error, len(all))
	times := map[configResource]int{}
	for _, a := range all {
		times[a.configResource]++
	}
	for i, a := range all {
		if times[a.configResource] > 1 {
			errs[i] = errResourceTwice
			continue
		}
		cmd, err := b.planAlteration(&a)
		if err == nil && !validateOnly && len(cmd.Changes) > 0 {
			err = b.submitConfigs(c, cmd)
		}
		errs[i] = err
	}
	return errs
}

// submitConfigs submits a change and waits until it is in force here.
func (b *Broker) submitConfigs(c *Ctx, cmd *image.AlterConfigs) error {
	ctx, cancel := adminContext(c, 0)
	defer cancel()
	_, index, err := b.Metadata.Submit(ctx, cmd)
	if err != nil {
		return err
	}
	return b.Partitions.Await(ctx, index)
}

// planAlteration checks an alteration and makes the command that carries it out.
func (b *Broker) planAlteration(a *configAlteration) (*image.AlterConfigs, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	img := b.Metadata.Image()
	switch image.ResourceType(a.kind) {
	case image.TopicResource:
		if _, ok := img.TopicByName(a.name); !ok {
			return nil, unknownTopic(a.name)
		}
		cmd, after, err := a.plan(img, image.TopicConfigOf(a.name), b.topicDefault)
		if err != nil {
			return nil, err
		}
		if err := b.checkTopicValues(img, after); err != nil {
			return nil, err
		}
		return cmd, nil
	case image.BrokerResource:
		r, err := b.brokerResource(a.name)
		if err != nil {
			return nil, err
		}
		cmd, after, err := a.plan(img, r, brokerDefault)
		if err == nil {
			err = b.checkBrokerValues(img, r, after)
		}
		return cmd, err
	}
	return nil, refuse(kerr.InvalidRequest, "Configurations of resource type %d are not supported.", a.kind)
}

// check refuses what no resource could take.
func (a *configAlteration) check() error {
	seen := map[string]bool{}
	for _, ch := range a.changes {
		switch {
		case seen[ch.name]:
			return refuse(kerr.InvalidRequest, "Error due to duplicate config keys: %s", ch.name)
		case ch.op > image.SubtractConfig:
			return refuse(kerr.InvalidRequest, "Unknown operation type %d", ch.op)
		case ch.value == nil && ch.op != image.DeleteConfig:
			return refuse(kerr.InvalidRequest, "Null value not supported for: %s", ch.name)
		}
		seen[ch.name] = true
	}
	return nil
}

// plan makes the command of an alteration and the values that the resource has
// after it. valueWithout is what a list is when the resource does not set it:
// appending and subtracting start from there.
func (a *configAlteration) plan(img *image.Image, r image.Resource, valueWithout func(name string) (list string, isList bool)) (
	cmd *image.AlterConfigs, after map[string]string, err error) {
	cmd = new(image.AlterConfigs)
	after = valuesOf(img, r)
	if a.replace {
		cmd.Changes = append(cmd.Changes, image.ConfigChange{Resource: r, Op: image.ClearConfigs})
		clear(after)
	}
	for _, ch := range a.changes {
		switch ch.op {
		case image.DeleteConfig:
			delete(after, ch.name)
			cmd.Changes = append(cmd.Changes, image.ConfigChange{Resource: r, Op: ch.op, Name: ch.name})
			continue
		case image.AppendConfig, image.SubtractConfig:
			list, isList := valueWithout(ch.name)
			if !isList {
				return nil, nil, refuse(kerr.InvalidConfig, "Can't append to or subtract from %s: it is not a list.", ch.name)
			}
			if now, isSet := after[ch.name]; isSet {
				list = now
			} else {
				cmd.Changes = append(cmd.Changes, image.ConfigChange{Resource: r, Op: image.SetConfig, Name: ch.name, Value: list})
			}
			after[ch.name] = alteredList(list, *ch.value, ch.op)
		default:
			after[ch.name] = *ch.value
		}
		cmd.Changes = append(cmd.Changes, image.ConfigChange{Resource: r, Op: ch.op, Name: ch.name, Value: *ch.value})
	}
	return cmd, after, nil
}

// alteredList is what the metadata will make of a list, so that it can be
// checked before.
func alteredList(list, elements string, op image.ConfigOp) string {
	have := config.SplitList(list)
	for _, e := range config.SplitList(elements) {
		has := slices.Contains(have, e)
		if op == image.AppendConfig && !has {
			have = append(have, e)
		}
		if op == image.SubtractConfig && has {
			have = slices.DeleteFunc(have, func(x string) bool { return x == e })
		}
	}
	return strings.Join(have, ",")
}

func (b *Broker) topicDefault(name string) (list string, isList bool) {
	d, ok := config.LookupTopic(name)
	if !ok || d.Type != config.List {
		return "", false
	}
	list, _ = b.config().Raw(name)
	return list, true
}

func brokerDefault(name string) (list string, isList bool) {
	d, ok := config.Lookup(name)
	if !ok || d.Type != config.List {
		return "", false
	}
	return d.Default, true
}

// checkTopicValues holds the values that a topic is to have against what it may
// take, alone and together, and against what the cluster's programs all know.
func (b *Broker) checkTopicValues(img *image.Image, after map[string]string) error {
	t, err := config.ValidateTopic(b.config(), after)
	if err != nil {
		return refuse(kerr.InvalidConfig, "%s", oneLine(err))
	}
	if t.Diskless {
		if r := image.CanOpenDirect(img); r != nil {
			return refuse(kerr.InvalidConfig, "%s", r.Detail)
		}
	}
	return nil
}

// checkBrokerValues holds the values that a broker resource is to have against
// what a running broker may take, alone and together.
func (b *Broker) checkBrokerValues(img *image.Image, r image.Resource, after map[string]string) error {
	clusterWide := r == image.BrokerDefaults()
	for _, name := range sortedKeys(after) {
		if err := config.ValidateBrokerConfig(name, after[name], clusterWide); err != nil {
			return refuse(kerr.InvalidRequest, "%s", oneLine(err))
		}
	}
	forAll, own := after, valuesOf(img, image.BrokerConfigOf(b.Node))
	if !clusterWide {
		forAll, own = valuesOf(img, image.BrokerDefaults()), after
	}
	if _, err := b.Config.WithDynamic(forAll, own); err != nil {
		return refuse(kerr.InvalidRequest, "%s", oneLine(err))
	}
	return nil
}

// oneLine is an error that may list several faults, as a client is shown it.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
