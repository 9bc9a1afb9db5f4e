package node

import (
	"bytes"
	"io"
)

// metricHelp says what each metric tells. The library leaves HELP empty.
var metricHelp = map[string]string{
	"seawall_up":                   "1 while the node serves or drains.",
	"seawall_connections":          "Connections of clients and brokers that are open.",
	"seawall_request_seconds":      "Time from a request's arrival to its answer, by API.",
	"seawall_memory_used_bytes":    "Memory in use, by account of the budget; an account that reserves at once shows all of it.",
	"seawall_memory_limit_bytes":   "The most that each account of the memory budget may use.",
	"seawall_request_bytes_total":  "Bytes of requests, by API.",
	"seawall_response_bytes_total": "Bytes of answers, by API.",

	"seawall_metadata_index":                "The newest metadata command that this node has taken in.",
	"seawall_metadata_feed_lag":             "Metadata commands that this node has not taken in yet, as the active controller last told.",
	"seawall_metadata_lost_seconds":         "For how long no active controller has answered this node; 0 while one does.",
	"seawall_metadata_active_controller":    "The node with the active controller, as far as this one knows; -1 for none.",
	"seawall_metadata_command_seconds":      "Time for a metadata command to be agreed upon and answered.",
	"seawall_metadata_command_errors_total": "Metadata commands whose outcome had to be asked for again.",
	"seawall_controller_is_active":          "1 on the node with the active controller.",
	"seawall_controller_term":               "The term of the metadata's consensus; it rises with each election.",
	"seawall_controller_log_lag":            "Entries that another controller's log lacks, by voter, as it last told the active one.",
	"seawall_brokers_alive":                 "Brokers that are registered and not fenced.",
	"seawall_partitions_offline":            "Partitions of the cluster that nobody serves or is about to: their WAL or their leader is gone.",
	"seawall_wals_out_of_reach":             "WALs that nobody holds and no living node reaches: 'seawall status' lists them.",
	"seawall_gossip_members":                "Other nodes that gossip hears of.",
	"seawall_nodes_fenced_total":            "Brokers that this node has seen the cluster take for dead.",
	"seawall_lease_valid":                   "1 while the cluster takes this broker for alive; at 0 clients are refused.",
	"seawall_heartbeats_missed_total":       "Heartbeats of this broker that no active controller answered in time.",
	"seawall_fenced_total":                  "How often this broker was taken for dead and found out.",

	"seawall_partitions_led":               "Partitions that this node is to lead.",
	"seawall_partitions_waiting":           "Of those, the ones that are not served yet; /readyz says why.",
	"seawall_ownership_changes_total":      "Partitions whose leadership came to this node (gained) or went to another (lost).",
	"seawall_partitions_handed_over_total": "Partitions that this node closed for other leaders.",
	"seawall_partition_handover_seconds":   "Time from the refusal of appends to the closed tail, of partitions handed over.",

	"seawall_rescue_seconds":                      "Time that rescues of WALs took, until every stream's end was fixed.",
	"seawall_rescue_bytes_total":                  "Bytes of WALs read in rescues.",
	"seawall_rescue_failures_total":               "Attempts at a rescue that failed.",
	"seawall_rescue_attach_failures_total":        "Runs of s3.wal.attach.command that failed.",
	"seawall_rescue_predicted_seconds":            "Time that a rescuer would take to read what is in this node's WAL and not in the object store.",
	"seawall_wal_instances_rescuing":              "Older WALs that this node serves and uploads.",
	"seawall_wal_fence_events_total":              "Durable writes that were not acknowledged, as the WAL was fenced.",
	"seawall_wal_read_bandwidth_bytes_per_second": "Read bandwidth of the WAL's device that predictions reckon with.",
	"seawall_remote_tail_bytes_total":             "Bytes of tails read from the nodes that hold them.",
	"seawall_served_tail_bytes_total":             "Bytes of tails served to other nodes.",

	"seawall_direct_put_seconds":          "Time to put an object whose appends are acknowledged from there, repetitions included.",
	"seawall_direct_put_bytes":            "Sizes of such objects.",
	"seawall_direct_commit_seconds":       "Time for the metadata to take such an object.",
	"seawall_direct_batches_total":        "Objects from which appends were acknowledged.",
	"seawall_direct_payload_bytes_total":  "Bytes of records in them.",
	"seawall_direct_puts_total":           "Attempts to put such objects, hedges among them.",
	"seawall_direct_hedges_total":         "Of those, second ones beside a slow first.",
	"seawall_direct_failures_total":       "Puts and commits of such objects that had to be repeated.",
	"seawall_direct_full_total":           "Appends that found no memory to gather in.",
	"seawall_direct_refused_slices_total": "Parts of such objects that the metadata refused, of topics deleted meanwhile.",
	"seawall_direct_batches_in_flight":    "Such objects sealed and not acknowledged.",
	"seawall_direct_pending_bytes":        "Bytes that are gathered or under way to be acknowledged from object storage.",

	"seawall_wal_records_total":        "Records appended to the WAL.",
	"seawall_wal_payload_bytes_total":  "Bytes of records appended to the WAL, without padding.",
	"seawall_wal_flushes_total":        "Durable writes of the WAL.",
	"seawall_wal_inline_flushes_total": "Of those, the ones that an appending goroutine wrote itself.",
	"seawall_wal_full_total":           "Appends that found the WAL full.",
	"seawall_wal_untrimmed_bytes":      "Bytes in the WAL that are not all in the object store.",
	"seawall_wal_capacity_bytes":       "The capacity of the WAL.",
	"seawall_wal_fill_ratio":           "How much of the WAL is taken; at 1 producers are refused.",
	"seawall_wal_failed":               "1 once the WAL takes no more appends.",
	"seawall_wal_flush_seconds":        "Time of a durable write of the WAL.",
	"seawall_wal_flush_bytes":          "Size of a durable write of the WAL.",
	"seawall_wal_flush_records":        "Records in a durable write of the WAL.",

	"seawall_streams_open":                  "Streams that this node has open.",
	"seawall_cold_reads":                    "Reads under way that need the object store.",
	"seawall_log_cache_index_bytes":         "Memory of the index over appended pages.",
	"seawall_log_cache_pinned_bytes":        "Memory of appended pages that may not be evicted now.",
	"seawall_log_cache_evicted_pages_total": "Appended pages evicted from memory; they are read from the WAL then.",

	"seawall_upload_queued_generations":       "Sealed generations that wait for their upload.",
	"seawall_upload_last_success_age_seconds": "Time since an upload last succeeded, or nothing was left to upload.",
	"seawall_upload_generations_total":        "Generations uploaded and committed.",
	"seawall_upload_objects_total":            "Objects uploaded.",
	"seawall_upload_bytes_total":              "Bytes uploaded.",
	"seawall_upload_dead_bytes_total":         "Bytes in uploaded objects that no stream refers to, as their slices were refused.",
	"seawall_upload_refused_slices_total":     "Slices of streams that were uploaded and not committed: deleted meanwhile, or another node's to upload.",
	"seawall_upload_failures_total":           "Attempts at an upload that failed.",
	"seawall_upload_pace_bytes_per_second":    "How fast uploads go now; +Inf when nothing holds them back.",
	"seawall_upload_paced_seconds_total":      "Time that parts of uploads have waited for their turn.",
	"seawall_catch_up_paced_seconds_total":    "Time that reads of history have waited for their turn.",
	"seawall_gc_errors_total":                 "Runs of the collector of objects that failed.",
	"seawall_store_seconds":                   "Time of a request to the object store, by operation.",
	"seawall_store_requests_total":            "Requests to the object store, by operation and outcome.",
	"seawall_store_bytes_total":               "Bytes moved to and from the object store, by operation.",
	"seawall_store_orphan_objects":            "Objects of the cluster that hold nothing anybody reads: prepared, which may be under way, or removed, which wait for their deletion.",
	"seawall_store_orphan_bytes":              "Bytes in removed objects that wait for their deletion.",
}

// writeWithHelp copies metrics in Prometheus's text format, and says what each
// tells where the library does not. A HELP line without words is left out.
func writeWithHelp(w io.Writer, text []byte) {
	const help = "# HELP "
	for line := range bytes.Lines(text) {
		if name, ok := bytes.CutPrefix(line, []byte(help)); ok {
			name = bytes.TrimSpace(name)
			words, known := metricHelp[string(name)]
			if !known {
				if bytes.ContainsRune(name, ' ') { // it has words already
					_, _ = w.Write(line)
				}
				continue
			}
			line = []byte(help + string(name) + " " + words + "\n")
		}
		_, _ = w.Write(line) // the client went away
	}
}
