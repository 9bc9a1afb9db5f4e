package server

import (
	"log/slog"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
)

// Config is what a Server needs. Zero limits take the defaults stated; a
// negative limit means none where that is stated.
type Config struct {
	// Clock tells the time for idle and stall limits and for latencies.
	Clock clock.Clock
	// Log gets a line for every connection that is closed for a fault.
	Log *slog.Logger
	// Requests pays for request bytes from the frame's first byte until the
	// request is answered or its body released (256 MiB of its own).
	Requests *budget.Account
	// Decoded pays for what large requests are decoded to: before decoding for
	// the worst case, afterwards for what it was. It is an account of its own
	// so that such a request does not hold up the produces (64 MiB of its own).
	Decoded *budget.Account
	// Observe, if set, is called once a response was handed to the socket (or,
	// without one, when the request was done). It must not block.
	Observe func(Sample)

	// RequestBytesMax bounds a frame (socket.request.max.bytes, 100 MiB).
	RequestBytesMax int
	// InFlightMax bounds the unanswered requests of a connection (1024).
	InFlightMax int
	// InFlightBytesMax bounds their bytes (RequestBytesMax); one request may
	// pass it when it is alone.
	InFlightBytesMax int
	// OutBytesMax bounds the response bytes that a connection's client has not
	// taken yet; past it no further request is read (1 MiB).
	OutBytesMax int
	// BlockingMax bounds the requests that are in blocking handlers, over all
	// connections (queued.max.requests, 500).
	BlockingMax int
	// ConnectionsMax bounds the connections (max.connections, 20000; negative:
	// none). Past it a listener accepts no more until one closes.
	ConnectionsMax int
	// ConnectionsPerIPMax bounds the connections from one address
	// (max.connections.per.ip, none); further ones are closed at once.
	ConnectionsPerIPMax int
	// IdleMax closes a connection without traffic and without requests in
	// flight (connections.max.idle.ms, 10 min), and one whose client took no
	// response byte for so long.
	IdleMax time.Duration
	// FrameMax is how long a frame may take from its first byte to its last, as
	// may a TLS handshake: 30 s, and one more second for each MiB.
	FrameMax time.Duration
}

// Sample is what one finished request cost.
type Sample struct {
	Key           int16
	RequestBytes  int           // frame without its length prefix
	ResponseBytes int           // on the wire; 0 when there was none
	Latency       time.Duration // from the frame's last byte to its response in the socket
}

// Listener says what a listener's connections may do.
type Listener struct {
	// Name is the listener's name in the configuration, e.g. PLAINTEXT.
	Name string
	// Private admits the APIs between brokers; elsewhere they are unknown.
	Private bool
	// Requests, if set, pays for request bytes instead of Config.Requests, so
	// that requests between brokers never wait for those of clients.
	Requests *budget.Account
}

func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.RequestBytesMax, 100<<20)
	def(&c.InFlightMax, 1024)
	def(&c.InFlightBytesMax, c.RequestBytesMax)
	def(&c.OutBytesMax, 1<<20)
	def(&c.BlockingMax, 500)
	def(&c.ConnectionsMax, 20000)
	if c.IdleMax == 0 {
		c.IdleMax = 10 * time.Minute
	}
	if c.FrameMax == 0 {
		c.FrameMax = 30 * time.Second
	}
	if c.Requests == nil {
		c.Requests = budget.New(256<<20).Account("server.requests", 256<<20)
	}
	if c.Decoded == nil {
		c.Decoded = budget.New(64<<20).Account("server.decoded", 64<<20)
	}
	if c.Clock == nil {
		c.Clock = clock.Wall()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
