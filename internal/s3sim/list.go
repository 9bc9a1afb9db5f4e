package s3sim

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// listedMax is how many entries one answer has at most.
const listedMax = 1000

// timeFormat is how S3 writes times in documents.
const timeFormat = "2006-01-02T15:04:05.000Z"

// listedObject is an object in a listing.
type listedObject struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type commonPrefix struct{ Prefix string }

// listing is the answer to ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

// listObjects answers ListObjectsV2.
func (s *Server) listObjects(c *call) error {
	q := c.r.URL.Query()
	after, limit, err := pageOf(q)
	if err != nil {
		return err
	}
	if err := s.wait(c, 0); err != nil {
		return err
	}
	answer := listing{
		Name: c.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
		EncodingType: q.Get("encoding-type"), MaxKeys: limit, ContinuationToken: q.Get("continuation-token"),
	}
	encode := func(key string) string { return key }
	if answer.EncodingType == "url" {
		encode = url.QueryEscape
		answer.Prefix, answer.Delimiter, answer.StartAfter = encode(answer.Prefix), encode(answer.Delimiter), encode(answer.StartAfter)
	}
	s.mu.Lock()
	p := s.index.list(c.bucket+"/"+q.Get("prefix"), c.bucket+"/"+after, q.Get("delimiter"), limit)
	s.mu.Unlock()
	for _, e := range p.entries {
		answer.Contents = append(answer.Contents, listedObject{
			Key: encode(c.keyOf(e.path)), LastModified: stamp(e.o.modified), ETag: e.o.etag, Size: e.o.size, StorageClass: "STANDARD",
		})
	}
	for _, f := range p.folders {
		answer.CommonPrefixes = append(answer.CommonPrefixes, commonPrefix{encode(c.keyOf(f))})
	}
	answer.KeyCount = len(p.entries) + len(p.folders)
	if answer.IsTruncated = p.more; p.more && limit > 0 {
		answer.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(c.keyOf(p.last)))
	}
	answerXML(c.w, http.StatusOK, answer)
	return nil
}

// pageOf finds where a page begins and how long it may be.
func pageOf(q url.Values) (after string, limit int, err error) {
	limit = listedMax
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return "", 0, invalid("max-keys is no number")
		}
		limit = min(n, listedMax)
	}
	after = q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		key, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return "", 0, invalid("the continuation token is not one of this store")
		}
		after = string(key)
	}
	return after, limit, nil
}

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// keyOf is the key of a path in the bucket that is asked for.
func (c *call) keyOf(path string) string { return path[len(c.bucket)+1:] }
