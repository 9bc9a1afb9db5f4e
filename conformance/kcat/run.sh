#!/usr/bin/env bash
# usage: BOOTSTRAP=host:port kcat/run.sh
# kcat (librdkafka): metadata, every codec, keys, headers, offsets by timestamp, groups.
. "$(dirname "$0")/../lib.sh"
: "${BOOTSTRAP:?set it to host:port of a broker}"
KCAT_PACKAGE='kcat=1.7.1*'

install_kcat() {
	command -v kcat >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends "$KCAT_PACKAGE")
}
lock apt install_kcat >/dev/null 2>&1 || stop_without kcat "kcat 1.7.1 (Debian: apt-get install kcat)"

kc() { timeout 30 kcat -b "$BOOTSTRAP" "$@" 2>&1; }
# read_all TOPIC FORMAT…: everything that is in a topic now, each record by FORMAT.
read_all() { kc -C -q -e -t "$1" -o beginning -f "$2" "${@:3}"; }

topic=$(unique kcat)

# The first produce makes the topic: the first fetch of metadata says so with an error that is retried.
for codec in none gzip snappy lz4 zstd; do
	for n in 1 2 3; do echo "$codec-key-$n:$codec value $n $(printf 'x%.0s' {1..200})"; done |
		kc -P -t "$topic" -p 0 -K: -z "$codec" -H "codec=$codec" -H empty >"$CACHE/kcat.out"
	same "produce $codec" 0 "$?"
done
want=$(for codec in none gzip snappy lz4 zstd; do for n in 1 2 3; do echo "$codec-key-$n|$codec value $n|codec=$codec,empty"; done; done)
got=$(read_all "$topic" '%k|%s|%h\n' | sed 's/ x*|/|/; s/,empty=\(NULL\)\?$/,empty/')
same "consume every codec: keys, values, headers" "$want" "$got"
same "offsets are contiguous" "$(seq -s' ' 0 14)" "$(read_all "$topic" '%o\n' | paste -sd' ')"
same "consume from an offset" "13 14" "$(kc -C -q -e -t "$topic" -p 0 -o 13 -f '%o\n' | paste -sd' ')"
same "consume from an offset before the end" "11 12 13 14" "$(kc -C -q -e -t "$topic" -p 0 -o -4 -f '%o\n' | paste -sd' ')"
same "consume a number of records" "0 1" "$(kc -C -q -c 2 -t "$topic" -p 0 -o beginning -f '%o\n' | paste -sd' ')"

# Metadata as a golden text: what differs from run to run is named first.
golden=$(sed "s/BROKER/$BOOTSTRAP/; s/TOPIC/$topic/" "$CONFORMANCE/kcat/metadata.golden")
same "metadata" "$golden" "$(kc -L -t "$topic" | sed -E 's/\((from|topic).*$//; s/ \(controller\)//; s/broker [0-9]+/broker N/g; s/leader [0-9]+/leader N/; s/(replicas|isrs): [0-9]+/\1: N/g; s/ +$//')"
same "metadata names the topic among all" 1 "$(kc -L | grep -c "topic \"$topic\"")"
same "metadata of an unknown topic" 1 "$(kc -L -t "$(unique none)" -X allow.auto.create.topics=false | grep -c 'Unknown topic or partition')"

# Tombstones and empty values are not the same.
tomb=$(unique kcat-null)
printf 'k1:\n' | kc -P -t "$tomb" -p 0 -K: >/dev/null
printf 'k2:\n' | kc -P -t "$tomb" -p 0 -K: -Z >/dev/null
same "null and empty values" "k1 0|k2 -1|" "$(read_all "$tomb" '%k %S|')"

# Offsets by time: between two records there is a moment that lies between their timestamps.
timed=$(unique kcat-time)
before=$(date +%s%3N)
echo first | kc -P -t "$timed" -p 0 >/dev/null
sleep 0.05
between=$(date +%s%3N)
sleep 0.05
echo second | kc -P -t "$timed" -p 0 >/dev/null
same "consume from a timestamp" "second" "$(kc -C -q -e -t "$timed" -p 0 -o "s@$between" -f '%s\n')"
same "consume up to a timestamp" "first" "$(kc -C -q -e -t "$timed" -p 0 -o "s@$before" -o "e@$between" -f '%s\n')"
same "offset of a timestamp" "$timed [0] offset 1" "$(kc -Q -t "$timed:0:$between")"
same "offset of the earliest and of the end" "0 2" "$(echo $(kc -Q -t "$timed:0:-2" | grep -o '[0-9]*$') $(kc -Q -t "$timed:0:-1" | grep -o '[0-9]*$'))"
stamp=$(read_all "$timed" '%T\n' | head -n 1)
if [ "${stamp:-0}" -ge "$before" ] && [ "$stamp" -le "$between" ]; then pass "timestamps are the producer's"; else fail "timestamps are the producer's" "$before <= $stamp <= $between"; fi

# A group reads what it has not read: first all, then what came since.
group=$(unique kcat-group)
in_group() { kc -G "$group" -q -e -X auto.offset.reset=earliest -f '%s\n' "$topic" | sort | paste -sd, | sed 's/ xx*//g'; }
values=$(for codec in none gzip snappy lz4 zstd; do for n in 1 2 3; do echo "$codec value $n"; done; done | sort | paste -sd,)
same "a group reads all" "$values" "$(in_group)"
echo "one more" | kc -P -t "$topic" -p 0 >/dev/null
same "a group goes on from its commit" "one more" "$(in_group)"
same "a group that has read all reads nothing" "" "$(in_group)"

# acks=0 and acks=1 and an idempotent producer end up in the same log.
acks=$(unique kcat-acks)
for setting in acks=1 enable.idempotence=true acks=0; do
	echo "$setting" | kc -P -t "$acks" -p 0 -X "$setting" >/dev/null
	same "produce with $setting" 0 "$?"
done
acked() { [ "$(read_all "$acks" '%s\n' | paste -sd' ')" == "acks=1 enable.idempotence=true acks=0" ]; }
for _ in 1 2 3 4 5; do acked && break; done # acks=0 answers nothing: the record may come a moment later
check "all of them are in the log" acked

big=$(unique kcat-big)
head -c 900000 /dev/zero | tr '\0' b >"$CACHE/kcat.big"
kc -P -t "$big" -p 0 "$CACHE/kcat.big" >/dev/null
same "a record of 900 kB" "$(sha256sum <"$CACHE/kcat.big")" "$(read_all "$big" '%s' | sha256sum)"
rm -f "$CACHE/kcat.big" "$CACHE/kcat.out"
summary
