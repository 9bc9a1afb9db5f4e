package image

// Sizes counts what the image holds.
type Sizes struct {
	Nodes, WALs, Topics, Partitions, Configs int
	Streams, Tails                           int
	Objects, Prepared, Removed               int
	Ranges                                   int
	RememberedAnswers                        int
	SnapshotBytes                            int64 // of a snapshot of it
}

// Sizes counts what the image holds, in time that grows with it.
func (img *Image) Sizes() Sizes {
	s := Sizes{
		Nodes: img.nodes.len(), WALs: img.wals.len(), Topics: img.topics.len(),
		Partitions: img.partitions.len(), Configs: img.configs.len(),
		Streams: img.streams.len(), Objects: img.objects.len(), Ranges: img.ranges.len(),
		RememberedAnswers: img.answers.len(),
	}
	for st := range img.Streams() {
		s.Tails += len(st.Tails)
	}
	for o := range img.Unsettled() {
		if o.State == ObjectPrepared {
			s.Prepared++
		} else {
			s.Removed++
		}
	}
	var n countingWriter
	_ = img.WriteSnapshot(&n) // it never fails
	s.SnapshotBytes = int64(n)
	return s
}

type countingWriter int64

func (w *countingWriter) Write(p []byte) (int, error) {
	*w += countingWriter(len(p))
	return len(p), nil
}
