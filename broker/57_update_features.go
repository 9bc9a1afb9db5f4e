package broker

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// UpdateFeatures (key 57)
//
// Behavior:
//   - Raises levels of the cluster's durable formats, all that are named or
//     none: kafka-features.sh upgrade --feature NAME=LEVEL. Not the active
//     controller: NOT_CONTROLLER.
//   - Before, the voters and the brokers that live are asked, by ApiVersions,
//     which levels their programs know. One that does not know the level, or
//     does not answer: INVALID_UPDATE_VERSION, by name. The dead are not asked:
//     a program that is too old for the cluster refuses to start.
//   - A feature or level that nobody knows, and a lower level, whatever the
//     upgrade type: INVALID_UPDATE_VERSION. What was written at the higher level
//     may be anywhere. The level that it has: nothing happens.
//   - A feature named twice, an unknown upgrade type: INVALID_REQUEST.
//
// Versions:
//   - 1: the upgrade type in place of a permission to downgrade; ValidateOnly
//     has everything checked and nothing changed.
//   - 2: no results by feature: they all share the outcome.

func (c *controllers) updateFeatures(ctx *Ctx, req *kmsg.UpdateFeaturesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	err := controllerError(c.raiseLevels(ctx, req))
	if resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err); err != nil {
		return resp
	}
	for _, u := range req.FeatureUpdates {
		r := kmsg.NewUpdateFeaturesResponseResult()
		r.Feature = u.Feature
		resp.Results = append(resp.Results, r)
	}
	return resp
}

func (c *controllers) raiseLevels(ctx *Ctx, req *kmsg.UpdateFeaturesRequest) error {
	if err := c.active(); err != nil {
		return err
	}
	raised, err := judgeLevels(c.Controller.Image(), req)
	if err != nil || len(raised) == 0 {
		return err
	}
	within, cancel := adminContext(ctx, req.TimeoutMillis)
	defer cancel()
	if err := c.allSupport(within, raised); err != nil || req.ValidateOnly {
		return err
	}
	_, _, err = c.Submit(within, &image.UpdateFeatures{Features: raised})
	return err
}

// The upgrade types of a feature's update.
const (
	upgradeOnly     = 1
	safeDowngrade   = 2
	unsafeDowngrade = 3
)

// judgeLevels returns which levels are to change, if this program can do that.
func judgeLevels(img *image.Image, req *kmsg.UpdateFeaturesRequest) (raised []image.Feature, err error) {
	for i, u := range req.FeatureUpdates {
		now := img.FeatureLevel(u.Feature)
		known := levelOf(ownLevels(), u.Feature)
		downgrade := u.UpgradeType != upgradeOnly
		if req.Version == 0 {
			downgrade = u.AllowDowngrade
		}
		switch {
		case slices.ContainsFunc(req.FeatureUpdates[:i], func(o kmsg.UpdateFeaturesRequestFeatureUpdate) bool { return o.Feature == u.Feature }):
			return nil, refuse(kerr.InvalidRequest, "%s is named twice.", u.Feature)
		case req.Version > 0 && (u.UpgradeType < upgradeOnly || u.UpgradeType > unsafeDowngrade):
			return nil, refuse(kerr.InvalidRequest, "Upgrade type %d is not known.", u.UpgradeType)
		case known.Max == 0:
			return nil, refuse(kerr.InvalidUpdateVersion, "%s is not a feature that this controller knows.", u.Feature)
		case u.MaxVersionLevel > known.Max:
			return nil, refuse(kerr.InvalidUpdateVersion, "This controller knows %s up to level %d, and not %d.", u.Feature, known.Max, u.MaxVersionLevel)
		case u.MaxVersionLevel < now, u.MaxVersionLevel < known.Min:
			return nil, refuse(kerr.InvalidUpdateVersion, "%s is at level %d and cannot be lowered to %d.", u.Feature, now, u.MaxVersionLevel)
		case u.MaxVersionLevel == now:
		case downgrade:
			return nil, refuse(kerr.InvalidUpdateVersion, "%s is at level %d: level %d is no downgrade.", u.Feature, now, u.MaxVersionLevel)
		default:
			raised = append(raised, image.Feature{Name: u.Feature, Level: u.MaxVersionLevel})
		}
	}
	return raised, nil
}

// Support is what a node's program knows of features.
type Support struct {
	Who    string // the node, for people
	Levels []Feature
}

// allSupport refuses levels that a node does not know.
func (c *controllers) allSupport(ctx context.Context, raised []image.Feature) error {
	nodes, err := c.Supports(ctx)
	if err != nil {
		return refuse(kerr.InvalidUpdateVersion, "Not every node could be asked which levels it knows: %v.", err)
	}
	for _, n := range nodes {
		for _, f := range raised {
			if knows := levelOf(n.Levels, f.Name); knows.Max < f.Level {
				return refuse(kerr.InvalidUpdateVersion, "The program of %s knows %s up to level %d, and not %d: upgrade it first.",
					n.Who, f.Name, knows.Max, f.Level)
			}
		}
	}
	return nil
}

// levelOf is the range of a feature's levels, of 0 if it is not there.
func levelOf(all []Feature, name string) Feature {
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	return Feature{Name: name}
}

// ownLevels are the levels that this program knows.
func ownLevels() (known []Feature) {
	for _, f := range image.LatestFeatures() {
		known = append(known, Feature{Name: f.Name, Min: image.FirstLevel, Max: f.Level})
	}
	return known
}

// FeaturesOf are the feature levels of the cluster and of this program, as
// clients are told.
func FeaturesOf(img *image.Image) Features {
	f := Features{Epoch: int64(img.Index()), Supported: ownLevels()}
	for x := range img.Features() {
		f.Finalized = append(f.Finalized, Feature{Name: x.Name, Min: x.Level, Max: x.Level})
	}
	return f
}
