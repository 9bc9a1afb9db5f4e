package calibrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim/model"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

const (
	// samplesMin are taken of everything, whatever time they take.
	samplesMin = 5
	// cleanUpTimeout bounds the deletion of what was written.
	cleanUpTimeout = time.Minute
	// listMax is how long a listing is at most.
	listMax = 1000
)

// Options say what is measured.
type Options struct {
	// Store must not retry: an attempt that failed would count as a slow one.
	Store objstore.Store
	// URL names the store for people, in the profile as well.
	URL string
	// Prefix is a folder that nobody else uses.
	Prefix string
	// Sizes are those of objects, rising.
	Sizes []int
	// Samples are taken of everything, but no new one begins after Each.
	Samples int
	Each    time.Duration
	Clock   clock.Clock
	// Progress is told of each row; may be nil.
	Progress func(Row)
}

// SizesDefault are the sizes that are of interest: a small object, a batch, and
// what brokers upload.
func SizesDefault() []int { return []int{4 << 10, 64 << 10, 1 << 20, 8 << 20} }

// The kinds of rows.
const (
	Put         = "PUT"
	PutIfAbsent = "PUT, if absent"
	PutRefused  = "PUT, if absent: refused"
	GetFirst    = "GET, first byte"
	Get         = "GET"
	Head        = "HEAD"
	List        = "LIST"
	Delete      = "DELETE"
)

// Row is how long one kind of request took.
type Row struct {
	What   string
	Bytes  int64 // of the object; 0 where that plays no part
	Failed int   // attempts that failed for a reason that may pass
	took   []time.Duration
}

// Report is what was found.
type Report struct {
	URL  string
	Date time.Time
	Rows []Row
	// Conditional says that the store refuses a write if absent where there is
	// an object. Some ignore the condition.
	Conditional bool
	Profile     *model.Profile
}

// Run measures. Where the store refuses something that every store must do, its
// error says so.
func Run(ctx context.Context, o Options) (r *Report, err error) {
	if len(o.Sizes) == 0 || o.Samples < samplesMin {
		return nil, fmt.Errorf("calibration wants a size or more, and %d samples or more", samplesMin)
	}
	m := &meter{Options: o, report: &Report{URL: o.URL, Date: o.Clock.Now()}}
	defer func() { err = errors.Join(err, m.cleanUp(ctx)) }()
	for _, part := range []func(context.Context) error{m.writes, m.conditions, m.reads, m.rest} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	m.report.Profile = m.report.fit()
	return m.report, m.report.Profile.Validate()
}

// meter is a calibration under way.
type meter struct {
	Options
	report  *Report
	serial  int
	written []string // keys that may have an object
	read    []string // of them one of each size, for reads
}

// key is a fresh one, which will have an object.
func (m *meter) key() string {
	m.serial++
	k := fmt.Sprintf("%s/%06d", m.Prefix, m.serial)
	m.written = append(m.written, k)
	return k
}

// series takes the samples of one row. Failures that may pass are counted, until
// they are the rule; any other ends it.
func (m *meter) series(ctx context.Context, what string, bytes int64, op func() error) error {
	row := Row{What: what, Bytes: bytes}
	began := m.Clock.Now()
	for n := range m.Samples {
		start := m.Clock.Now()
		if n >= samplesMin && start.Sub(began) > m.Each {
			break
		}
		switch err := op(); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			row.took = append(row.took, m.Clock.Now().Sub(start))
		case !objstore.Retriable(err):
			return fmt.Errorf("%s: the store refuses: %w", what, err)
		default:
			if row.Failed++; row.Failed > len(row.took)+samplesMin {
				return fmt.Errorf("%s: most requests fail: %w", what, err)
			}
		}
	}
	if len(row.took) == 0 {
		return fmt.Errorf("%s: every request failed", what)
	}
	row.sort()
	m.report.Rows = append(m.report.Rows, row)
	if m.Progress != nil {
		m.Progress(row)
	}
	return nil
}

func (m *meter) put(ctx context.Context, key string, body objstore.Body, ifAbsent bool) error {
	return m.Store.Put(ctx, key, body, objstore.PutOptions{IfNoneMatch: ifAbsent})
}

// writes times writes under fresh keys, as uploads are. One goes before: it pays
// for the connection.
func (m *meter) writes(ctx context.Context) error {
	if err := m.put(ctx, m.key(), objstore.NewBody(nil), false); err != nil {
		return fmt.Errorf("the store cannot be written: %w", err)
	}
	for _, size := range m.Sizes {
		body := objstore.NewBody(content(size))
		var key string
		if err := m.series(ctx, Put, int64(size), func() error {
			k := m.key()
			err := m.put(ctx, k, body, false)
			if err == nil {
				key = k
			}
			return err
		}); err != nil {
			return err
		}
		m.read = append(m.read, key)
	}
	return nil
}

// conditions times writes of the smallest size on condition that there is no
// object, and finds out whether the store knows the condition.
func (m *meter) conditions(ctx context.Context) error {
	body := objstore.NewBody(content(m.Sizes[0]))
	taken := m.read[0]
	err := m.put(ctx, taken, body, true)
	switch {
	case errors.Is(err, objstore.ErrPreconditionFailed):
		m.report.Conditional = true
	case err != nil && objstore.Retriable(err):
		return fmt.Errorf("%s: %w", PutRefused, err)
	default:
		return nil // it ignores the condition, or does not know it
	}
	if err := m.series(ctx, PutIfAbsent, body.Size, func() error { return m.put(ctx, m.key(), body, true) }); err != nil {
		return err
	}
	return m.series(ctx, PutRefused, body.Size, func() error {
		err := m.put(ctx, taken, body, true)
		switch {
		case errors.Is(err, objstore.ErrPreconditionFailed):
			return nil
		case err == nil:
			return fmt.Errorf("%q was written although it was there", taken)
		}
		return err
	})
}

// reads times the first byte and all bytes of an object of each size.
func (m *meter) reads(ctx context.Context) error {
	for i, size := range m.Sizes {
		dst := make([]byte, size)
		read := func(n int) func() error {
			return func() error {
				_, err := m.Store.GetRange(ctx, m.read[i], 0, dst[:n])
				return err
			}
		}
		if err := m.series(ctx, GetFirst, int64(size), read(1)); err != nil {
			return err
		}
		if err := m.series(ctx, Get, int64(size), read(size)); err != nil {
			return err
		}
	}
	return nil
}

// rest times what moves no bytes.
func (m *meter) rest(ctx context.Context) error {
	if err := m.series(ctx, Head, 0, func() error {
		_, err := m.Store.Head(ctx, m.read[0])
		return err
	}); err != nil {
		return err
	}
	if err := m.series(ctx, List, 0, func() error {
		_, err := m.Store.List(ctx, m.Prefix+"/", "", listMax)
		return err
	}); err != nil {
		return err
	}
	next := 0
	return m.series(ctx, Delete, 0, func() error {
		next++ // the first key is of the object that warmed the connection
		return m.Store.Delete(ctx, m.written[next-1])
	})
}

// cleanUp deletes all that was written, also after ctx has ended.
func (m *meter) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if err := m.Store.Delete(ctx, m.written...); err != nil {
		return fmt.Errorf("objects under %s/ may be left: %w", m.Prefix, err)
	}
	return nil
}

// content is bytes that do not compress.
func content(n int) []byte {
	p := make([]byte, n)
	x := uint64(n)
	for i := range p {
		x = x*6364136223846793005 + 1442695040888963407
		p[i] = byte(x >> 56)
	}
	return p
}
