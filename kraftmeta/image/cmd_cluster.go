package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// FormatCluster gives the cluster its identity and its first feature levels:
// the first command of every cluster.
type FormatCluster struct {
	ClusterID ids.UUID
	Features  []Feature
}

// CommandKind is KindFormatCluster.
func (*FormatCluster) CommandKind() CommandKind { return KindFormatCluster }

// NewResult is an empty result.
func (*FormatCluster) NewResult() *Done { return new(Done) }

func (cmd *FormatCluster) fields(c *wire.Coder) {
	c.UUID(&cmd.ClusterID)
	wire.List(c, &cmd.Features, 2, featureFields)
}

func featureFields(c *wire.Coder, f *Feature) { f.fields(c) }

func (cmd *FormatCluster) run(d *draft) (Result, *Refusal) {
	if c := d.img.cluster; c != nil {
		return nil, refuse(AlreadyFormatted, "the cluster is %s", c.ID)
	}
	if cmd.ClusterID.IsZero() {
		return nil, refuse(InvalidCommand, "no cluster id")
	}
	d.put(&Cluster{ID: cmd.ClusterID})
	for _, f := range cmd.Features {
		d.put(&Feature{f.Name, f.Level})
	}
	return new(Done), nil
}

// UpdateFeatures raises the levels of features; all or none.
type UpdateFeatures struct {
	Features []Feature
	// AllowDowngrade permits lower levels too. Whoever asks for it knows that
	// nothing of the higher level was written or is still needed.
	AllowDowngrade bool
}

// CommandKind is KindUpdateFeatures.
func (*UpdateFeatures) CommandKind() CommandKind { return KindUpdateFeatures }

// NewResult is an empty result.
func (*UpdateFeatures) NewResult() *Done { return new(Done) }

func (cmd *UpdateFeatures) fields(c *wire.Coder) {
	wire.List(c, &cmd.Features, 2, featureFields)
	c.Bool(&cmd.AllowDowngrade)
}

func (cmd *UpdateFeatures) run(d *draft) (Result, *Refusal) {
	for _, f := range cmd.Features {
		now := d.img.FeatureLevel(f.Name)
		if f.Level < 0 || f.Level < now && !cmd.AllowDowngrade {
			return nil, refuse(InvalidFeatureLevel, "%s is at level %d, asked for %d", f.Name, now, f.Level)
		}
		d.put(&Feature{f.Name, f.Level})
	}
	return new(Done), nil
}

// AllocateProducerIDs gives a node a block of producer ids that no other node
// gets.
type AllocateProducerIDs struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Count     int32 // 1 to MaxProducerIDBlock
}

// ProducerIDs is a block of producer ids.
type ProducerIDs struct {
	First int64
	Count int32
}

// MaxProducerIDBlock bounds one block of producer ids.
const MaxProducerIDBlock = 100_000

// CommandKind is KindAllocateProducerIDs.
func (*AllocateProducerIDs) CommandKind() CommandKind { return KindAllocateProducerIDs }

// NewResult is an empty result.
func (*AllocateProducerIDs) NewResult() *ProducerIDs { return new(ProducerIDs) }

func (cmd *AllocateProducerIDs) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.Int(c, &cmd.Count)
}

func (r *ProducerIDs) fields(c *wire.Coder) {
	wire.Int(c, &r.First)
	wire.Int(c, &r.Count)
}

func (cmd *AllocateProducerIDs) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	if cmd.Count < 1 || cmd.Count > MaxProducerIDBlock {
		return nil, refuse(InvalidCommand, "a block of %d producer ids", cmd.Count)
	}
	first, r := d.take(ProducerIDCounter, uint64(cmd.Count))
	return &ProducerIDs{First: int64(first), Count: cmd.Count}, r
}
