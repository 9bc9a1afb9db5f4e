# Sourced by the scripts of this folder: Apache Kafka's tools, and a scratch folder.

. "$(dirname "$0")/../lib.sh"
need_kafka
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# tool CLASS ARGUMENT…: one of Kafka's tools, at most a minute; what it says on stderr is kept apart.
tool() {
	local class=$1
	shift
	timeout -k 5 "${TOOL_SECONDS:-60}" java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$KAFKA_JARS/*" \
		"org.apache.kafka.tools.$class" "$@" 2>"$scratch/stderr"
}
