package image

import "fmt"

// The features of this program's durable formats. A cluster's level of one
// says which version of the format may be written; a node that knows less must
// not join.
const (
	// MetadataFeature is that of commands and records. At level 2 WALs can be
	// abandoned: AbandonWAL, WALAbandoned, and ranges without an object. At level 3
	// there are direct logs: KindDirect.
	MetadataFeature = "seawall.metadata.version"
	WALFeature      = "seawall.wal.version"    // WAL headers and records
	ObjectFeature   = "seawall.object.version" // objects in the store
)

// FirstLevel is the lowest level of each feature. Programs read what was written
// at any level from it to the latest that they know.
const FirstLevel int16 = 1

// LatestFeatures are the newest levels that this program knows, with which it
// formats new clusters.
func LatestFeatures() []Feature {
	return []Feature{{MetadataFeature, 3}, {WALFeature, 1}, {ObjectFeature, 1}}
}

// needLevel refuses what is possible from a level of [MetadataFeature] on, while
// the cluster is below it: a submitter asks first, as programs that do not know a
// command would not get past it.
func (img *Image) needLevel(needed int16, what string) *Refusal {
	level := img.FeatureLevel(MetadataFeature)
	if level >= needed {
		return nil
	}
	return refuse(Unsupported, "%s is at level %d, and %s from level %d on: once no node runs an older program, "+
		"raise it by 'kafka-features.sh --bootstrap-server HOST:PORT upgrade --feature %s=%d'",
		MetadataFeature, level, what, needed, MetadataFeature, needed)
}

// CheckFeatures returns an error if the cluster is at a level that this
// program does not know, of any of these features.
func CheckFeatures(img *Image) error {
	for _, known := range LatestFeatures() {
		if level := img.FeatureLevel(known.Name); level > known.Level {
			return fmt.Errorf("the cluster is at level %d of %s, this program knows up to %d: use a newer program",
				level, known.Name, known.Level)
		}
	}
	return nil
}
