package config

import (
	"path"
	"slices"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
)

// build fills the typed groups from the effective values. It reports what it
// cannot parse; what does not fit together is the matter of validate.
func (c *Config) build(faults *Faults) {
	r := reader(c.effective)
	c.buildNode(r)
	c.buildNetwork(r, faults)
	c.Controller = Controller{Bootstrap: r.list("controller.quorum.bootstrap.servers"), Voters: c.voters(r, faults)}
	c.Lease = Lease{Interval: r.duration("broker.heartbeat.interval.ms"), Session: r.duration("broker.session.timeout.ms")}
	c.Balance = Balance{
		Enabled: r.flag("autobalancer.controller.enable"), Interval: r.duration("autobalancer.controller.anomaly.detect.interval.ms"),
		BytesInFloor:  r.long("autobalancer.controller.network.in.usage.distribution.detect.threshold"),
		BytesOutFloor: r.long("autobalancer.controller.network.out.usage.distribution.detect.threshold"),
		RequestsFloor: r.long("autobalancer.controller.request.usage.distribution.detect.threshold"),
	}
	c.Admin.Addr = r.text("admin.listener")
	c.Gossip = Gossip{Listener: r.text("gossip.listener"), Seeds: r.list("gossip.seeds")}
	c.Gossip.Key, _ = parseGossipKey(r.text("gossip.encryption.key")) // was checked as the property's value
	c.buildStorage(r)
	c.buildMemory(r)
	c.Topics = Topics{
		NumPartitions:          r.int("num.partitions"),
		ReplicationFactor:      r.int("default.replication.factor"),
		AutoCreate:             r.flag("auto.create.topics.enable"),
		DeleteEnable:           r.flag("delete.topic.enable"),
		RetentionCheckInterval: r.duration("log.retention.check.interval.ms"),
		ProducerIDExpiration:   r.duration("producer.id.expiration.ms"),
		ProducerIDCheckEvery:   r.duration("producer.id.expiration.check.interval.ms"),
	}
	c.Offsets = Offsets{
		NumPartitions:          r.int("offsets.topic.num.partitions"),
		MetadataBytesMax:       r.int("offset.metadata.max.bytes"),
		Retention:              r.duration("offsets.retention.minutes"),
		RetentionCheckInterval: r.duration("offsets.retention.check.interval.ms"),
	}
	c.Group = Group{
		SessionTimeoutMin:     r.duration("group.min.session.timeout.ms"),
		SessionTimeoutMax:     r.duration("group.max.session.timeout.ms"),
		InitialRebalanceDelay: r.duration("group.initial.rebalance.delay.ms"),
		SizeMax:               r.int("group.max.size"),
	}
}

func (c *Config) buildNode(r reader) {
	roles := r.list("process.roles")
	c.Node = Node{
		ID:           ids.NodeID(-1),
		IsBroker:     slices.Contains(roles, "broker"),
		IsController: slices.Contains(roles, "controller"),
		Rack:         r.text("broker.rack"),
		ClusterID:    r.text("cluster.id"),
		MetadataDir:  r.text("metadata.log.dir"),
	}
	if r.text("node.id") != "" {
		c.Node.ID = ids.NodeID(r.int("node.id"))
	}
	if dirs := r.list("log.dirs"); len(dirs) > 0 {
		c.Node.DataDir = dirs[0]
	}
	if c.Node.MetadataDir == "" {
		c.Node.MetadataDir = c.Node.DataDir
	}
}

func (c *Config) buildNetwork(r reader, faults *Faults) {
	parse := func(property string, protocols map[string]string) []Listener {
		listeners, err := parseListeners(r.text(property), protocols)
		if err != nil {
			faults.add(property, r.text(property), err.Error(), "")
		}
		return listeners
	}
	protocols, err := parseProtocolMap(r.text("listener.security.protocol.map"))
	if err != nil {
		faults.add("listener.security.protocol.map", r.text("listener.security.protocol.map"), err.Error(), "")
	}
	forControllers := r.list("controller.listener.names")

	n := &c.Network
	_, explicit := c.set["listeners"]
	for _, l := range parse("listeners", protocols) {
		switch forController := slices.Contains(forControllers, l.Name); {
		case !explicit && (forController && !c.Node.IsController || !forController && !c.Node.IsBroker):
			// The default names one of each kind.
		case forController:
			n.ControllerListeners = append(n.ControllerListeners, l)
		default:
			n.Listeners = append(n.Listeners, l)
		}
	}
	n.InterBroker = strings.ToUpper(r.text("inter.broker.listener.name"))
	if n.InterBroker == "" && len(n.Listeners) > 0 {
		n.InterBroker = n.Listeners[0].Name
	}
	n.Advertised = parse("advertised.listeners", protocols)
	if len(n.Advertised) == 0 {
		for _, l := range n.Listeners {
			if l.Host == "" {
				l.Host = c.facts.hostname
			}
			n.Advertised = append(n.Advertised, l)
		}
	}
	n.RequestBytesMax = r.int("socket.request.max.bytes")
	n.ConnectionsMax = r.int("max.connections")
	n.ConnectionsPerIPMax = r.int("max.connections.per.ip")
	n.ConnectionIdleMax = r.duration("connections.max.idle.ms")
	n.QueuedRequestsMax = r.int("queued.max.requests")
	n.FetchBytesMax = r.int("fetch.max.bytes")
	n.FetchSessionsMax = r.int("max.incremental.fetch.session.cache.slots")
	n.DescribePartsMax = r.int("max.request.partition.size.limit")
}

// voters reads the quorum. A controller that is told of no others is alone.
func (c *Config) voters(r reader, faults *Faults) []Voter {
	const property = "controller.quorum.voters"
	if _, explicit := c.set[property]; !explicit {
		if !c.Node.IsController || r.text("controller.quorum.bootstrap.servers") != "" || r.text("gossip.seeds") != "" {
			return nil
		}
		alone := Voter{ID: int32(c.Node.ID), Host: "localhost"}
		if ls := c.Network.ControllerListeners; len(ls) > 0 {
			alone.Host, alone.Port = ls[0].Host, ls[0].Port
			if ls[0].Wildcard() {
				alone.Host = c.facts.hostname
			}
		}
		return []Voter{alone}
	}
	voters, err := parseVoters(r.text(property))
	if err != nil {
		faults.add(property, r.text(property), err.Error(), "")
	}
	return voters
}

func (c *Config) buildStorage(r reader) {
	c.WALTimeout = r.duration("wal.write.timeout.ms")
	c.Upload.Interval = r.duration("s3.wal.upload.interval.ms")
	c.Upload.RescueTarget = r.duration("wal.rescue.target.ms")
	c.Object = Object{
		BlockBytes:      r.int("s3.object.block.size"),
		PartBytes:       r.long("s3.object.part.size"),
		SplitBytes:      r.long("s3.stream.object.split.size"),
		DeleteRetention: r.duration("s3.object.delete.retention.minutes"),
	}
	c.Store.URL = r.text("s3.data.buckets")
	c.Store.BandwidthMax = r.long("s3.network.baseline.bandwidth")
	c.WAL = WAL{
		Kind: WALFile, Path: path.Join(c.Node.DataDir, walFileName), CapacityBytes: defaultWALCapacity,
		IODepth: defaultIODepth, FenceKind: FenceExclusive,
	}
	if wal := r.text("s3.wal.path"); wal != "" {
		c.WAL, _ = ParseWALPath(wal) // was checked as the property's value
	}
	c.buildDirect(r)
	c.Rescue.AttachCommand = r.text("s3.wal.attach.command")
	c.Rescue.AttachTimeout = r.duration("s3.wal.attach.timeout.ms")
	if paths := r.list("s3.wal.rescue.paths"); len(paths) > 0 {
		for _, p := range paths {
			prefix, _ := rescuePrefix(p) // was checked as the property's value
			c.Rescue.Reach = append(c.Rescue.Reach, prefix)
		}
	} else if c.WAL.FenceKind == FenceShared || c.WAL.FenceKind == FenceReservation {
		c.Rescue.Reach = []string{locationPrefix(c.WAL.Kind, path.Dir(c.WAL.Path))}
	}
}

// walFileName is the WAL's file in the data directory, where nothing else is
// said.
const walFileName = "seawall.wal"

// buildMemory works out every -1. The fifth that is left of the budget is for
// what has no bound of its own in the configuration: answers, uploads, indexes.
func (c *Config) buildMemory(r reader) {
	orElse := func(name string, derived int64) int64 {
		if v := r.long(name); v >= 0 {
			return v
		}
		return derived
	}
	memory := c.facts.memoryBytes
	if memory <= 0 {
		memory = unknownMemoryBytes
	}
	budget := orElse("memory.budget.bytes", memory/2)
	c.Memory.BudgetBytes = budget
	c.Cache.LogBytes = orElse("s3.wal.cache.size", budget/5*2)
	c.Cache.BlockBytes = orElse("s3.block.cache.size", budget/5)
	c.Network.QueuedBytesMax = orElse("queued.max.request.bytes", budget/5)

	threshold := min(c.Cache.LogBytes/3, 128*mib)
	if c.WAL.CapacityBytes > 0 {
		threshold = min(threshold, c.WAL.CapacityBytes/4)
	}
	c.Upload.ThresholdBytes = orElse("s3.wal.upload.threshold", threshold)
}
