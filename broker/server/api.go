package server

// Handler knows the APIs. It must be safe for concurrent use and must not
// change once it serves.
type Handler interface {
	// API returns the API of a key, nil if there is none.
	API(key int16) *API
}

// API is what the framing has to know about one API of the protocol.
type API struct {
	// Key is the API's number in the protocol.
	Key int16
	// MinVersion and MaxVersion bound the versions that Serve understands. A
	// request outside of them closes the connection unless AnyVersion is set.
	MinVersion, MaxVersion int16
	// FlexibleVersion is the first version with tagged fields (KIP-482); past
	// MaxVersion if there is none.
	FlexibleVersion int16
	// AnyVersion lets Serve answer versions it does not understand (KIP-511:
	// ApiVersions answers them with UNSUPPORTED_VERSION). Such a request has
	// Request.Unsupported set, Version 0 and no body.
	AnyVersion bool
	// PlainResponse keeps the response header at version 0 in flexible
	// versions too: ApiVersions, whose client does not know the broker yet.
	PlainResponse bool
	// Private marks an API between brokers.
	Private bool
	// FrameBytesMax bounds a frame of this API below Config.RequestBytesMax;
	// zero does not.
	FrameBytesMax int
	// DecodeFactor is how many bytes of memory decoding makes of one byte of
	// the frame, at worst. Zero says that Serve decodes in place: then the
	// body lies in a pooled buffer, which is recycled when the request is
	// answered. Otherwise it is ordinary memory, which decoded values may keep.
	DecodeFactor int
	// Progressive says that Serve reads the body of a large frame while it is still
	// coming: see Request.Await.
	Progressive bool
	// Blocking says that Serve may block the reader.
	Blocking bool
	// Serve handles a request. It runs on the connection's reader goroutine;
	// it must see to it that the request's Ticket is answered exactly once.
	Serve func(*Request)
}

func (a *API) flexible(version int16) bool { return version >= a.FlexibleVersion }
