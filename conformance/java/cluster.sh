#!/usr/bin/env bash
# usage: java/cluster.sh
# Apache Kafka's own tools against three nodes of its own: the quorum, the cluster's id and
# nodes, feature levels, moves of leaders, elections; then one node is killed.
. "$(dirname "$0")/tools.sh"
need_seawall

# free_base: a port from which on all that seawall dev has three nodes listen on is free.
free_base() {
	local base of n
	while :; do
		base=$((20000 + RANDOM % 2000)) # all of them lie below the range that outgoing connections take theirs from
		for of in 0 3000 5000 10000; do # clients, admin, gossip, controllers
			for n in 0 1 2; do
				! (exec 3<>"/dev/tcp/127.0.0.1/$((base + of + n))") 2>/dev/null || continue 3
			done
		done
		echo "$base"
		return
	done
}

base=$(free_base)
"$SEAWALL" dev --nodes 3 --dir "$scratch/data" --listen "127.0.0.1:$base" --admin "127.0.0.1:$((base + 3000))" >"$scratch/nodes" 2>&1 &
nodes=$!
trap 'kill "$nodes" 2>/dev/null; wait "$nodes"; rm -rf "$scratch"' EXIT
up() {
	local deadline=$((SECONDS + 60))
	until grep -q "is up, 3 nodes" "$scratch/nodes"; do
		[ "$SECONDS" -lt "$deadline" ] && kill -0 "$nodes" 2>/dev/null || { cat "$scratch/nodes"; return 1; }
		sleep 0.1
	done
}
check "three nodes are up" up
address() { echo "127.0.0.1:$((base + $1 - 1))"; }
controller() { echo "127.0.0.1:$((base + 10000 + $1 - 1))"; }
b=(--bootstrap-server "$(address 1),$(address 2),$(address 3)")

# becomes COMMAND…: until it succeeds, at most half a minute.
becomes() {
	local deadline=$((SECONDS + 30))
	until "$@"; do [ "$SECONDS" -lt "$deadline" ] || return 1; done
}

# The quorum, as brokers and as controllers tell it.
status() { tool MetadataQuorumCommand "$@" describe --status; }
field() { sed -n "s/^$1: *//p" <<<"$2"; } # of a status
out=$(status "${b[@]}")
same "metadata-quorum: status: cluster" "$(cat "$scratch/data/cluster.id")" "$(field ClusterId "$out")"
leader=$(field LeaderId "$out") epoch=$(field LeaderEpoch "$out")
has "metadata-quorum: status: a leader and its epoch" "$leader $epoch" "^[123] [1-9][0-9]*$"
has "metadata-quorum: status: high watermark" "$(field HighWatermark "$out")" "^[1-9][0-9]*$"
has "metadata-quorum: status: how far the last one is behind" "$(field MaxFollowerLag "$out")" "^[0-9]+$"
same "metadata-quorum: status: three voters, where they listen" "$(for n in 1 2 3; do echo "$n CONTROLLER://$(controller "$n")"; done)" \
	"$(field CurrentVoters "$out" | python3 -c 'import json, sys; [print(v["id"], *v["endpoints"]) for v in json.load(sys.stdin)]')"
# agree: however the quorum is asked, as a busy machine may have an election between two looks.
agree() {
	local broker controller replication
	broker=$(status "${b[@]}" | grep -E '^Leader(Id|Epoch):')
	controller=$(status --bootstrap-controller "$(controller 2)" | grep -E '^Leader(Id|Epoch):')
	replication=$(tool MetadataQuorumCommand "${b[@]}" describe --replication | awk '$7 == "Leader" {print $1} $7 == "Follower" {f++} END {print f, "followers"}' | paste -sd' ')
	printf '%s\n' "$broker" "$controller" "$replication"
	[ "$broker" == "$controller" ] && [ "$replication" == "$(field LeaderId "$broker") 2 followers" ]
}
check "metadata-quorum: brokers, controllers and the replication tell of the same leader" becomes agree
same "metadata-quorum: replication: everybody has fetched and lags by little" "" \
	"$(tool MetadataQuorumCommand "${b[@]}" describe --replication |
		awk -v now="$(date +%s%3N)" 'NR > 1 && ($3 < 1 || $4 > 100 || now - $5 > 60000 || now - $6 > 60000)')"

# The cluster: its id and its nodes.
same "cluster: id" "Cluster ID: $(cat "$scratch/data/cluster.id")" "$(tool ClusterTool cluster-id "${b[@]}")"
same "cluster: endpoints" "$(for n in 1 2 3; do echo "$n $(address "$n") unfenced"; done)" \
	"$(tool ClusterTool list-endpoints "${b[@]}" | awk 'NR > 1 {print $1, $2 ":" $3, $5}')"
has "cluster: a node that is none is not unregistered" "$(tool ClusterTool unregister "${b[@]}" --id 9; cat "$scratch/stderr")" "Broker 9 is not registered"

# Feature levels.
levels() { tool FeatureCommand "${b[@]}" describe | sed -n "s/.*Feature: $1[[:space:]].*SupportedMaxVersion: \([0-9]*\).*FinalizedVersionLevel: \([0-9]*\).*/\1 \2/p"; }
feature() { tool FeatureCommand "${b[@]}" "$@"; cat "$scratch/stderr"; }
for name in seawall.metadata.version seawall.object.version seawall.wal.version; do
	read -r supported finalized <<<"$(levels "$name")"
	has "features: describe: $name" "$supported" "^[1-9]$"
	same "features: describe: $name: a new cluster has what is supported" "$supported" "$finalized"
done
read -r level _ <<<"$(levels seawall.metadata.version)"
has "features: upgrade to the level that it has" "$(feature upgrade --feature "seawall.metadata.version=$level")" "was upgraded to $level"
has "features: upgrade --dry-run" "$(feature upgrade --feature "seawall.metadata.version=$level" --dry-run)" "can be upgraded to $level"
has "features: a level that nobody knows is refused" "$(feature upgrade --feature "seawall.metadata.version=$((level + 1))")" "Could not upgrade"
has "features: a lower one is refused" "$(feature downgrade --feature "seawall.metadata.version=$((level - 1))")" "Could not downgrade"
has "features: an unknown one is refused" "$(feature upgrade --feature none.version=1)" "Could not upgrade"
same "features: nothing has changed" "$level $level" "$(levels seawall.metadata.version)"

# Moves: a plan, its execution, and what has come of it; records are there before and after.
topic=$(unique java-cluster)
tool TopicCommand "${b[@]}" --create --topic "$topic" --partitions 3 >/dev/null
seq 1 300 | tool ConsoleProducer "${b[@]}" --topic "$topic" >/dev/null
leaders() { tool TopicCommand "${b[@]}" --describe --topic "$topic" | sed -n 's/.*Partition: \([0-9]*\).*Leader: \([0-9]*\).*Replicas: \([0-9]*\).*Isr: \([0-9]*\).*/\1:\2\3\4/p' | paste -sd' '; }
same "reassign: a new topic is spread over the nodes" "111 222 333" "$(leaders | tr ' ' '\n' | sed 's/.*://' | sort | paste -sd' ')"
reassign() { tool reassign.ReassignPartitionsCommand "${b[@]}" "$@"; cat "$scratch/stderr"; }
plan() { # NODE…: the partitions from 0 on are to be led by these
	local p=0 list=
	for node in "$@"; do
		list+="${list:+,}{\"topic\":\"$topic\",\"partition\":$p,\"replicas\":[$node]}"
		p=$((p + 1))
	done
	echo "{\"version\":1,\"partitions\":[$list]}"
}
echo "{\"version\":1,\"topics\":[{\"topic\":\"$topic\"}]}" >"$scratch/topics.json"
out=$(reassign --generate --topics-to-move-json-file "$scratch/topics.json" --broker-list 1,2)
same "reassign: generate: only nodes that were named" "" "$(tail -n 1 <<<"$out" | grep -o '"replicas":\[[^]]*\]' | grep -v '\[[12]\]')"
plan 3 3 3 >"$scratch/plan.json"
has "reassign: execute" "$(reassign --execute --reassignment-json-file "$scratch/plan.json")" "Successfully started partition reassignments for $topic-0,$topic-1,$topic-2"
out=$(reassign --verify --reassignment-json-file "$scratch/plan.json")
for p in 0 1 2; do has "reassign: verify: partition $p" "$out" "Reassignment of partition $topic-$p is completed"; done
same "reassign: the leaders have moved" "0:333 1:333 2:333" "$(leaders)"
has "reassign: list: none under way" "$(reassign --list)" "No partition reassignments found"
plan 1 2 >"$scratch/plan.json"
has "reassign: execute: two elsewhere" "$(reassign --execute --reassignment-json-file "$scratch/plan.json")" "Successfully started"
same "reassign: the two have moved, the third has not" "0:111 1:222 2:333" "$(leaders)"
plan 9 >"$scratch/plan.json"
has "reassign: to a node that is none is refused" "$(reassign --execute --reassignment-json-file "$scratch/plan.json")" "Unknown broker id 9"
same "reassign: all records are there" "$(seq 1 300 | sort | sha256sum)" \
	"$(tool consumer.ConsoleConsumer "${b[@]}" --topic "$topic" --from-beginning --max-messages 300 --timeout-ms 20000 | sort | sha256sum)"

# Elections: there is one replica, so whoever lives is the preferred leader.
elect() { tool LeaderElectionCommand "${b[@]}" "$@"; cat "$scratch/stderr"; }
for type in preferred unclean; do
	has "leader-election: $type: not needed" "$(elect --election-type "$type" --topic "$topic" --partition 0)" "Valid replica already elected for partitions $topic-0"
done
same "leader-election: all partitions, none needs one" "" "$(elect --election-type preferred --all-topic-partitions | grep -iE "error|exception|could not")"
has "leader-election: of an unknown topic" "$(elect --election-type preferred --topic "$topic-none" --partition 0)" "UnknownTopicOrPartition"

# The leader of the quorum dies: another one is told, and so is the node that is gone.
out=$(status "${b[@]}")
leader=$(field LeaderId "$out") epoch=$(field LeaderEpoch "$out")
pid=$(awk -v n="$leader" '$1 == n && NF == 4 {print $4}' "$scratch/nodes")
kill -9 "$pid"
led_elsewhere() {
	out=$(status "${b[@]}")
	echo "$out"
	[[ $(field LeaderId "$out") =~ ^[123]$ && $(field LeaderId "$out") != "$leader" && $(field LeaderEpoch "$out") -gt $epoch ]]
}
fenced() { # the new controller gives everybody a whole session first
	out=$(tool ClusterTool list-endpoints "${b[@]}" --include-fenced-brokers)
	echo "$out"
	[ "$(awk '$5 == "fenced" {print $1}' <<<"$out")" == "$leader" ]
}
check "metadata-quorum: status: another leader, of a higher epoch, after kill -9" becomes led_elsewhere
check "cluster: endpoints: the node that is gone is fenced" becomes fenced
same "cluster: endpoints: two are left" 2 "$(tool ClusterTool list-endpoints "${b[@]}" | awk 'NR > 1 && $5 == "unfenced"' | wc -l)"
same "all records are still there" "$(seq 1 300 | sort | sha256sum)" \
	"$(tool consumer.ConsoleConsumer "${b[@]}" --topic "$topic" --from-beginning --max-messages 300 --timeout-ms 20000 | sort | sha256sum)"
plan "$leader" >"$scratch/plan.json"
same "reassign: to the node that is gone is refused" "" "$(reassign --execute --reassignment-json-file "$scratch/plan.json" | grep "Successfully")"
summary
