package define

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// TURNConfig is the server that carries the media of calls between devices that cannot reach each other: the one inside
// where Address is set, others where URLs are, none where neither is.
type TURNConfig struct {
	Address            string        `yaml:"address"` // the IP address at which clients reach this machine
	Listen             string        `yaml:"listen"`  // of UDP and TCP
	Realm              string        `yaml:"realm"`
	MinPort            int           `yaml:"min_port"` // of the relays
	MaxPort            int           `yaml:"max_port"`
	Peers              []string      `yaml:"peers"` // addresses or CIDR ranges that relays may reach although they are not public
	Allocations        int           `yaml:"allocations"`
	AllocationsPerUser int           `yaml:"allocations_per_user"`
	URLs               []string      `yaml:"urls"`
	Secret             string        `yaml:"secret"`
	SecretFile         string        `yaml:"secret_file"`
	CredentialTTL      time.Duration `yaml:"credential_ttl"`
}

func defaultTURN() TURNConfig {
	return TURNConfig{
		Listen: ":3478", Realm: "parlor", MinPort: 49152, MaxPort: 65535, Peers: []string{},
		Allocations: 1000, AllocationsPerUser: 32, URLs: []string{}, CredentialTTL: time.Hour,
	}
}

// The schemes of the servers that clients can be sent to: RFC 7064 and RFC 7065.
var turnSchemes = []string{"stun:", "stuns:", "turn:", "turns:"}

func (c TURNConfig) validate() []ConfigProblem {
	var found []ConfigProblem
	check := func(key, reason string) {
		if reason != "" {
			found = append(found, ConfigProblem{"turn." + key, reason})
		}
	}
	check("address", badPublicAddress(c.Address))
	check("listen", badAddress(c.Listen))
	if c.Realm == "" {
		check("realm", "must not be empty")
	}
	check("min_port", outside(c.MinPort, 1, math.MaxUint16))
	check("max_port", outside(c.MaxPort, max(c.MinPort, 1), math.MaxUint16))
	for _, peer := range c.Peers {
		check("peers", badNetwork(peer))
	}
	check("allocations", outside(c.Allocations, 1, math.MaxInt32))
	check("allocations_per_user", outside(c.AllocationsPerUser, 1, math.MaxInt32))
	for _, url := range c.URLs {
		check("urls", badTURNURL(url))
	}
	if c.Address != "" && len(c.URLs) > 0 {
		check("urls", "set together with turn.address: choose one")
	}
	if n := len(c.Secret); n > 0 && n < minSecretBytes && c.Address != "" {
		check("secret", fmt.Sprintf("too short: %d bytes, at least %d are needed", n, minSecretBytes))
	}
	if c.Secret == "" && slices.ContainsFunc(c.URLs, func(url string) bool { return strings.HasPrefix(url, "turn") }) {
		check("secret", "is needed for turn.urls")
	}
	if c.CredentialTTL < time.Minute {
		check("credential_ttl", fmt.Sprintf("must be at least 1m, is %s", c.CredentialTTL))
	}
	return found
}

func badPublicAddress(address string) string {
	if address == "" {
		return ""
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "" {
		return fmt.Sprintf("not an IP address that clients can reach: %q", address)
	}
	return ""
}

func badTURNURL(url string) string {
	if slices.ContainsFunc(turnSchemes, func(scheme string) bool { return strings.HasPrefix(url, scheme) && len(url) > len(scheme) }) {
		return ""
	}
	return fmt.Sprintf("must begin with stun:, stuns:, turn: or turns:, is %q", url)
}
