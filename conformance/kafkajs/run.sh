#!/usr/bin/env bash
# usage: BOOTSTRAP=host:port kafkajs/run.sh
# kafkajs, which frames and groups by its own old rules.
. "$(dirname "$0")/../lib.sh"
: "${BOOTSTRAP:?set it to host:port of a broker}"
KAFKAJS=2.2.4
modules=$CACHE/kafkajs-$KAFKAJS

install_kafkajs() {
	[ ! -e "$modules/complete" ] || return 0
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$modules" "kafkajs@$KAFKAJS" && touch "$modules/complete"
}
command -v node >/dev/null && command -v npm >/dev/null || stop_without node "Node.js and npm (Debian: nodejs npm)"
lock kafkajs install_kafkajs || stop_without "kafkajs $KAFKAJS" "the npm package kafkajs"
NODE_PATH=$modules/node_modules exec timeout 180 node "$CONFORMANCE/kafkajs/client.js"
