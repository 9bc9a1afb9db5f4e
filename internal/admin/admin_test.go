package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	ready := errors.New("recovering the write-ahead log")
	s := New(Config{
		Healthy: func() error { return nil },
		Ready:   func() error { return ready },
		Metrics: func(w io.Writer) { _, _ = io.WriteString(w, "seawall_up 1\n") },
		Status:  func() any { return map[string]int{"node": 7} },
		Log:     slog.New(slog.DiscardHandler),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { s.Serve(l); close(done) }()
	for _, tt := range []struct {
		path, body string
		code       int
	}{
		{"/healthz", "ok", 200},
		{"/readyz", "recovering the write-ahead log", 503},
		{"/metrics", "seawall_up 1", 200},
		{"/v1/status", `{"node":7}`, 200},
		{"/debug/pprof/cmdline", "", 200},
		{"/nothing", "404 page not found", 404},
	} {
		resp, err := http.Get("http://" + l.Addr().String() + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != tt.code || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: %d %q, %v; want %d %q", tt.path, resp.StatusCode, body, err, tt.code, tt.body)
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-done
}
