#!/usr/bin/env bash
# usage: BOOTSTRAP=host:port java/run.sh
# Apache Kafka's own tools: console clients, topics, configs, groups, offsets, deletion,
# log directories, and the performance and verification programs.
. "$(dirname "$0")/tools.sh"
: "${BOOTSTRAP:?set it to host:port of a broker}"
b=(--bootstrap-server "$BOOTSTRAP")

# The name of the broker and what it serves.
out=$(tool BrokerApiVersionsCommand "${b[@]}")
has "broker-api-versions: the broker" "$out" "^${BOOTSTRAP//./\\.} \(id: [0-9]+ "
for api in "Produce\(0\): 0 to 1[0-9]" "Fetch\(1\): [0-9]+ to 1[0-9]" "JoinGroup\(11\): [0-9]+ to [5-9]" "CreateTopics\(19\)" "DescribeTopicPartitions\(75\)"; do
	has "broker-api-versions: $api" "$out" "$api"
done

# Topics: create, list, describe, more partitions, delete.
topic=$(unique java)
same "topics: create" "Created topic $topic." "$(tool TopicCommand "${b[@]}" --create --topic "$topic" --partitions 2 --config retention.ms=86400000 --config max.message.bytes=2000000)"
has "topics: create again is refused" "$(tool TopicCommand "${b[@]}" --create --topic "$topic"; cat "$scratch/stderr")" "already exists"
has "topics: a bad config is refused" "$(tool TopicCommand "${b[@]}" --create --topic "$topic-bad" --config retention.ms=soon; cat "$scratch/stderr")" "InvalidConfig|Invalid value"
same "topics: list" "$topic" "$(tool TopicCommand "${b[@]}" --list | grep -x "$topic")"
out=$(tool TopicCommand "${b[@]}" --describe --topic "$topic")
has "topics: describe: counts" "$out" "PartitionCount: 2.*ReplicationFactor: 1"
has "topics: describe: configs" "$out" "retention.ms=86400000"
has "topics: describe: a leader" "$out" "Partition: 1.*Leader: [0-9]+.*Isr: [0-9]+"
tool TopicCommand "${b[@]}" --alter --topic "$topic" --partitions 3 >/dev/null
same "topics: alter partitions" 3 "$(tool TopicCommand "${b[@]}" --describe --topic "$topic" | grep -c 'Partition: ')"
has "topics: fewer partitions are refused" "$(tool TopicCommand "${b[@]}" --alter --topic "$topic" --partitions 1; cat "$scratch/stderr")" "InvalidPartitions"

# Configs of a topic: one setting changes, the other stays; then it goes back to its default.
config() { tool ConfigCommand "${b[@]}" --entity-type topics --entity-name "$topic" "$@"; }
has "configs: alter" "$(config --alter --add-config retention.ms=7200000,retention.bytes=1048576)" "Completed updating config"
out=$(config --describe)
has "configs: describe: changed" "$out" "retention.ms=7200000 .*DYNAMIC_TOPIC_CONFIG"
has "configs: describe: added" "$out" "retention.bytes=1048576 "
has "configs: describe: untouched" "$out" "max.message.bytes=2000000 "
has "configs: delete" "$(config --alter --delete-config retention.ms)" "Completed updating config"
same "configs: describe: deleted" 0 "$(config --describe | grep -c 'retention.ms=7200000')"
has "configs: all of them, with defaults" "$(config --describe --all)" "cleanup.policy=delete .*DEFAULT_CONFIG"
has "configs: a bad value is refused" "$(config --alter --add-config retention.ms=soon; cat "$scratch/stderr")" "InvalidConfig"

# Console clients: keys and headers there and back, in every codec.
for codec in none gzip snappy lz4 zstd; do
	seq 1 200 | sed "s/.*/codec:$codec\tkey-&\t$codec value &/" >"$scratch/sent"
	tool ConsoleProducer "${b[@]}" --topic "$topic" --compression-codec "$codec" \
		--reader-property parse.key=true --reader-property parse.headers=true <"$scratch/sent" >/dev/null
	same "console-producer: $codec" 0 $?
done
tool consumer.ConsoleConsumer "${b[@]}" --topic "$topic" --from-beginning --max-messages 1000 --timeout-ms 30000 --group "$topic-group" \
	--formatter-property print.key=true --formatter-property print.headers=true >"$scratch/got"
for codec in none gzip snappy lz4 zstd; do
	same "console-consumer: $codec" "$(seq 1 200 | sed "s/.*/codec:$codec\tkey-&\t$codec value &/" | sort | sha256sum)" "$(grep "^codec:$codec" "$scratch/got" | sort | sha256sum)"
done
# offsets_read ARGUMENT…: the offsets that a console consumer sees, one a line.
offsets_read() {
	tool consumer.ConsoleConsumer "${b[@]}" --topic "$topic" "$@" --formatter-property print.offset=true --formatter-property print.value=false |
		sed 's/.*Offset://; s/\t.*//'
}
end=$(tool GetOffsetShell "${b[@]}" --topic "$topic" --partitions 2 | sed 's/.*://')
same "console-consumer: offsets of a partition" "$(seq 0 $((end - 1)) | sha256sum)" "$(offsets_read --partition 2 --offset 0 --max-messages "$end" --timeout-ms 10000 | sha256sum)"

# Offsets and groups.
offsets() { tool GetOffsetShell "${b[@]}" --topic "$topic" "$@" | awk -F: '{sum += $3} END {print NR, sum}'; }
same "get-offsets: latest" "3 1000" "$(offsets)"
same "get-offsets: earliest" "3 0" "$(offsets --time earliest)"
same "get-offsets: none of a time to come" "" "$(tool GetOffsetShell "${b[@]}" --topic "$topic" --time 99999999999999 | awk -F: '$3 != "" && $3 >= 0')"
has "get-offsets: max timestamp" "$(tool GetOffsetShell "${b[@]}" --topic "$topic" --time max-timestamp)" "^$topic:[0-2]:[0-9]+$"
group() { tool consumer.group.ConsumerGroupCommand "${b[@]}" "$@"; }
same "groups: list" "$topic-group" "$(group --list | grep -x "$topic-group")"
same "groups: describe: committed and lag" "1000 0" "$(group --describe --group "$topic-group" | awk -v t="$topic" '$2 == t {c += $4; l += $6} END {print c, l}')"
has "groups: state" "$(group --describe --group "$topic-group" --state)" "Empty +0"
group --group "$topic-group" --topic "$topic:0,1,2" --reset-offsets --to-earliest --execute >/dev/null
same "groups: reset-offsets to earliest" "0 1000" "$(group --describe --group "$topic-group" | awk -v t="$topic" '$2 == t {c += $4; l += $6} END {print c, l}')"
group --group "$topic-group" --topic "$topic:0,1,2" --reset-offsets --to-datetime 2020-01-01T00:00:00.000 --execute >/dev/null
same "groups: reset-offsets to a time" "0 1000" "$(group --describe --group "$topic-group" | awk -v t="$topic" '$2 == t {c += $4; l += $6} END {print c, l}')"
has "groups: delete offsets" "$(group --group "$topic-group" --topic "$topic:0" --delete-offsets; cat "$scratch/stderr")" "Successful"
has "groups: delete" "$(group --delete --group "$topic-group")" "was successful"
same "groups: gone" 0 "$(group --list | grep -cx "$topic-group")"

# DeleteRecords moves the start; log directories know the partitions.
echo "{\"version\":1,\"partitions\":[{\"topic\":\"$topic\",\"partition\":0,\"offset\":10},{\"topic\":\"$topic\",\"partition\":1,\"offset\":-1}]}" >"$scratch/delete.json"
has "delete-records: low watermark" "$(tool DeleteRecordsCommand "${b[@]}" --offset-json-file "$scratch/delete.json")" "$topic-0.*low_watermark: 10"
ends=$(tool GetOffsetShell "${b[@]}" --topic "$topic" --partitions 1 | sed 's/.*://')
same "delete-records: earliest offsets" "10 $ends" "$(tool GetOffsetShell "${b[@]}" --topic "$topic" --partitions 0,1 --time earliest | sed 's/.*://' | paste -sd' ')"
same "delete-records: reading starts there" "10" "$(offsets_read --partition 0 --offset earliest --max-messages 1 --timeout-ms 10000)"
out=$(tool LogDirsCommand "${b[@]}" --describe --topic-list "$topic" | grep '^{')
same "log-dirs: every partition, no error" "3 true" "$(python3 -c '
import json, sys
dirs = [d for b in json.loads(sys.argv[1])["brokers"] for d in b["logDirs"]]
print(sum(len(d["partitions"]) for d in dirs), str(all(d["error"] is None for d in dirs)).lower())' "$out")"

# Performance and verification programs. Their producers are idempotent with acks=all by default.
perf=$(unique java-perf)
tool TopicCommand "${b[@]}" --create --topic "$perf" --partitions 2 >/dev/null
out=$(tool ProducerPerformance --topic "$perf" --num-records 50000 --record-size 512 --throughput -1 "${b[@]}" --command-property acks=all)
has "ProducerPerformance: all sent" "$(tail -n 1 <<<"$out")" "^50000 records sent.*99\.9th"
echo "     | $(tail -n 1 <<<"$out")"
same "ProducerPerformance: all in the log" 50000 "$(tool GetOffsetShell "${b[@]}" --topic "$perf" | awk -F: '{s += $3} END {print s}')"
out=$(tool ConsumerPerformance "${b[@]}" --topic "$perf" --num-records 50000 --timeout 30000 | tail -n 1)
same "ConsumerPerformance: all read" 50000 "$(awk -F', ' '{print $5}' <<<"$out")"
echo "     | $out"
out=$(tool EndToEndLatency "${b[@]}" --topic "$perf-e2e" --num-records 500 --producer-acks all --record-size 256; cat "$scratch/stderr")
has "EndToEndLatency: percentiles" "$out" "^Percentiles: 50th = [0-9]+"
echo "     | $(grep -E '^(Avg|Perc)' <<<"$out" | paste -sd' ')"

verified=$(unique java-verify)
tool TopicCommand "${b[@]}" --create --topic "$verified" --partitions 1 >/dev/null
out=$(tool VerifiableProducer "${b[@]}" --topic "$verified" --max-messages 1000 --acks -1 --value-prefix 7)
has "VerifiableProducer: all acked" "$out" '"sent":1000,"acked":1000'
same "VerifiableProducer: offsets in order" "" "$(grep producer_send_success <<<"$out" | sed 's/.*"value":"7\.\([0-9]*\)","offset":\([0-9]*\).*/\1 \2/' | awk '$1 != $2')"
out=$(tool VerifiableConsumer "${b[@]}" --topic "$verified" --group-id "$verified-group" --max-messages 1000 --reset-policy earliest)
same "VerifiableConsumer: all consumed" 1000 "$(grep records_consumed <<<"$out" | sed 's/.*"records_consumed","count":\([0-9]*\).*/\1/' | awk '{s += $1} END {print s}')"
has "VerifiableConsumer: committed" "$out" '"offsets_committed".*"offset":1000\}.*"success":true'

for name in "$topic" "$perf" "$verified"; do
	tool TopicCommand "${b[@]}" --delete --topic "$name" >/dev/null
done
same "topics: deleted" 0 "$(tool TopicCommand "${b[@]}" --list | grep -cE "^($topic|$perf|$verified)$")"
has "topics: delete of an unknown one is refused" "$(tool TopicCommand "${b[@]}" --delete --topic "$topic"; cat "$scratch/stderr")" "does not exist"
summary
