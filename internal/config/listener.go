package config

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Listener is one address that the node listens on or tells clients of.
type Listener struct {
	Name     string // capitals, as in "PLAINTEXT"
	Protocol string // security protocol; this version speaks PLAINTEXT only
	Host     string // "" is every address
	Port     int    // 0 is one that the system chooses
}

// Addr is host:port, as dialling and listening want it.
func (l Listener) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// String is the listener as the property spells it.
func (l Listener) String() string { return l.Name + "://" + l.Addr() }

// Wildcard says whether the host stands for every address of the machine, so
// that no client could be told of it.
func (l Listener) Wildcard() bool { return l.Host == "" || l.Host == "0.0.0.0" || l.Host == "::" }

// Voter is one controller of the quorum.
type Voter struct {
	ID   int32
	Host string
	Port int
}

// Addr is host:port of the voter's controller listener.
func (v Voter) Addr() string { return net.JoinHostPort(v.Host, strconv.Itoa(v.Port)) }

// String is the voter as the property spells it.
func (v Voter) String() string { return fmt.Sprintf("%d@%s", v.ID, v.Addr()) }

// parseListeners reads a list of NAME://host:port, with the protocol of each
// name by protocols.
func parseListeners(value string, protocols map[string]string) ([]Listener, error) {
	var listeners []Listener
	names := map[string]bool{}
	for _, e := range SplitList(value) {
		name, address, found := strings.Cut(e, "://")
		if !found || name == "" {
			return nil, fmt.Errorf("%q must be NAME://host:port", e)
		}
		name = strings.ToUpper(name)
		host, port, err := splitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", e, err)
		}
		if names[name] {
			return nil, fmt.Errorf("names %s twice", name)
		}
		names[name] = true
		protocol, known := protocols[name]
		if !known {
			return nil, fmt.Errorf("listener.security.protocol.map gives %s no protocol", name)
		}
		if protocol != "PLAINTEXT" {
			return nil, fmt.Errorf("%s has the protocol %s, this version speaks PLAINTEXT only", name, protocol)
		}
		listeners = append(listeners, Listener{name, protocol, host, port})
	}
	return listeners, nil
}

// parseProtocolMap reads NAME:PROTOCOL pairs.
func parseProtocolMap(value string) (map[string]string, error) {
	m := map[string]string{}
	for _, e := range SplitList(value) {
		name, protocol, found := strings.Cut(strings.ToUpper(e), ":")
		switch protocol {
		case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
		default:
			found = false
		}
		if !found || name == "" {
			return nil, fmt.Errorf("%q must be NAME:PROTOCOL with one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", e)
		}
		m[name] = protocol
	}
	return m, nil
}

// parseVoters reads id@host:port elements.
func parseVoters(value string) ([]Voter, error) {
	var voters []Voter
	for _, e := range SplitList(value) {
		id, address, found := strings.Cut(e, "@")
		n, err := strconv.ParseInt(id, 10, 32)
		if !found || err != nil || n < 0 {
			return nil, fmt.Errorf("%q must be id@host:port", e)
		}
		host, port, err := splitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", e, err)
		}
		for _, v := range voters {
			if v.ID == int32(n) {
				return nil, fmt.Errorf("names voter %d twice", n)
			}
		}
		voters = append(voters, Voter{int32(n), host, port})
	}
	return voters, nil
}

// splitHostPort reads host:port, where the host may be empty and an IPv6
// address stands in brackets.
func splitHostPort(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, errors.New("must be host:port")
	}
	p, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no port", digits)
	}
	return host, int(p), nil
}

func checkHostPort(value string) error {
	if value == "" {
		return nil
	}
	_, _, err := splitHostPort(value)
	return err
}

func checkHostPorts(value string) error {
	for _, e := range SplitList(value) {
		if _, _, err := splitHostPort(e); err != nil {
			return fmt.Errorf("%q: %w", e, err)
		}
	}
	return nil
}
