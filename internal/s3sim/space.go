package s3sim

import (
	"slices"
	"sort"
)

// span is a part of the volume.
type span struct{ off, len int64 }

// space hands out the volume's bytes: the first gap that is long enough, so
// that what was written before is written again before the file grows.
type space struct {
	free []span // by offset, no two adjacent
	end  int64  // all beyond is free too
	max  int64  // end never exceeds it
}

// take finds room for n bytes, and says whether there is any.
func (s *space) take(n int64) (off int64, ok bool) {
	for i := range s.free {
		f := &s.free[i]
		if f.len < n {
			continue
		}
		off = f.off
		if f.off, f.len = f.off+n, f.len-n; f.len == 0 {
			s.free = slices.Delete(s.free, i, i+1)
		}
		return off, true
	}
	// The last gap may touch the end.
	if last := len(s.free) - 1; last >= 0 && s.free[last].off+s.free[last].len == s.end {
		off = s.free[last].off
	} else {
		off = s.end
	}
	if n > s.max-off {
		return 0, false
	}
	if off < s.end {
		s.free = s.free[:len(s.free)-1]
	}
	s.end = off + n
	return off, true
}

// give takes back what take handed out.
func (s *space) give(off, n int64) {
	i := sort.Search(len(s.free), func(i int) bool { return s.free[i].off > off })
	s.free = slices.Insert(s.free, i, span{off, n})
	if i+1 < len(s.free) && s.free[i].off+s.free[i].len == s.free[i+1].off {
		s.free[i].len += s.free[i+1].len
		s.free = slices.Delete(s.free, i+1, i+2)
	}
	if i > 0 && s.free[i-1].off+s.free[i-1].len == s.free[i].off {
		s.free[i-1].len += s.free[i].len
		s.free = slices.Delete(s.free, i, i+1)
	}
}
