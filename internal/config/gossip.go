package config

import (
	"encoding/base64"
	"errors"
)

// parseGossipKey reads the key of the gossip; "" is none.
func parseGossipKey(value string) ([]byte, error) {
	if value == "" {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errors.New("must be base64")
	}
	switch len(key) {
	case 16, 24, 32:
		return key, nil
	}
	return nil, errors.New("must be 16, 24 or 32 bytes in base64")
}

func checkGossipKey(value string) error {
	_, err := parseGossipKey(value)
	return err
}

// validateGossip checks what the gossip needs beside its own properties.
func (c *Config) validateGossip(faults *Faults) {
	g := &c.Gossip
	switch {
	case g.Listener != "" && c.Node.ClusterID == "":
		faults.add("cluster.id", "", "is required with gossip.listener, the same on every node", drawClusterID)
	case g.Listener == "" && len(g.Seeds) > 0:
		faults.add("gossip.listener", "", "is required with gossip.seeds", "for example gossip.listener=:7946")
	}
}

// drawClusterID says how a cluster gets its id.
const drawClusterID = "draw one once, for example by: head -c 16 /dev/urandom | basenc --base64url | cut -c 1-22"
