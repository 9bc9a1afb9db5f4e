package config

import "strings"

// nearest is the known property that may have been meant by name, or "".
func nearest(name string) string {
	var names []string
	for _, d := range All(Broker | PerTopic) {
		names = append(names, d.Name)
	}
	return Nearest(name, names)
}

// Nearest returns the one of known that is closest to name, or "" when none is
// close enough to be what was meant.
func Nearest(name string, known []string) string {
	if len(name) > 2*maxNameLength {
		return "" // nothing is near, and the distance would cost its length
	}
	best, bestDistance := "", len(name)/3+1
	for _, k := range known {
		if n := distance(name, k); n < bestDistance {
			best, bestDistance = k, n
		}
	}
	return best
}

// maxNameLength is about the length of the longest property name.
const maxNameLength = 64

// distance is the Levenshtein distance of two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// EnvName is the environment variable that sets the property name: "KAFKA_" and
// the name in capitals with "." as "_", "_" as "__" and "-" as "___".
func EnvName(name string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "_", "__", "-", "___").Replace(name))
}

const envPrefix = "KAFKA_"

// envProperty is the property that a variable names; ok is false when it names
// none.
func envProperty(variable string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(variable, envPrefix)
	if !ok || rest == "" || foreignVariables[variable] {
		return "", false
	}
	// Longest first: "___" is a dash, not an underscore and a dot.
	return strings.ToLower(strings.NewReplacer("___", "-", "__", "_", "_", ".").Replace(rest)), true
}

// foreignVariables begin with KAFKA_ and are for Kafka's start scripts and its
// container images, not properties.
var foreignVariables = map[string]bool{
	"KAFKA_OPTS": true, "KAFKA_HEAP_OPTS": true, "KAFKA_JMX_OPTS": true, "KAFKA_JMX_PORT": true,
	"KAFKA_LOG4J_OPTS": true, "KAFKA_GC_LOG_OPTS": true, "KAFKA_DEBUG": true, "KAFKA_HOME": true,
	"KAFKA_JVM_PERFORMANCE_OPTS": true, "KAFKA_VERSION": true,
}
