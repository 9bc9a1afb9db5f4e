package compare

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/internal/config"
)

// What a WAL is given: the space of a start's default, and on request no more than
// AWS gives with a gp3 volume, by which it is priced.
const (
	walCapacity = "4GiB"
	walBytes    = 4 << 30
	gp3Cap      = "&iops=3000&iobandwidth=125MiB"
)

// The names of profiles of simulated stores, and under which a result has them.
const (
	standardProfile = "s3-standard"
	expressProfile  = "s3-express"
	realStore       = "store"
)

// remotePrefix is that of an arm that runs already.
const remotePrefix = "kafka="

// contender is an arm by its name: how it is described and started.
type contender struct {
	spec result.ArmSpec
	// profile is that of the simulated store that it gets; empty for none.
	profile string
	// missing says why it cannot be measured here.
	missing string
	// wal is the value of s3.wal.path in a place; nil where it is not Seawall.
	wal func(place) string
	// raw says that it wants a raw device.
	raw    bool
	make   func(place) arm.Arm
	remote bool
}

// place is where a contender is to live.
type place struct {
	dir    string
	store  string // URL of its object store, empty without
	env    []string
	device string // raw, for wal-block
}

// kinds are the arms by name, but for those that run elsewhere.
var kinds = []struct {
	name string
	of   func(Means, string) contender
}{
	{"wal", func(m Means, _ string) contender { return m.onWAL("file") }},
	{"wal-block", func(m Means, _ string) contender {
		c := m.onWAL("block")
		c.raw = true
		return c
	}},
	{"wal-shared", func(m Means, _ string) contender { return m.onWAL("shared") }},
	{"s3-250ms", func(m Means, _ string) contender { return m.direct(standardProfile, "250ms", "8MiB") }},
	{"s3-50ms", func(m Means, _ string) contender { return m.direct(standardProfile, "50ms", "8MiB") }},
	{"express-25ms", func(m Means, _ string) contender { return m.direct(expressProfile, "25ms", "8MiB") }},
	{"kafka", func(m Means, _ string) contender { return m.kafka(arm.Kafka(m.Root)) }},
	{"kafka-fsync", func(m Means, _ string) contender {
		return m.kafka(arm.KafkaSync(m.Root), "log.flush.interval.messages=1")
	}},
	{"klite", func(m Means, _ string) contender {
		c := other(arm.Klite(m.Klite))
		if m.Klite == "" {
			c.missing = "no klite binary is named (--klite)"
		}
		return c
	}},
}

// Names are the arms that there are beside kafka=HOST:PORT.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// contenderOf finds an arm by its name.
func contenderOf(name string, m Means, seawall string) (contender, error) {
	if addr, ok := strings.CutPrefix(name, remotePrefix); ok {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return contender{}, fmt.Errorf("arm %s: write it as kafka=HOST:PORT", name)
		}
		c := other(arm.Remote(name, addr))
		c.spec.Name, c.remote = name, true
		return c, nil
	}
	i := slices.IndexFunc(kinds, func(k struct {
		name string
		of   func(Means, string) contender
	}) bool {
		return k.name == name
	})
	if i < 0 {
		if n := config.Nearest(name, Names()); n != "" {
			return contender{}, fmt.Errorf("no arm is named %q; did you mean %s?", name, n)
		}
		return contender{}, fmt.Errorf("no arm is named %q; there are %s and kafka=HOST:PORT", name, strings.Join(Names(), ", "))
	}
	c := kinds[i].of(m, seawall)
	c.spec.Name = name
	if c.wal != nil {
		c.make = func(p place) arm.Arm {
			return arm.Seawall(seawall, "s3.wal.path="+c.wal(p)).WithStore(p.store, p.env...)
		}
	}
	return c, nil
}

// other is a contender that is not Seawall.
func other(a arm.Arm) contender {
	return contender{spec: result.ArmSpec{Ack: a.Ack}, make: func(place) arm.Arm { return a }}
}

func (m Means) kafka(a arm.Arm, properties ...string) contender {
	c := other(a)
	c.spec.Properties = properties
	if _, err := os.Stat(filepath.Join(m.Root, "conformance", "kafka", "up.sh")); err != nil {
		c.missing = "the script that runs Apache Kafka is in the checkout (--root): " + err.Error()
	}
	return c
}

// seawall is a contender of this repository on a store.
func (m Means) seawall(profile, ack string) contender {
	c := contender{spec: result.ArmSpec{Ack: ack, Store: profile}, profile: profile}
	if m.StoreURL != "" {
		c.spec.Store, c.profile = realStore, ""
	}
	return c
}

// onWAL acknowledges from a WAL: on a file, a raw device, or a file with the
// fence of a shared one.
func (m Means) onWAL(kind string) contender {
	c := m.seawall(standardProfile, "durable in the WAL")
	limit := ""
	if !m.Uncapped {
		limit = gp3Cap
	}
	c.wal = func(p place) string {
		switch kind {
		case "block":
			return "0@block://" + p.device + "?" + strings.TrimPrefix(limit, "&")
		case "shared":
			return "0@file://" + filepath.Join(p.dir, "wal") + "?capacity=" + walCapacity + "&fence=shared" + limit
		}
		return "0@file://" + filepath.Join(p.dir, "wal") + "?capacity=" + walCapacity + limit
	}
	c.spec.Properties = []string{"s3.wal.path=" + c.wal(place{dir: "/…", device: orElse(m.WALDevice, "/dev/loop…")})}
	return c
}

// direct acknowledges from object storage.
func (m Means) direct(profile, interval, size string) contender {
	c := m.seawall(profile, "durable in object storage")
	c.spec.FromStore = true
	c.wal = func(p place) string {
		q := url.Values{"batchInterval": {interval}, "maxBytesInBatch": {size}}
		joint := "?"
		if strings.Contains(p.store, "?") {
			joint = "&"
		}
		return p.store + joint + q.Encode()
	}
	c.spec.Properties = []string{"s3.wal.path=" + c.wal(place{store: "0@s3://…"})}
	return c
}

// orElse is s, or another if s is empty.
func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
