package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// bytesMax is the longest result that is read: a day of seconds of ten arms
// stays far below it.
const bytesMax = 256 << 20

// Write writes a result as JSON that [Read] reads.
func Write(w io.Writer, r *Result) error {
	out := *r
	out.Format = Format
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(&out)
}

// Read reads what [Write] wrote. Fields that are not known are passed over, as a
// later harness may have added them; a higher format is refused, and so is what
// cannot have been measured.
func Read(r io.Reader) (*Result, error) {
	b, err := io.ReadAll(io.LimitReader(r, bytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	if len(b) > bytesMax {
		return nil, fmt.Errorf("result: longer than %d MiB", bytesMax>>20)
	}
	// The format goes first: the rest of a higher one may not fit the types.
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	switch {
	case head.Format < 1:
		return nil, errors.New("result: this is no result of the harness: it has no format number")
	case head.Format > Format:
		return nil, fmt.Errorf("result: its format is %d and this program reads up to %d: use the seawall that wrote it, or a newer one",
			head.Format, Format)
	}
	out := new(Result)
	if err := json.Unmarshal(b, out); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	if err := out.check(); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	return out, nil
}

// check finds histograms that count nothing possible.
func (r *Result) check() error {
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		for j := range s.Arms {
			a := &s.Arms[j]
			for _, k := range a.Kinds() {
				if err := k.Histogram.check(); err != nil {
					return fmt.Errorf("scenario %q, arm %q, %s: %w", s.Name, a.Arm, k.Name, err)
				}
			}
		}
	}
	return nil
}

func (h *Histogram) check() error {
	if h.Count < 0 {
		return fmt.Errorf("%d values", h.Count)
	}
	for i, b := range h.Buckets {
		switch {
		case b.Count < 0 || b.UpTo < 0:
			return fmt.Errorf("%d values of up to %v", b.Count, b.UpTo)
		case i > 0 && b.UpTo <= h.Buckets[i-1].UpTo:
			return fmt.Errorf("the bucket up to %v follows that up to %v", b.UpTo, h.Buckets[i-1].UpTo)
		}
	}
	return nil
}
