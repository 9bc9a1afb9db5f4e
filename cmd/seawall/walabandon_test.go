package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/node/status"
)

// Without --yes the losses are listed and nothing is done; with it, what was
// listed is given up as it was listed.
func TestWALAbandon(t *testing.T) {
	const instance = "0123456789abcdef0123456789abcdef"
	losses := status.Losses{WALs: []status.LostWAL{{
		Instance: instance, Location: "file:///wal/3", Node: 3, Holder: 2, HolderEpoch: 5, Rescuer: 2, OutOfReach: true,
		Parts: []status.LostPart{{Topic: "t", Index: 1, From: 10, End: 20}, {Topic: "u", Index: 0, From: 7, End: -1}},
	}}}
	var given []url.Values
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/wal/losses":
			if r.FormValue("wal") != "3" {
				http.Error(w, "no such WAL", http.StatusConflict)
				return
			}
			_ = json.NewEncoder(w).Encode(losses)
		case "POST /v1/wal/abandon":
			_ = r.ParseForm()
			given = append(given, r.PostForm)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	admin := strings.TrimPrefix(s.URL, "http://")
	listed := []string{instance, "held last by node 2 at epoch 5", "t-1", "offsets 10 to 19", "u-0", "from offset 7 on"}

	code, out, errs := execute(t, "wal", "abandon", "3", "--admin", admin)
	if code != exitFailed || len(given) > 0 || !strings.Contains(errs, "--yes") {
		t.Errorf("without --yes: exit %d, %q, given up %v", code, errs, given)
	}
	for _, words := range listed {
		if !strings.Contains(out, words) {
			t.Errorf("the list lacks %q:\n%s", words, out)
		}
	}
	code, out, errs = execute(t, "wal", "abandon", "3", "--admin", admin, "--yes")
	want := []url.Values{{"instance": {instance}, "holder": {"2"}, "epoch": {"5"}, "force": {"false"}}}
	if d := cmp.Diff(want, given); code != exitDone || d != "" || !strings.Contains(out, "given up") {
		t.Errorf("with --yes: exit %d, %q %q, given up (-want +got):\n%s", code, out, errs, d)
	}
	if code, _, errs = execute(t, "wal", "abandon", "4", "--admin", admin, "--yes"); code != exitFailed || !strings.Contains(errs, "no such WAL") {
		t.Errorf("an unknown one: exit %d, %q", code, errs)
	}
}
