package cost

import (
	"fmt"

	"github.com/seawallmq/seawall/bench/units"
)

// Assumptions say what the models of [Arms] take for granted.
func Assumptions(w Workload) []string {
	return []string{
		fmt.Sprintf("%d brokers in %d zones, whatever the rate; produced bytes are counted as they are sent, after compression.", w.Brokers, w.Zones),
		fmt.Sprintf("Clients are spread evenly over the zones and talk to leaders: %.0f %% of what is produced, and of what each consumer group (%d) reads, crosses zones. A nearest replica (KIP-392) spares Kafka's consumers that.", 100*w.away(), w.Groups),
		"The tail is read from the brokers' memory: it takes no GET. " +
			fmt.Sprintf("%g %% of everything is read once more later, by GETs of up to 4 MiB; where objects of many partitions have to be read for one of them, it takes more.", 100*w.Reread),
		"Nothing is listed: the metadata knows every object. Deleting is free.",
		fmt.Sprintf("A WAL is %d GiB a broker, written in %d KiB on average at load; uploads at 128 MiB or once a minute, in parts of 16 MiB (each part is a request, and two more begin and end an object). gp3 comes with %s IOPS and %d MiB/s; io2 is bought with at least %s a broker; FSx is one Multi-AZ file system, at least 1 TiB and %d MiB/s, which all brokers but those of its zone write across zones.",
			walGiB, walWriteBytes>>10, units.Count(gp3IOPS), gp3Throughput, units.Count(io2IOPSMin), fsxThroughputMin),
		"Direct S3 writes an object a broker at 8 MiB or when its interval is over. S3 Express is written in two zones, as one may be lost, and moved to S3 Standard after ten minutes in objects of 64 MiB.",
		"Kafka keeps three replicas on gp3 volumes that are exactly full, with no tiered storage; two of the three copies cross zones.",
		"Compaction of small objects is not in the models: Seawall does not do it yet.",
	}
}
