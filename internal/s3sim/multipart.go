package s3sim

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seawallmq/seawall/internal/crc"
)

const (
	// partBytesMin is what every part but the last must have.
	partBytesMin = 5 << 20
	// partsMax is the highest number of a part.
	partsMax = 10_000
)

// createUpload begins an upload.
func (s *Server) createUpload(c *call) error {
	meta, err := metadata(c.r.Header)
	if err != nil {
		return err
	}
	if err := s.wait(c, 0); err != nil {
		return err
	}
	u := &upload{
		path: c.path(), id: fmt.Sprintf("%016x", s.serial.Add(1)), begun: s.o.Clock.Now(), meta: meta,
		sums: strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Algorithm"), "CRC32C"), parts: map[int]*part{},
	}
	s.mu.Lock()
	full := len(s.index.uploads) >= uploadsMax
	if !full {
		s.index.uploads[u.id] = u
	}
	s.mu.Unlock()
	if full {
		return errTooManyObjects
	}
	answerXML(c.w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadId string
	}{Bucket: c.bucket, Key: c.key, UploadId: u.id})
	return nil
}

// upload finds the upload that a request names. Caller holds s.mu.
func (s *Server) upload(c *call) (*upload, error) {
	u, ok := s.index.uploads[c.r.URL.Query().Get("uploadId")]
	if !ok || u.path != c.path() {
		return nil, errNoSuchUpload
	}
	return u, nil
}

// uploadPart receives a part, in place of an earlier one of its number.
func (s *Server) uploadPart(c *call) error {
	number, err := strconv.Atoi(c.r.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > partsMax {
		return invalid("part numbers are 1 to 10000")
	}
	content, err := newBody(c.r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	u, err := s.upload(c)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	p := new(part)
	if p.extent, err = s.receivePart(c, u, content, p); err != nil {
		return err
	}
	if err := s.wait(c, content.size); err != nil {
		s.volume.release(p.extent)
		return err
	}
	if err := s.addPart(u, number, p); err != nil {
		s.volume.release(p.extent)
		return err
	}
	s.counts.of(c.op).bytes.Add(content.size)
	c.w.Header().Set("ETag", p.etag)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// receivePart is receive, with the part's checksum where the upload wants one.
func (s *Server) receivePart(c *call, u *upload, content *body, p *part) (extent, error) {
	if !u.sums {
		var none string
		return s.receive(c, content, &none)
	}
	e, sum, err := s.volume.store(content, content.size, true)
	if err == nil {
		p.crc32c = sum
		if err = content.check(sum); err != nil {
			s.volume.release(e)
		}
	}
	return e, err
}

// addPart makes a part one of its upload, unless that has ended meanwhile.
func (s *Server) addPart(u *upload, number int, p *part) error {
	p.etag, p.modified = s.newETag(), s.o.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := u.parts[number]
	switch {
	case u.closed:
		return errNoSuchUpload
	case old != nil:
		s.volume.release(old.extent)
	case s.index.held >= s.o.ObjectsMax:
		return errTooManyObjects
	default:
		s.index.held++
	}
	u.parts[number] = p
	return nil
}

// completion is the document that ends an upload.
type completion struct {
	Part []struct {
		PartNumber int
		ETag       string
	}
}

// completeUpload makes an object of the parts that the client names.
func (s *Server) completeUpload(c *call) error {
	var request completion
	if err := readDocument(c.r, &request); err != nil {
		return err
	}
	ifAbsent, err := condition(c.r.Header)
	if err != nil {
		return err
	}
	if err := s.wait(c, 0); err != nil {
		return err
	}
	s.mu.Lock()
	o, old, err := s.complete(c, &request, ifAbsent)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.unpin(old)
	answerXML(c.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket  string
		Key     string
		ETag    string
	}{Bucket: c.bucket, Key: c.key, ETag: o.etag})
	return nil
}

// complete makes the object and ends the upload; an upload that is refused goes
// on. Caller holds s.mu.
func (s *Server) complete(c *call, request *completion, ifAbsent bool) (o, old *object, err error) {
	u, err := s.upload(c)
	if err != nil {
		return nil, nil, err
	}
	o, err = u.assemble(request)
	if err != nil {
		return nil, nil, err
	}
	if said := c.r.Header.Get(checksumHeader); u.sums && said != "" && said != o.crc32c {
		return nil, nil, errBadDigest
	}
	o.etag, o.modified = s.newETag(), s.o.Clock.Now()
	if old, err = s.index.set(u.path, o, ifAbsent); err != nil {
		return nil, nil, err
	}
	for _, p := range request.Part {
		delete(u.parts, p.PartNumber)
		s.index.held--
	}
	s.drop(u)
	return o, old, nil
}

// assemble makes an object of the parts that were named.
func (u *upload) assemble(request *completion) (*object, error) {
	if len(request.Part) == 0 {
		return nil, errMalformed
	}
	o := &object{meta: u.meta}
	sum := uint32(0)
	for i, named := range request.Part {
		p := u.parts[named.PartNumber]
		switch {
		case i > 0 && named.PartNumber <= request.Part[i-1].PartNumber:
			return nil, errPartOrder
		case p == nil || strings.Trim(named.ETag, `"`) != strings.Trim(p.etag, `"`):
			return nil, errInvalidPart
		case i+1 < len(request.Part) && p.extent.len < partBytesMin:
			return nil, errTooSmall
		}
		o.parts = append(o.parts, p.extent)
		o.size += p.extent.len
		sum = crc.Combine(sum, p.crc32c, int(p.extent.len))
	}
	if u.sums {
		o.crc32c = encodeCRC(sum)
	}
	return o, nil
}

// drop ends an upload and frees the parts that it still has. Caller holds s.mu.
func (s *Server) drop(u *upload) {
	u.closed = true
	delete(s.index.uploads, u.id)
	for _, p := range u.parts {
		s.volume.release(p.extent)
		s.index.held--
	}
	u.parts = nil
}

// abortUpload gives an upload up.
func (s *Server) abortUpload(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	s.mu.Lock()
	u, err := s.upload(c)
	if err == nil {
		s.drop(u)
	}
	s.mu.Unlock()
	if err == nil {
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// listedUpload is an upload in a listing.
type listedUpload struct {
	Key       string
	UploadId  string
	Initiated string
}

// listUploads answers which uploads are under way: by key, then by age.
func (s *Server) listUploads(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	q := c.r.URL.Query()
	answer := struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket             string
		Prefix             string
		MaxUploads         int
		IsTruncated        bool
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIdMarker string `xml:",omitempty"`
		Upload             []listedUpload
	}{Bucket: c.bucket, Prefix: q.Get("prefix"), MaxUploads: listedMax}
	key, id := q.Get("key-marker"), q.Get("upload-id-marker")
	s.mu.Lock()
	for _, u := range s.index.uploads {
		if !strings.HasPrefix(u.path, c.bucket+"/"+answer.Prefix) {
			continue
		}
		if k := c.keyOf(u.path); k > key || k == key && id != "" && u.id > id {
			answer.Upload = append(answer.Upload, listedUpload{k, u.id, stamp(u.begun)})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(answer.Upload, func(a, b listedUpload) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.UploadId, b.UploadId))
	})
	if len(answer.Upload) > listedMax {
		answer.Upload = answer.Upload[:listedMax]
		last := answer.Upload[listedMax-1]
		answer.IsTruncated, answer.NextKeyMarker, answer.NextUploadIdMarker = true, last.Key, last.UploadId
	}
	answerXML(c.w, http.StatusOK, answer)
	return nil
}

// listedPart is a part in a listing.
type listedPart struct {
	PartNumber   int
	ETag         string
	Size         int64
	LastModified string
}

// listParts answers which parts an upload has.
func (s *Server) listParts(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	after, _ := strconv.Atoi(c.r.URL.Query().Get("part-number-marker")) // none is 0
	answer := struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		Bucket               string
		Key                  string
		UploadId             string
		MaxParts             int
		IsTruncated          bool
		NextPartNumberMarker int
		Part                 []listedPart
	}{Bucket: c.bucket, Key: c.key, MaxParts: listedMax}
	s.mu.Lock()
	u, err := s.upload(c)
	if err == nil {
		answer.UploadId = u.id
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			if number <= after {
				continue
			}
			if answer.IsTruncated = len(answer.Part) == listedMax; answer.IsTruncated {
				break
			}
			p := u.parts[number]
			answer.Part = append(answer.Part, listedPart{number, p.etag, p.extent.len, stamp(p.modified)})
			answer.NextPartNumberMarker = number
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	answerXML(c.w, http.StatusOK, answer)
	return nil
}
