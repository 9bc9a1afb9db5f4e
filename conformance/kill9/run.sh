#!/usr/bin/env bash
# usage: [ROUNDS=20] kill9/run.sh [FLAG…]
# Kills Seawall under load ROUNDS times; the flags are those of go run ./conformance/kill9 -h.
. "$(dirname "$0")/../lib.sh"
need_seawall
cd "$ROOT" && go build -o "$CACHE/bin/kill9" ./conformance/kill9 || stop_without kill9 "a build of conformance/kill9"
exec "$CACHE/bin/kill9" -seawall "$SEAWALL" -rounds "${ROUNDS:-20}" "$@"
