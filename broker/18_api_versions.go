package broker

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ApiVersions (KIP-35): what this broker speaks.
//
//   - The keys and versions come from the registry; APIs between brokers are
//     not told.
//   - A version above ours is answered in version 0 with UNSUPPORTED_VERSION
//     and the range of ApiVersions alone, so that the client can ask again
//     (KIP-511). The response header is always version 0.
//   - v3 brings the client's software name and version, which must look like a
//     version; features (KIP-584) go back as tagged fields.
//   - v4 may tell features whose lowest version is 0; before, clients choke on
//     them (KAFKA-17011), so they are left out.
//   - v5: cluster id and node id that the client believes to talk to; both or
//     neither, and another cluster or node means REBOOTSTRAP_REQUIRED.
const (
	apiVersionsMin = 0
	apiVersionsMax = 5
)

// Features are the feature levels of the cluster (KIP-584).
type Features struct {
	Supported []Feature // by this broker
	Finalized []Feature // for the whole cluster; Max is the level
	Epoch     int64     // of Finalized, -1 when not known
}

// Feature is a range of levels of one feature.
type Feature struct {
	Name     string
	Min, Max int16
}

// Identity is who a broker is, to clients that check whom they talk to.
type Identity struct {
	ClusterID string
	NodeID    int32
}

// RegisterApiVersions adds ApiVersions to r. features is asked at each request.
func RegisterApiVersions(r *Registry, self Identity, features func() Features) {
	h := apiVersions{r, self, features}
	Handle(r, apiVersionsMin, apiVersionsMax, h.serve, answerAnyVersion)
}

// answerAnyVersion makes the two exceptions that the protocol makes for it.
func answerAnyVersion(reg *registration) {
	reg.AnyVersion = true
	reg.PlainResponse = true
}

type apiVersions struct {
	registry *Registry
	self     Identity
	features func() Features
}

// softwareName is what Kafka takes for a client software's name or version.
var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

func (h apiVersions) serve(c *Ctx, req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	if c.Unsupported {
		resp.ErrorCode = kerr.UnsupportedVersion.Code
		own := kmsg.NewApiVersionsResponseApiKey()
		own.ApiKey, own.MinVersion, own.MaxVersion = c.Key, apiVersionsMin, apiVersionsMax
		resp.ApiKeys = append(resp.ApiKeys, own)
		return resp
	}
	if resp.ErrorCode = h.check(req); resp.ErrorCode != 0 {
		return resp
	}
	if req.Version >= 3 {
		c.Conn.SetSoftware(req.ClientSoftwareName, req.ClientSoftwareVersion)
	}
	resp.ApiKeys = h.registry.advertised()
	h.addFeatures(resp, req.Version)
	return resp
}

func (h apiVersions) check(req *kmsg.ApiVersionsRequest) int16 {
	if req.Version >= 3 && !(softwareName.MatchString(req.ClientSoftwareName) &&
		softwareName.MatchString(req.ClientSoftwareVersion)) {
		return kerr.InvalidRequest.Code
	}
	switch {
	case req.Version < 5 || req.ClusterID == nil && req.NodeID == -1:
		return 0
	case req.ClusterID == nil || req.NodeID == -1:
		return kerr.InvalidRequest.Code
	case *req.ClusterID != h.self.ClusterID || req.NodeID != h.self.NodeID:
		return kerr.RebootstrapRequired.Code
	}
	return 0
}

func (h apiVersions) addFeatures(resp *kmsg.ApiVersionsResponse, version int16) {
	f := h.features()
	for _, x := range f.Supported {
		if x.Min == 0 && version < 4 {
			continue
		}
		s := kmsg.NewApiVersionsResponseSupportedFeature()
		s.Name, s.MinVersion, s.MaxVersion = x.Name, x.Min, x.Max
		resp.SupportedFeatures = append(resp.SupportedFeatures, s)
	}
	resp.FinalizedFeaturesEpoch = f.Epoch
	for _, x := range f.Finalized {
		s := kmsg.NewApiVersionsResponseFinalizedFeature()
		s.Name, s.MinVersionLevel, s.MaxVersionLevel = x.Name, x.Min, x.Max
		resp.FinalizedFeatures = append(resp.FinalizedFeatures, s)
	}
}
