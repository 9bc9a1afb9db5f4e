package toxic

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	var done atomic.Int64 // what the server has done
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 100_000 || r.Method != http.MethodPut {
			t.Errorf("%s of %d bytes: %v", r.Method, len(body), err)
		}
		done.Add(1)
		_, _ = io.WriteString(w, "done at "+r.Host)
	}))
	defer server.Close()
	g, err := NewGate(server.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	put := func() (status int, answer string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+g.Addr()+"/key", strings.NewReader(strings.Repeat("x", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return 0, ""
		}
		defer a.Body.Close()
		body, _ := io.ReadAll(a.Body)
		return a.StatusCode, string(body)
	}
	const delay = 50 * time.Millisecond
	for _, test := range []struct {
		what   string
		faults Faults
		status int // 0: no answer
		done   bool
	}{
		{"spared", Faults{}, http.StatusOK, true},
		{"cut", Faults{Cut: 1}, 0, false},
		{"an error", Faults{Error: 1}, http.StatusInternalServerError, false},
		{"another", Faults{Error: 1}, http.StatusServiceUnavailable, false},
		{"lost", Faults{Lost: 1}, 0, true},
		{"late", Faults{Late: 1, Delay: delay}, http.StatusOK, true},
		{"spared again", Faults{}, http.StatusOK, true},
	} {
		g.Set(test.faults)
		before, struck, began := done.Load(), g.Struck(), time.Now()
		status, answer := put()
		took := time.Since(began)
		if status != test.status || done.Load() > before != test.done {
			t.Errorf("%s: status %d, done %v; want %d, %v", test.what, status, done.Load() > before, test.status, test.done)
		}
		if status == http.StatusOK && answer != "done at "+g.Addr() {
			t.Errorf("%s: the server saw another host than the client named: %q", test.what, answer)
		}
		if strikes := test.faults != (Faults{}); (g.Struck() > struck) != strikes {
			t.Errorf("%s: %d struck", test.what, g.Struck()-struck)
		}
		if test.faults.Late > 0 && took < delay {
			t.Errorf("%s: answered after %v", test.what, took)
		}
	}
}
