package s3sim

import (
	"encoding/xml"
	"io"
	"net/http"
)

const (
	// deletesMax is how many keys one request may delete.
	deletesMax = 1000
	// documentBytesMax bounds the documents that clients send.
	documentBytesMax = 8 << 20
)

// deleteObject removes an object, if there is one.
func (s *Server) deleteObject(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	s.remove(c.path())
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteObjects removes many objects.
func (s *Server) deleteObjects(c *call) error {
	var request struct {
		Quiet  bool
		Object []struct{ Key string }
	}
	if err := readDocument(c.r, &request); err != nil {
		return err
	}
	if len(request.Object) == 0 || len(request.Object) > deletesMax {
		return errMalformed
	}
	if err := s.wait(c, 0); err != nil {
		return err
	}
	type deleted struct{ Key string }
	answer := struct {
		XMLName xml.Name `xml:"DeleteResult"`
		Deleted []deleted
	}{}
	for _, o := range request.Object {
		s.remove(c.bucket + "/" + o.Key)
		if !request.Quiet {
			answer.Deleted = append(answer.Deleted, deleted{o.Key})
		}
	}
	answerXML(c.w, http.StatusOK, answer)
	return nil
}

// readDocument reads a request's body of bounded length as XML.
func readDocument(r *http.Request, into any) error {
	content, err := newBody(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(content, documentBytesMax+1))
	if err != nil {
		return err
	}
	if len(text) > documentBytesMax || xml.Unmarshal(text, into) != nil {
		return errMalformed
	}
	return nil
}
