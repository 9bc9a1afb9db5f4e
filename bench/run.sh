#!/usr/bin/env bash
# usage: bench/run.sh [FLAG…]
#
# Builds seawall and the bench, sees to fio, and measures. Flags go to the
# bench: -kafka adds Apache Kafka, -klite PATH adds klite, -only device,produce
# picks parts, -rounds 1 -duration 3s is a trial, -page docs/performance.md
# renews the page; -help names them all. Run it on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."

# The version is pinned by the distribution's release.
if ! command -v fio >/dev/null; then
	if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
		apt-get install -y -qq --no-install-recommends fio >/dev/null || echo "fio cannot be installed: no ratios to it" >&2
	else
		echo "fio is missing (Debian: apt-get install fio): no ratios to it" >&2
	fi
fi

make -s build
mkdir -p bench/out
go build -o bench/out/bench ./bench
commit=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The scratch folder lies beside the checkout's own files, on a real disk:
# /tmp may be memory.
scratch=$(mktemp -d bench/out/scratch-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
bench/out/bench -root . -seawall "$PWD/seawall" -scratch "$PWD/$scratch" -commit "$commit" "$@"
