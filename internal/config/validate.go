package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"

	"github.com/seawallmq/seawall/internal/ids"
)

// minBudgetBytes is what a node cannot do without: two of the largest default
// requests would not even fit into less.
const minBudgetBytes = 64 << 20

// Validate checks what no property can check alone: that the values fit
// together, and that this version can do what they ask for. The error is a
// [Faults] with everything that is wrong.
func (c *Config) Validate() error {
	var faults Faults
	c.validate(&faults)
	return faults.orNil()
}

func (c *Config) validate(faults *Faults) {
	c.validateNode(faults)
	c.validateQuorum(faults)
	c.validateGossip(faults)
	c.validateListeners(faults)
	if c.Node.IsBroker {
		c.validateStorage(faults)
	}
	c.validateMemory(faults)

	if c.Group.SessionTimeoutMin > c.Group.SessionTimeoutMax {
		faults.add("group.min.session.timeout.ms", strconv.FormatInt(c.Group.SessionTimeoutMin.Milliseconds(), 10),
			"is more than group.max.session.timeout.ms", "")
	}
}

func (c *Config) validateNode(faults *Faults) {
	n := &c.Node
	if n.ID < 0 {
		faults.add("node.id", "", "is required", "give each node a number of its own, for example node.id=1")
	}
	if !path.IsAbs(n.DataDir) {
		faults.add("log.dirs", n.DataDir, "must be the absolute path of a directory", "")
	}
	if !path.IsAbs(n.MetadataDir) {
		faults.add("metadata.log.dir", n.MetadataDir, "must be the absolute path of a directory", "")
	}
}

// validateQuorum checks that a node knows its controllers, and a controller the
// others.
func (c *Config) validateQuorum(faults *Faults) {
	const property = "controller.quorum.voters"
	n, voters := &c.Node, c.Controller.Voters
	listed := slices.ContainsFunc(voters, func(v Voter) bool { return v.ID == int32(n.ID) })
	text := ""
	if _, explicit := c.set[property]; explicit {
		text = reader(c.effective).text(property)
	}
	switch {
	case n.ID < 0: // reported
	case !n.IsController && len(voters) == 0 && len(c.Controller.Bootstrap) == 0 && len(c.Gossip.Seeds) == 0:
		faults.add(property, text, "names nobody, and this node is no controller",
			"write the controllers, for example controller.quorum.voters=1@host1:9093,2@host2:9093,3@host3:9093")
	case !n.IsController && listed:
		faults.add(property, text, fmt.Sprintf("names this node, %d, which is no controller by process.roles", n.ID), "")
	case n.IsController && len(voters) > 0 && !listed:
		faults.add(property, text, fmt.Sprintf("does not name this node, whose node.id is %d", n.ID), "")
	}
	if n.IsController && len(voters) != 1 && len(c.Network.ControllerListeners) == 0 {
		faults.add("listeners", "", "names no listener for controllers, and this node is one of several",
			"add one of controller.listener.names, for example CONTROLLER://:9093")
	}
	if n.IsController && len(voters) > 1 && n.ClusterID == "" {
		faults.add("cluster.id", "", "is required with several controllers, the same on every node",
			drawClusterID)
	}
	if n.ClusterID != "" {
		if _, err := ids.ParseUUID(n.ClusterID); err != nil {
			faults.add("cluster.id", n.ClusterID, "must be 22 characters of base64, or 32 of hex", drawClusterID)
		}
	}
	if l := c.Lease; l.Session < 2*l.Interval {
		faults.add("broker.session.timeout.ms", strconv.FormatInt(l.Session.Milliseconds(), 10),
			"is less than twice broker.heartbeat.interval.ms", "")
	}
}

func (c *Config) validateListeners(faults *Faults) {
	n := &c.Network
	if c.Node.IsBroker && len(n.Listeners) == 0 {
		faults.add("listeners", "", "names no listener for clients", "write listeners=PLAINTEXT://:9092,CONTROLLER://:9093")
	}
	if !c.Node.IsBroker && len(n.Listeners) > 0 {
		faults.add("listeners", n.Listeners[0].String(), "is for clients, and this node is no broker by process.roles", "")
	}
	if !c.Node.IsController && len(n.ControllerListeners) > 0 {
		faults.add("listeners", n.ControllerListeners[0].String(), "is for controllers, and this node is none by process.roles", "")
	}
	if c.Node.IsBroker && !slices.ContainsFunc(n.Listeners, func(l Listener) bool { return l.Name == n.InterBroker }) && len(n.Listeners) > 0 {
		faults.add("inter.broker.listener.name", n.InterBroker, "is not among the listeners for clients and brokers", "")
	}
	addresses := map[string]string{}
	for _, l := range slices.Concat(n.Listeners, n.ControllerListeners) {
		if other, taken := addresses[l.Addr()]; taken && l.Port != 0 {
			faults.add("listeners", l.String(), "has the address of "+other, "give each listener a port of its own")
		}
		addresses[l.Addr()] = l.Name
	}
	bound := map[string]Listener{}
	for _, l := range n.Listeners {
		bound[l.Name] = l
	}
	for _, a := range n.Advertised {
		l, exists := bound[a.Name]
		switch {
		case !exists:
			faults.add("advertised.listeners", a.String(), "is not among the listeners for clients", "")
		case a.Wildcard():
			faults.add("advertised.listeners", a.String(), "is no address that a client could connect to",
				"name one that clients reach, for example advertised.listeners="+a.Name+"://broker1.example.net:9092")
		case a.Port == 0 && l.Port != 0:
			faults.add("advertised.listeners", a.String(), "has port 0, but the listener has not", "")
		}
		delete(bound, a.Name)
	}
	for _, name := range sortedKeys(bound) {
		faults.add("advertised.listeners", "", "says nothing of the listener "+name, "")
	}
}

func (c *Config) validateStorage(faults *Faults) {
	if c.Store.URL == "" {
		faults.add("s3.data.buckets", "", "is required",
			"write s3.data.buckets=0@s3://bucket?region=… or 0@file:///path")
	}
	c.validateDirect(faults)
	if c.WAL.Kind == "" {
		faults.add("s3.wal.path", "", "is required", "write s3.wal.path=0@file:///path?capacity=10GiB")
	}
	if limit := c.WAL.CapacityBytes / 2; c.WAL.CapacityBytes > 0 && c.Upload.ThresholdBytes > limit {
		faults.add("s3.wal.upload.threshold", strconv.FormatInt(c.Upload.ThresholdBytes, 10),
			fmt.Sprintf("is more than half of the WAL's capacity of %s", FormatSize(c.WAL.CapacityBytes)),
			fmt.Sprintf("lower it to at most %d, or raise the capacity", limit))
	}
	if int64(c.Object.BlockBytes) > c.Object.PartBytes {
		faults.add("s3.object.block.size", strconv.Itoa(c.Object.BlockBytes), "is more than s3.object.part.size", "")
	}
}

func (c *Config) validateMemory(faults *Faults) {
	budget := c.Memory.BudgetBytes
	if budget < minBudgetBytes {
		faults.add("memory.budget.bytes", strconv.FormatInt(budget, 10),
			fmt.Sprintf("is too little: a node needs %d", minBudgetBytes), "")
		return
	}
	if sum := c.Cache.LogBytes + c.Cache.BlockBytes + c.Network.QueuedBytesMax; sum > budget {
		faults.add("memory.budget.bytes", strconv.FormatInt(budget, 10),
			fmt.Sprintf("is less than s3.wal.cache.size + s3.block.cache.size + queued.max.request.bytes = %d", sum),
			"raise it, or lower those")
	}
	batchMax := c.batchBytesMax()
	if batchMax > int64(c.Network.RequestBytesMax) {
		faults.add("message.max.bytes", strconv.FormatInt(batchMax, 10), "is more than socket.request.max.bytes", "")
	}
	if limit := c.WAL.CapacityBytes / 4; c.WAL.CapacityBytes > 0 && batchMax > limit {
		faults.add("message.max.bytes", strconv.FormatInt(batchMax, 10),
			fmt.Sprintf("is more than a quarter of the WAL's capacity of %s", FormatSize(c.WAL.CapacityBytes)), "")
	}
}

// batchBytesMax is message.max.bytes, the default of every topic's bound.
func (c *Config) batchBytesMax() int64 {
	return reader(c.effective).long("message.max.bytes")
}
