package arm

import (
	"path/filepath"
	"strconv"
)

// Arm is a broker to be measured.
type Arm struct {
	// Name stands in tables.
	Name string
	// Ack says what an acknowledgement promises.
	Ack string
	// Keeps says that what was acknowledged can be read back.
	Keeps bool

	seawall   string   // the binary; empty for the others
	overrides []string // of properties
	store     string   // URL; empty: a folder of its own
	env       []string
	command   []string // with {dir} and {port}
	addr      string   // of a broker that runs already; nothing is started then
}

// The names of the arms.
const (
	NameNull      = "null broker"
	NameSeawall   = "Seawall"
	NameKafka     = "Apache Kafka"
	NameKafkaSync = "Apache Kafka, fsync"
	NameKlite     = "klite"
)

// Null is the floor: the bench binary itself, run as a broker that answers at
// once and keeps nothing.
func Null(bench string, partitions int) Arm {
	return Arm{
		Name: NameNull, Ack: "nothing",
		command: []string{bench, "-null-broker", "127.0.0.1:{port}", "-partitions", strconv.Itoa(partitions)},
	}
}

// Seawall is the broker of this repository, from the given binary, with
// properties overridden.
func Seawall(binary string, overrides ...string) Arm {
	return Arm{Name: NameSeawall, Ack: "durable in the WAL", Keeps: true, seawall: binary, overrides: overrides}
}

// WithStore is the same broker on another object store, with environment
// variables that let it in. It is for Seawall only.
func (a Arm) WithStore(url string, env ...string) Arm {
	a.store, a.env = url, env
	return a
}

// Remote is a broker that runs already, whatever and wherever it is. What it uses
// is not known.
func Remote(name, addr string) Arm {
	return Arm{Name: name, Ack: "whatever it promises", Keeps: true, addr: addr}
}

// Kafka is Apache Kafka by the script of conformance/, below the root of the
// checkout.
func Kafka(root string) Arm {
	return Arm{Name: NameKafka, Ack: "in the page cache", Keeps: true, command: []string{kafkaScript(root), "{dir}", "{port}"}}
}

// KafkaSync is Apache Kafka with log.flush.interval.messages=1.
func KafkaSync(root string) Arm {
	return Arm{Name: NameKafkaSync, Ack: "durable by fsync", Keeps: true, command: []string{kafkaScript(root), "{dir}", "{port}", "--fsync"}}
}

func kafkaScript(root string) string { return filepath.Join(root, "conformance", "kafka", "up.sh") }

// Klite is klite from the given binary, without S3, with a log that is large
// enough to keep all.
func Klite(binary string) Arm {
	return Arm{
		Name: NameKlite, Ack: "durable by fsync", Keeps: true,
		command: []string{binary, "--listen", "127.0.0.1:{port}", "--data-dir", "{dir}", "--log-level", "warn", "--wal-max-disk-size", "34359738368"},
	}
}
