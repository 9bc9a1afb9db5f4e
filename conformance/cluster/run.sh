#!/usr/bin/env bash
# usage: cluster/run.sh [FLAG…]
# Breaks a cluster of real processes under load; the flags are those of go run ./conformance/cluster -h.
. "$(dirname "$0")/../lib.sh"
need_seawall
cd "$ROOT" && go build -o "$CACHE/bin/cluster" ./conformance/cluster || stop_without cluster "a build of conformance/cluster"
exec "$CACHE/bin/cluster" -seawall "$SEAWALL" "$@"
