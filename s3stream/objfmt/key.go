package objfmt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
)

// KeyParts is what an object's key says.
type KeyParts struct {
	Object  ids.ObjectID
	Cluster string   // the cluster's id: letters, digits, '-' and '_'
	Attempt ids.UUID // another for each attempt at writing the object's content
}

// Key is where an object lies in the store:
//
//	<object id, 16 hex digits, last digit first>/<cluster id>/<attempt, 32 hex digits>
//
// The digit that changes most often comes first, so that keys spread over the
// prefixes by which stores divide their load. The attempt makes keys unique: no
// two contents ever meet under one key.
func (k KeyParts) Key() string {
	return k.Prefix() + k.Attempt.Hex()
}

// Prefix is what the keys of all attempts at the cluster's object begin with,
// and no other's, whatever clusters share the bucket: for finding what an
// upload left whose end nobody knows.
func (k KeyParts) Prefix() string { return reversedHex(k.Object) + "/" + k.Cluster + "/" }

func reversedHex(id ids.ObjectID) string {
	digits := fmt.Appendf(nil, "%016x", uint64(id))
	slices.Reverse(digits)
	return string(digits)
}

// ParseKey reads a key that Key made; anything else is an error.
func ParseKey(key string) (KeyParts, error) {
	hex, rest, _ := strings.Cut(key, "/")
	cluster, attempt, _ := strings.Cut(rest, "/")
	digits := []byte(hex)
	slices.Reverse(digits)
	id, err := strconv.ParseUint(string(digits), 16, 64)
	if err != nil {
		return KeyParts{}, fmt.Errorf("objfmt: key %q does not begin with an object id", key)
	}
	uuid, err := ids.ParseUUID(attempt)
	if err != nil {
		return KeyParts{}, fmt.Errorf("objfmt: key %q does not end with an attempt: %w", key, err)
	}
	k := KeyParts{Object: ids.ObjectID(id), Cluster: cluster, Attempt: uuid}
	if cluster == "" || k.Key() != key {
		return KeyParts{}, fmt.Errorf("objfmt: key %q is not in its only form, %q", key, k.Key())
	}
	return k, nil
}
