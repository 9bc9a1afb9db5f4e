// Package model is what a simulated object store knows of time: how long its
// operations take, how much it moves and how often it fails. It has no clock of
// its own and waits for nothing; whoever serves asks it and does the waiting.
//
// A profile is data. Latency is lognormal, with a median and a sigma by
// operation and size:
//
//	latency = median × exp(sigma × z), z standard normal
//
// Between two sizes of a curve ln(median) and sigma follow ln(bytes) in a
// straight line, before the first and after the last they stay. The latency of
// a write holds for the whole request, so that bytes beyond the curve's last
// size add their time at the bandwidth of a connection. The latency of a read
// is that of the first byte; all bytes then come at that bandwidth.
//
// What happens to the n-th request of an operation is drawn from the seed, the
// operation and n alone: it is the same in every run, whatever else happened.
//
// A profile is JSON. Each figure has its source beside it, and "estimate": true
// where that does not give it itself. Validate refuses a figure without a source:
//
//	{
//	  "format": 1,
//	  "name": "s3-standard",
//	  "about": "what it stands for, in a sentence",
//	  "express": false,
//	  "latency": {
//	    "put": [{"bytes": 65536, "median_ms": 27, "sigma": 0.33, "source": "…", "url": "…"}],
//	    "get": […], "head": […], "list": […], "delete": […]
//	  },
//	  "connection": {"bytes_per_second": 80e6, "source": "…"},
//	  "total":      {"bytes_per_second": 1.25e9, "source": "…"},
//	  "writes":     {"per_second": 3500, "source": "…"},
//	  "reads":      {"per_second": 5500, "source": "…"},
//	  "prefix_folders": 1,
//	  "stalls": {"share": 0.0005, "shortest_ms": 1000, "longest_ms": 10000, "source": "…"},
//	  "errors": {"share": 0.0001, "source": "…"}
//	}
//
// What is left out does not exist: no limit, no stall, no error, no latency.
//
// Owns: the profile, its format and its faults; the draw; the arithmetic of
// links and of request rates. Does not own: clocks, requests, the profiles
// themselves (internal/s3sim). Goroutines and locks: none; Link and Limits are
// their user's to guard.
package model
