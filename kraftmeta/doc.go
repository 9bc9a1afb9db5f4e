// Package kraftmeta keeps the cluster's metadata agreed upon and followed:
// commands go through consensus on the controllers, and every node observes a
// feed of a snapshot and deltas.
//
// Owns: consensus (hashicorp/raft), its log and snapshots on disk, the feed,
// observers, and the submission of commands. Does not own: what the metadata is
// and how it may change (package image), the network between nodes, or who is
// alive.
//
// # Wiring
//
// In the process of a controller, in this order:
//
//	c, err := kraftmeta.Open(kraftmeta.Options{Dir: …, Node: …, Random: …})
//	err = c.WaitReady(ctx)                       // a sole voter leads within milliseconds
//	incarnation := ids.NewUUID(random)           // one a process
//	o := kraftmeta.NewObserver(c, kraftmeta.ObserverOptions{Node: …, Incarnation: incarnation, Clock: …})
//	o.OnDelta(…)                                 // subscribers, before or after Start
//	o.Start()
//	m := kraftmeta.NewClient(c, o, incarnation, clock)
//	r, err := kraftmeta.Do(ctx, m, &image.RegisterNode{Node: …, Incarnation: incarnation, …})
//	// r.Epoch is the node epoch for everything else
//	…
//	o.Close(); c.Close()
//
// Elsewhere a [Remote] stands for c, as a Submitter and as a Source: it speaks
// in bytes, which [Controller.Handle] answers, over whatever carries requests
// between nodes.
//
// Several voters reach each other by Options.Dial and [Controller.Take]: the
// connections are made, secured and admitted elsewhere, and speak the consensus
// library's protocol from then on. All bootstrap the same configuration; later
// voters come by Options.Join and [Controller.AddVoter].
//
// c.Failed tells of a disk that failed. What Do returns can be read from
// o.Image() at once. A context without an end makes Do wait for a controller as
// long as there is none.
//
// # Goroutines and locks
//
// A Controller runs those of the consensus library, one for a connection taken
// until the library accepts it, and one that begins its terms; a Submit runs one
// while it waits, as consensus does not heed contexts, and a Leads a short one.
// An Observer runs one. The feed's lock is held while a command is applied; an
// Observer's advance lock comes before its mu; a Client's lock is held over
// nothing that blocks; that of the confirmations is a leaf. Consensus runs by the
// machine's clock.
//
// # On disk
//
//	meta.properties   the cluster and node that the directory belongs to
//	raft.db           bbolt: the log (see logStore) and the votes
//	snapshots/        the last two snapshots, in the library's folders; the
//	                  state.bin in each is what image.WriteSnapshot wrote
//
// [Dump] and [ReadDir] look at such a directory without changing it.
package kraftmeta
