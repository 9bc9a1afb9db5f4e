#!/usr/bin/env bash
# usage: [BOOTSTRAP=host:port] conformance/run.sh [NAME…]
#
# Runs real clients and outside suites against a broker: the one at BOOTSTRAP, or else
# a fresh Seawall in a temporary folder. Without names, all of them. Those of own_broker
# start and kill brokers of their own, so they run only when BOOTSTRAP is not set.
# docs/conformance.md says what each covers and needs.
. "$(dirname "$0")/lib.sh"

clients=(kcat java confluent kafka-python aiokafka kafkajs kgo)
own_broker=(java-cluster kill9 kill9-direct kill9-diskless storedown diskless diskless-wal diskless-switch cluster cluster-direct volumes abandon)
names=("$@")
if [ "$#" -eq 0 ]; then
	names=("${clients[@]}")
	[ -n "${BOOTSTRAP:-}" ] || names+=("${own_broker[@]}")
fi

work=$(mktemp -d)
broker=
stop() {
	if [ -n "$broker" ]; then kill "$broker" 2>/dev/null && wait "$broker" 2>/dev/null; fi
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

start_seawall() {
	need_seawall
	local port admin
	port=$(free_port) admin=$(free_port)
	"$SEAWALL" dev --dir "$work/data" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin" >"$work/broker.log" 2>&1 &
	broker=$!
	export BOOTSTRAP=127.0.0.1:$port
	wait_port "$BOOTSTRAP" 30 "$broker" || { tail -n 30 "$work/broker.log"; stop_without "a running seawall" "an answer at $BOOTSTRAP"; }
}

run_piece() {
	case $1 in
	kill9) "$CONFORMANCE/kill9/run.sh" ;;
	kill9-direct) ROUNDS=${ROUNDS:-10} "$CONFORMANCE/kill9/run.sh" -direct ;;
	kill9-diskless) ROUNDS=${ROUNDS:-10} "$CONFORMANCE/kill9/run.sh" -diskless ;;
	storedown) "$CONFORMANCE/storedown/run.sh" ;;
	diskless) "$CONFORMANCE/diskless/run.sh" -faults 16 ;;
	diskless-wal) "$CONFORMANCE/diskless/run.sh" -faults 16 -wal ;;
	diskless-switch) "$CONFORMANCE/diskless/run.sh" -switch 4 ;;
	cluster) "$CONFORMANCE/cluster/run.sh" ;;
	cluster-direct) "$CONFORMANCE/cluster/run.sh" -diskless -rounds 5 -kill 2 -moves 3 ;;
	volumes) "$CONFORMANCE/cluster/run.sh" -volumes 3 ;;
	abandon) "$CONFORMANCE/cluster/run.sh" -abandon 3 ;;
	kgo) "$CONFORMANCE/kgo/run.sh" ;;
	kgo-chaos) "$CONFORMANCE/kgo/run.sh" --chaos ;;
	kcat) "$CONFORMANCE/kcat/run.sh" ;;
	java-cluster) "$CONFORMANCE/java/cluster.sh" ;;
	java) "$CONFORMANCE/java/run.sh" ;;
	kafkajs) "$CONFORMANCE/kafkajs/run.sh" ;;
	confluent | kafka-python | aiokafka) "$CONFORMANCE/python/run.sh" "$1" ;;
	*) echo "unknown: $1; known: ${clients[*]} kgo-chaos ${own_broker[*]}"; return 1 ;;
	esac
}

table=()
for name in "${names[@]}"; do
	case " ${own_broker[*]} " in
	*" $name "*) [ -z "${BOOTSTRAP:-}" ] || [ -n "$broker" ] || { fail "$name" "it starts its own broker: run it without BOOTSTRAP"; continue; } ;;
	*) [ -n "${BOOTSTRAP:-}" ] || start_seawall ;;
	esac
	echo "== $name"
	began=$SECONDS
	run_piece "$name" 2>&1 | tee "$work/$name.out"
	status=${PIPESTATUS[0]}
	closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/$name.out" | tail -n 1)
	read -r p _ f _ <<<"${closing:-0 passed, 0 failed}"
	# A piece that ends badly without having counted it has failed too.
	[ "$status" -eq 0 ] || [ "$f" -gt 0 ] || { f=1; echo "FAIL $name ended with status $status"; }
	[ -n "$closing" ] || [ "$f" -gt 0 ] || { f=1; echo "FAIL $name ended without a summary"; }
	passed=$((passed + p)) failed=$((failed + f))
	table+=("$(printf '%-14s %5d passed %5d failed %5d s' "$name" "$p" "$f" "$((SECONDS - began))")")
	if [ -n "$broker" ] && ! kill -0 "$broker" 2>/dev/null; then
		fail "seawall stayed alive during $name" "$(tail -n 30 "$work/broker.log")"
		broker=
		start_seawall
	fi
done

echo "== conformance"
printf '%s\n' "${table[@]}"
if [ -n "$broker" ]; then
	kill "$broker"
	wait "$broker" # its exit status: SIGTERM drains and exits 0
	same "seawall exits 0 on SIGTERM" 0 $?
	broker=
fi
summary
