package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Direct is how topics are acknowledged from object storage that have
// diskless.enable=true, all of them where s3.wal.path is 0@s3://….
type Direct struct {
	Interval   time.Duration // for which appends gather for one object
	BatchBytes int64         // of them, which end it before
	PutsMax    int           // in flight at once
}

const (
	directIntervalMax = time.Minute
	directBytesMin    = 64 << 10
	directBytesMax    = 256 << 20
	directPutsMost    = 256
)

// directURL is what s3.wal.path says where it is 0@s3://…: zero values where it
// leaves the choice to the diskless.… properties.
type directURL struct {
	Direct
	bucket string     // "" is that of s3.data.buckets
	store  url.Values // parameters that are the store's
}

// parseDirectURL reads s3.wal.path=0@s3://bucket?batchInterval=…&maxBytesInBatch=…,
// in AutoMQ's words.
func parseDirectURL(u *url.URL) (directURL, error) {
	d := directURL{bucket: u.Host, store: url.Values{}}
	var errs []error
	if u.Path != "" && u.Path != "/" {
		errs = append(errs, fmt.Errorf("%q: what is acknowledged from object storage lies where s3.data.buckets says", u.Path))
	}
	q := u.Query()
	for _, name := range sortedKeys(q) {
		value := q.Get(name)
		var err error
		switch name {
		case "batchInterval":
			d.Interval, err = parseInterval(value)
		case "maxBytesInBatch":
			if d.BatchBytes, err = ParseSize(value); err == nil && (d.BatchBytes < directBytesMin || d.BatchBytes > directBytesMax) {
				err = fmt.Errorf("must be between %s and %s", FormatSize(directBytesMin), FormatSize(directBytesMax))
			}
		case "maxInflightUploadCount":
			d.PutsMax, err = parseCount(value, directPutsMost)
		case "region", "endpoint", "pathStyle", "authType":
			d.store[name] = q[name]
		default:
			err = errors.New("is no parameter of 0@s3://: known are batchInterval, maxBytesInBatch, maxInflightUploadCount")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return d, errors.Join(errs...)
}

// parseInterval reads milliseconds, or a duration with its unit.
func parseInterval(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if ms, plain := strconv.ParseInt(value, 10, 32); plain == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || d < time.Millisecond || d > directIntervalMax {
		return 0, fmt.Errorf("must be milliseconds, or a duration such as 250ms, between 1ms and %v", directIntervalMax)
	}
	return d, nil
}

// buildDirect takes what s3.wal.path says before the properties.
func (c *Config) buildDirect(r reader) {
	c.Direct = Direct{
		Interval:   r.duration("diskless.append.commit.interval.ms"),
		BatchBytes: r.long("diskless.append.buffer.max.bytes"),
		PutsMax:    r.int("diskless.append.uploads.max"),
	}
	if c.WAL.Kind != WALObjects {
		return
	}
	// Nothing else is possible: it stands for every topic that does not say.
	c.set[disklessEnable] = []setting{{"true", StaticBroker}}
	d := c.directURL(r)
	if d.Interval > 0 {
		c.Direct.Interval = d.Interval
	}
	if d.BatchBytes > 0 {
		c.Direct.BatchBytes = d.BatchBytes
	}
	if d.PutsMax > 0 {
		c.Direct.PutsMax = d.PutsMax
	}
}

func (c *Config) directURL(r reader) directURL {
	u, err := parseNumberedURL(r.text("s3.wal.path"))
	if err != nil {
		return directURL{} // was reported as the property's value
	}
	d, _ := parseDirectURL(u)
	return d
}

// disklessEnable is KIP-1150's name.
const disklessEnable = "diskless.enable"

// validateDirect checks that 0@s3:// names the data bucket, if it names one.
func (c *Config) validateDirect(faults *Faults) {
	if c.WAL.Kind != WALObjects || c.Store.URL == "" {
		return
	}
	r := reader(c.effective)
	d := c.directURL(r)
	data, err := parseNumberedURL(c.Store.URL)
	if err != nil {
		return // reported
	}
	differ := d.bucket != "" && (data.Scheme != "s3" || d.bucket != data.Host)
	for name, values := range d.store {
		differ = differ || data.Query().Get(name) != "" && strings.Join(values, "") != data.Query().Get(name)
	}
	if differ {
		faults.add("s3.wal.path", r.text("s3.wal.path"), "names another bucket than s3.data.buckets",
			"what is acknowledged from object storage lies with the rest: write s3.wal.path=0@s3://")
	}
}
