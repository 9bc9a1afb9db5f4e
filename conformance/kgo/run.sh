#!/usr/bin/env bash
# usage: BOOTSTRAP=host:port kgo/run.sh [--chaos]
#
# Runs the own test suite of the Go client kgo (the version in go.mod) against
# BOOTSTRAP, and holds its outcome against a list of what may fail or skip, with the
# reason; --chaos also cuts the clients' connections all the time.
# KGO_TEST_RECORDS (50000) is the length of the long tests; KGO_EXPECTED names another list.
. "$(dirname "$0")/../lib.sh"
: "${BOOTSTRAP:?set it to host:port of a broker}"
command -v go >/dev/null || stop_without go "Go $(awk '$1 == "go" {print $2}' "$ROOT/go.mod")"
expected=${KGO_EXPECTED:-$CONFORMANCE/kgo/expected.txt}
version=$(cd "$ROOT" && go list -m -f '{{.Version}}' github.com/twmb/franz-go)
suite=$CACHE/franz-go-$version
chaos=0
[ "${1:-}" != --chaos ] || chaos=1
out=$CACHE/kgo-chaos$chaos.json
report=$CACHE/bin/kgo-report

# The copy in the module cache is read-only, and a test run wants to compile in place.
copy_suite() {
	[ ! -e "$suite/complete" ] || return 0
	local source
	source=$(cd "$ROOT" && go mod download -json "github.com/twmb/franz-go@$version" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
	[ -d "$source" ] || return 1
	rm -rf "$suite" && cp -r "$source" "$suite" && chmod -R u+w "$suite" && touch "$suite/complete"
}
lock kgo copy_suite || stop_without "franz-go $version" "its source, which the module proxy did not give"
(cd "$ROOT" && go build -o "$report" ./conformance/kgo/report) || stop_without kgo-report "a build of conformance/kgo/report"
cd "$suite/pkg/kgo" || exit 1
go test -c -o "$CACHE/bin/kgo.test" . || stop_without "franz-go's tests" "a build of them"

# run_tests TIMEOUT SELECTION…: go test's JSON on stdout. Output of the clients under test is kept in it.
run_tests() {
	local timeout=$1
	shift
	KGO_SEEDS=$BOOTSTRAP KGO_TEST_RF=1 KGO_TEST_RECORDS=${KGO_TEST_RECORDS:-50000} KGO_TEST_CHAOS=$chaos \
		KGO_LOG_LEVEL=none go tool test2json -t -p kgo \
		"$CACHE/bin/kgo.test" -test.v=test2json -test.timeout "$timeout" -test.parallel 4 "$@" 2>&1
}

# Tests that are expected to fail run by themselves and briefly: they may hang, and take the others with them.
mapfile -t doomed < <("$report" -expected "$expected" -list fail)
skip=$(printf '^%s$|' "${doomed[@]}" | sed 's:/:$/^:g; s/|$//')
[ "${#doomed[@]}" -gt 0 ] || skip='^$'
run_tests "${KGO_TIMEOUT:-20m}" -test.skip "$skip" >"$out"
for name in "${doomed[@]}"; do
	run_tests 40s -test.run "^$(sed 's:/:$/^:g' <<<"$name")\$" >>"$out"
done
echo "kgo $version, chaos $chaos, against $BOOTSTRAP; full output in ${out#"$ROOT"/}"
"$report" -expected "$expected" "$out"
