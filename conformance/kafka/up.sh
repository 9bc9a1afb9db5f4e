#!/usr/bin/env bash
# usage: kafka/up.sh DIR PORT [--fsync]
#
# Runs Apache Kafka (one node, broker and controller) on 127.0.0.1:PORT with its
# data in DIR, formatted unless it was, until it is killed: the process becomes the broker, so
# its id is the broker's. Prints "ready" once the port answers. As Kafka is shipped it
# acknowledges before data is on the disk; --fsync makes it flush every message
# first, which is the fair comparison with a broker that always does.
# KAFKA_HEAP (1g) is the heap; KAFKA_EXTRA adds lines to server.properties.
. "$(dirname "$0")/../lib.sh"
[ $# -ge 2 ] || { sed -n 's/^# //; 2p' "$0"; exit 2; }
dir=$1 port=$2
need_kafka
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)

cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
${KAFKA_EXTRA:-}
PROPERTIES
[ "${3:-}" != --fsync ] || echo "log.flush.interval.messages=1" >>"$dir/server.properties"

if [ ! -e "$dir/data/meta.properties" ]; then
	kafka_java kafka.tools.StorageTool format -t c2Vhd2FsbC1jb25mb3JtYQ -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
		{ cat "$dir/format.log"; exit 1; }
fi
(wait_port "127.0.0.1:$port" 60 $$ && echo ready) &
exec java -Xms"${KAFKA_HEAP:-1g}" -Xmx"${KAFKA_HEAP:-1g}" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
	-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$KAFKA_JARS/*" \
	kafka.Kafka "$dir/server.properties" >"$dir/server.log" 2>&1
