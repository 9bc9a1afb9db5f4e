package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/invariant"
)

// Registry holds the APIs that a broker serves. Register them all before it
// serves: it is not safe to add more later.
type Registry struct {
	public  [apiKeyMax + 1]*registration // by key, for Kafka's own APIs
	private map[int16]*registration
}

const apiKeyMax = 127

// registration is an API with what clients are told of it.
type registration struct {
	server.API
	advertisedMin int16
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{private: make(map[int16]*registration)} }

// API returns the API of a key, nil if it is not registered. It makes the
// registry a [server.Handler].
func (r *Registry) API(key int16) *server.API {
	if reg := r.lookup(key); reg != nil {
		return &reg.API
	}
	return nil
}

func (r *Registry) lookup(key int16) *registration {
	if key >= 0 && key <= apiKeyMax {
		return r.public[key]
	}
	return r.private[key]
}

// An Option changes how an API is registered.
type Option func(*registration)

// Blocking lets a handler wait: it may block its connection's reader. A bounded
// number of requests is in blocking handlers at a time.
func Blocking() Option { return func(reg *registration) { reg.Blocking = true } }

// AdvertiseFrom tells clients a lower first version than is served. A request
// in one of the versions between closes the connection, as on Kafka.
func AdvertiseFrom(version int16) Option {
	return func(reg *registration) { reg.advertisedMin = version }
}

// Progressive lets the handler begin with a large body before all of it has come:
// it awaits what it reads.
func Progressive() Option { return func(reg *registration) { reg.Progressive = true } }

// frameBytesDefault bounds requests that are decoded into structs. A hundred
// thousand topic-partitions fit.
const frameBytesDefault = 4 << 20

// add registers an API under the key and versions of the request it decodes.
func (r *Registry) add(api server.API, options []Option) {
	req := requestForKey(api.Key)
	invariant.Check(req != nil, "API key %d is not known to the codec", api.Key)
	invariant.Check(r.lookup(api.Key) == nil, "API key %d registered twice", api.Key)
	invariant.Check(0 <= api.MinVersion && api.MinVersion <= api.MaxVersion && api.MaxVersion <= req.MaxVersion(),
		"API key %d: versions %d to %d, the codec's highest is %d", api.Key, api.MinVersion, api.MaxVersion, req.MaxVersion())
	api.Private = api.Key > apiKeyMax
	api.FlexibleVersion = flexibleFrom(req)
	reg := &registration{API: api, advertisedMin: api.MinVersion}
	for _, o := range options {
		o(reg)
	}
	if api.Private {
		r.private[api.Key] = reg
	} else {
		r.public[api.Key] = reg
	}
}

// flexibleFrom is the first flexible version of a request, past its highest if
// it has none.
func flexibleFrom(req kmsg.Request) int16 {
	v := int16(0)
	for ; v <= req.MaxVersion(); v++ {
		if req.SetVersion(v); req.IsFlexible() {
			break
		}
	}
	return v
}

// advertised lists what clients are told by ApiVersions, by key.
func (r *Registry) advertised() []kmsg.ApiVersionsResponseApiKey {
	var keys []kmsg.ApiVersionsResponseApiKey
	for _, reg := range r.public {
		if reg == nil {
			continue
		}
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = reg.Key, reg.advertisedMin, reg.MaxVersion
		keys = append(keys, k)
	}
	return keys
}
