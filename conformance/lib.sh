# Sourced by every script of this folder: where things are cached, how a check is
# reported, how a server is waited for. Not run by itself.
#
# A script reports each check on a line, PASS or FAIL, and ends with `summary`,
# which prints "N passed, N failed" and fails when anything did. Nothing is ever
# skipped: what a script needs and cannot install is a failure that says so.

set -uo pipefail

CONFORMANCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$CONFORMANCE")
CACHE=$ROOT/.cache/conformance
KAFKA_VERSION=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$CONFORMANCE/kafka/pom.xml")
KAFKA_JARS=$CACHE/kafka-$KAFKA_VERSION
mkdir -p "$CACHE"

passed=0
failed=0

pass() { passed=$((passed + 1)); echo "PASS $*"; }

# fail NAME [WHY]: WHY may have many lines; they are indented below the name.
fail() {
	failed=$((failed + 1))
	echo "FAIL $1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | tail -n 30 | sed 's/^/     | /'
}

# check NAME COMMAND…: passes when the command succeeds; its output is the reason when not.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then pass "$name"; else fail "$name" "$out"; fi
}

# same NAME WANT GOT: passes when both are equal.
same() {
	if [ "$2" == "$3" ]; then pass "$1"; else fail "$1" "$(printf 'want: %s\ngot:  %s' "$2" "$3")"; fi
}

# has NAME TEXT PATTERN: passes when a line of TEXT matches the extended regular expression.
has() {
	if grep -qE -- "$3" <<<"$2"; then pass "$1"; else fail "$1" "$(printf 'no line matches: %s\nin: %s' "$3" "$2")"; fi
}

summary() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

# stop_without WHAT HOW: a missing prerequisite, reported as the one failure of the script.
stop_without() {
	fail "prerequisite: $1" "missing: $2"
	summary
	exit 1
}

# lock NAME COMMAND…: runs a command while no other run of these scripts does the same.
lock() {
	local name=$1
	shift
	(flock 9 && "$@") 9>"$CACHE/$name.lock"
}

# free_port: a TCP port of 127.0.0.1 that nobody listens on just now.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000)) # below the range that outgoing connections take theirs from
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}

# wait_port HOST:PORT SECONDS [PID]: until something listens; fails at once when PID has ended.
wait_port() {
	local host=${1%:*} port=${1##*:} deadline=$((SECONDS + $2))
	until (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		[ -z "${3:-}" ] || kill -0 "$3" 2>/dev/null || return 1
		sleep 0.1
	done
}

# unique PREFIX: a name for a topic or group that no earlier run has used.
unique() { echo "$1-$(date +%s)-$$-$RANDOM"; }

need_java() {
	command -v java >/dev/null || stop_without java "a Java 17 runtime (Debian: openjdk-17-jre-headless)"
	local major
	major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
	[ "${major:-0}" -ge 17 ] || stop_without java "Java 17 or newer; the java command on the path is version ${major:-unknown}"
}

fetch_kafka() {
	[ ! -e "$KAFKA_JARS/complete" ] || return 0
	mvn -q -B -f "$CONFORMANCE/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$KAFKA_JARS" &&
		touch "$KAFKA_JARS/complete"
}

# need_kafka: the jars of Apache Kafka in KAFKA_JARS.
need_kafka() {
	need_java
	[ -e "$KAFKA_JARS/complete" ] || command -v mvn >/dev/null || stop_without mvn "Maven (Debian: maven)"
	lock kafka fetch_kafka || stop_without "Apache Kafka $KAFKA_VERSION" "its jars, which Maven could not fetch"
}

# kafka_java CLASS ARGUMENT…: runs a main class of Apache Kafka; warnings and errors go to stderr.
kafka_java() {
	java ${KAFKA_OPTS:--Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1} \
		-Dorg.slf4j.simpleLogger.defaultLogLevel="${KAFKA_LOG_LEVEL:-warn}" \
		-cp "$KAFKA_JARS/*" "$@"
}

# need_seawall: the broker built into SEAWALL.
need_seawall() {
	command -v go >/dev/null || stop_without go "Go $(awk '$1 == "go" {print $2}' "$ROOT/go.mod")"
	SEAWALL=${SEAWALL:-$ROOT/seawall}
	[ "$SEAWALL" != "$ROOT/seawall" ] || check "build seawall" make -s -C "$ROOT" build
	[ -x "$SEAWALL" ] || stop_without seawall "the binary $SEAWALL"
}
