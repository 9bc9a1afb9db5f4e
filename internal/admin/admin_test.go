package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	recovering := errors.New("recovering the write-ahead log")
	var ready, waits error
	s := New(Config{
		Healthy: func() error { return nil },
		Ready:   func() error { return ready },
		Waits:   func() error { return waits },
		Metrics: func(w io.Writer) { _, _ = io.WriteString(w, "seawall_up 1\n") },
		Status:  func() (any, error) { return map[string]int{"node": 7}, nil },
		Plan:    func() (any, error) { return nil, recovering },
		Drain: func(_ context.Context, node int32) error {
			if node != 7 {
				return errors.New("unknown node")
			}
			return nil
		},
		Losses: func(which string) (any, error) {
			if which != "7" {
				return nil, errors.New("no such WAL")
			}
			return which, nil
		},
		Abandon: func(_ context.Context, a Abandon) error {
			if a != (Abandon{"i", 7, 3, true}) {
				return errors.New("another holder")
			}
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { s.Serve(l); close(done) }()
	for _, tt := range []struct {
		path, body   string
		code         int
		ready, waits error
	}{
		{path: "/healthz", body: "ok", code: 200},
		{path: "/readyz", body: "ready\n", code: 200},
		{path: "/readyz", body: "recovering the write-ahead log", code: 503, ready: recovering},
		{path: "/readyz", body: "ready\none waits", code: 200, waits: errors.New("one waits")},
		{path: "/readyz?partitions=all", body: "one waits", code: 503, waits: errors.New("one waits")},
		{path: "/readyz?partitions=all", body: "ready\n", code: 200},
		{path: "/metrics", body: "seawall_up 1", code: 200},
		{path: "/v1/status", body: `{"node":7}`, code: 200},
		{path: "/v1/balance", body: "recovering the write-ahead log", code: 503},
		{path: "/v1/drain", body: "Method Not Allowed", code: 405},
		{path: "/v1/wal/losses?wal=7", body: `"7"`, code: 200},
		{path: "/v1/wal/losses?wal=8", body: "no such WAL", code: 409},
		{path: "/debug/pprof/cmdline", body: "", code: 200},
		{path: "/nothing", body: "404 page not found", code: 404},
	} {
		ready, waits = tt.ready, tt.waits
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
	for node, code := range map[string]int{"7": 202, "8": 409, "x": 400} {
		resp, err := http.PostForm("http://"+l.Addr().String()+"/v1/drain", url.Values{"node": {node}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("drain %s: %d, want %d", node, resp.StatusCode, code)
		}
	}
	for epoch, code := range map[string]int{"3": 200, "4": 409, "x": 400} {
		resp, err := http.PostForm("http://"+l.Addr().String()+"/v1/wal/abandon",
			url.Values{"instance": {"i"}, "holder": {"7"}, "epoch": {epoch}, "force": {"true"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("abandon at epoch %s: %d, want %d", epoch, resp.StatusCode, code)
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-done
}
