package toxic

import (
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Faults are what befalls the requests that pass a Gate: each is the share of
// them, 0 to 1, that it strikes. Their sum is at most 1.
type Faults struct {
	Cut   float64 // cut before the server hears of it
	Error float64 // answered with 500 or 503, and the server does not hear of it
	Lost  float64 // done by the server; instead of the answer the connection is cut
	Late  float64 // done by the server; the answer is held back for Delay
	Delay time.Duration
}

// Gate stands before an HTTP server, on the loopback, and spoils some of what is
// asked of it. Goroutines: those of net/http; Close ends them all.
type Gate struct {
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	struck   atomic.Int64
	errors   atomic.Int64 // answered: they alternate

	mu     sync.Mutex
	faults Faults
	random *rand.Rand
}

// fate is what happens to one request.
type fate int

const (
	spared fate = iota
	cut
	failed
	lost
	late
)

// errLost is how an answer that is not to arrive ends.
var errLost = errors.New("toxic: the answer is lost")

// NewGate listens on a free port before the server at target, a URL. Which
// requests are struck is drawn from the seed.
func NewGate(target string, seed uint64) (*Gate, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &Gate{listener: l, random: rand.New(rand.NewPCG(seed, 0))}
	silent := log.New(io.Discard, "", 0) // what is cut is cut on purpose
	g.server = &http.Server{Handler: g.handler(to, silent), ErrorLog: silent}
	g.serving.Go(func() { _ = g.server.Serve(l) }) // ends with Close
	return g, nil
}

// Addr is the address in front of the server.
func (g *Gate) Addr() string { return g.listener.Addr().String() }

// Set changes what befalls requests from now on.
func (g *Gate) Set(f Faults) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = f
}

// Struck is how many requests a fault has befallen so far.
func (g *Gate) Struck() int64 { return g.struck.Load() }

// Close ends the gate.
func (g *Gate) Close() {
	g.server.Close()
	g.serving.Wait()
}

// draw decides on a request.
func (g *Gate) draw() (fate, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.random.Float64()
	for f, share := range []float64{cut: g.faults.Cut, failed: g.faults.Error, lost: g.faults.Lost, late: g.faults.Late} {
		if at < share {
			g.struck.Add(1)
			return fate(f), g.faults.Delay
		}
		at -= share
	}
	return spared, 0
}

func (g *Gate) handler(to *url.URL, silent *log.Logger) http.Handler {
	pass := func(answer func(*http.Response) error) *httputil.ReverseProxy {
		return &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = r.In.Host // it is signed
			},
			Transport:      transport,
			ModifyResponse: answer,
			ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
			ErrorLog:       silent,
		}
	}
	through := pass(nil)
	losing := pass(func(*http.Response) error { return errLost })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch what, delay := g.draw(); what {
		case cut:
			panic(http.ErrAbortHandler) // hangs up
		case failed:
			_, _ = io.Copy(io.Discard, r.Body) // a client that is told in the middle might miss it
			w.WriteHeader([...]int{http.StatusServiceUnavailable, http.StatusInternalServerError}[g.errors.Add(1)%2])
		case lost:
			losing.ServeHTTP(w, r)
		case late:
			pass(func(a *http.Response) error { return hold(a, delay) }).ServeHTTP(w, r)
		default:
			through.ServeHTTP(w, r)
		}
	})
}

// transport keeps as many connections to a server as its users do.
var transport = &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}

// hold holds an answer back, unless its client leaves.
func hold(a *http.Response, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-a.Request.Context().Done():
		return a.Request.Context().Err()
	}
}
