package config

import (
	"fmt"
	"path"
	"strings"
)

// ClusterNode is where one of several nodes on one machine listens, each as
// host:port. Gossip and Admin may be empty for none.
type ClusterNode struct {
	ID                               int
	Kafka, Controller, Gossip, Admin string
}

// Every node of a cluster on one machine has these to itself.
const (
	clusterWALCapacity  = 512 << 20
	clusterMemoryBudget = 512 << 20
)

// DevClusterDefaults is the profile of one node of `seawall dev --nodes`: each
// is broker and controller, has a directory in dir, which must be absolute, and
// reaches the WALs of the others, which lie beside its own. cluster is the
// cluster's id; store is as in [DevDefaults], one for all.
func DevClusterDefaults(dir, cluster, store string, self ClusterNode, all []ClusterNode) map[string]string {
	name := fmt.Sprintf("node-%d", self.ID)
	properties := DevDefaults(dir, self.Kafka, self.Admin, store)
	wal := WAL{Kind: WALFile, Path: path.Join(dir, "wal", name), CapacityBytes: clusterWALCapacity,
		IODepth: defaultIODepth, FenceKind: FenceShared}
	var voters, seeds []string
	for _, n := range all {
		voters = append(voters, fmt.Sprintf("%d@%s", n.ID, n.Controller))
		if n.ID != self.ID && n.Gossip != "" {
			seeds = append(seeds, n.Gossip)
		}
	}
	for k, v := range map[string]string{
		"process.roles":            "broker,controller",
		"node.id":                  fmt.Sprint(self.ID),
		"cluster.id":               cluster,
		"controller.quorum.voters": strings.Join(voters, ","),
		"listeners":                "PLAINTEXT://" + self.Kafka + ",CONTROLLER://" + self.Controller,
		"gossip.listener":          self.Gossip,
		"gossip.seeds":             strings.Join(seeds, ","),
		"log.dirs":                 path.Join(dir, name),
		"s3.wal.path":              wal.URL(),
		"memory.budget.bytes":      fmt.Sprint(clusterMemoryBudget),
		"num.partitions":           fmt.Sprint(len(all)),
	} {
		properties[k] = v
	}
	return properties
}
