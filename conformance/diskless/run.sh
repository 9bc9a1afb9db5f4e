#!/usr/bin/env bash
# usage: diskless/run.sh [FLAG…]
# Breaks the store under Seawall that acknowledges from it, and switches modes; the
# flags are those of go run ./conformance/diskless -h.
. "$(dirname "$0")/../lib.sh"
need_seawall
cd "$ROOT" && go build -o "$CACHE/bin/diskless" ./conformance/diskless || stop_without diskless "a build of conformance/diskless"
exec "$CACHE/bin/diskless" -seawall "$SEAWALL" "$@"
