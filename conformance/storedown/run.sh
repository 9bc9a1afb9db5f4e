#!/usr/bin/env bash
# usage: storedown/run.sh [FLAG…] [outage] [full]
# Seawall with its object store away: refusing connections, then hanging; the flags are
# those of go run ./conformance/storedown -h.
. "$(dirname "$0")/../lib.sh"
need_seawall
cd "$ROOT" && go build -o "$CACHE/bin/storedown" ./conformance/storedown || stop_without storedown "a build of conformance/storedown"
for outage in refuse hang; do
	out=$("$CACHE/bin/storedown" -seawall "$SEAWALL" -outage "$outage" "$@" | tee /dev/stderr | tail -n 1)
	read -r p _ f _ <<<"$out"
	passed=$((passed + p)) failed=$((failed + f))
done
summary
