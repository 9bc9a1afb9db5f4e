package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Cluster is the cluster's identity, there from [FormatCluster] on.
type Cluster struct {
	ID ids.UUID
}

// Feature is the level of one durable format or protocol: nothing newer may be
// written until the level was raised by [UpdateFeatures], so that nodes can be
// upgraded one at a time.
type Feature struct {
	Name  string
	Level int16
}

// RecordKind is KindCluster.
func (*Cluster) RecordKind() RecordKind { return KindCluster }

func (r *Cluster) fields(c *wire.Coder) { c.UUID(&r.ID) }

func (r *Cluster) apply(img *Image) { img.cluster = r }

// RecordKind is KindFeature.
func (*Feature) RecordKind() RecordKind { return KindFeature }

func (r *Feature) fields(c *wire.Coder) {
	wire.String(c, &r.Name)
	wire.Int(c, &r.Level)
}

func (r *Feature) apply(img *Image) { img.features.put(r.Name, r) }

// ClusterID is the cluster's identity, zero before it is formatted.
func (img *Image) ClusterID() ids.UUID {
	if img.cluster == nil {
		return ids.UUID{}
	}
	return img.cluster.ID
}

// FeatureLevel is the finalized level of a feature, 0 for one never set.
func (img *Image) FeatureLevel(name string) int16 {
	if f, ok := img.features.get(name); ok {
		return f.Level
	}
	return 0
}

// Features walks the finalized features by name.
func (img *Image) Features() iter.Seq[*Feature] { return img.features.values() }
