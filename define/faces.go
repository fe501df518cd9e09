package define

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// FacesConfig says which ways in for the clients of other systems are open (docs/faces.md).
type FacesConfig struct {
	Cotalk  FaceConfig    `yaml:"cotalk"`
	Instant InstantConfig `yaml:"instant"`
	Classic FaceConfig    `yaml:"classic"`
	Usersig UsersigConfig `yaml:"usersig"`
}

// FaceConfig is a face with nothing to set.
type FaceConfig struct {
	Enabled bool `yaml:"enabled"`
}

// InstantConfig is the face instant. With TrustNames a socket is whose it says it is, which is for loopback alone.
type InstantConfig struct {
	Enabled    bool `yaml:"enabled"`
	TrustNames bool `yaml:"trust_names"`
}

// UsersigConfig is the face usersig. With an empty Secret and without MinuteRule nobody gets a signature.
type UsersigConfig struct {
	Enabled    bool          `yaml:"enabled"`
	Secret     string        `yaml:"secret"` // of the deployment: who knows it may have a signature for any user
	SecretFile string        `yaml:"secret_file"`
	MinuteRule bool          `yaml:"minute_rule"` // the published MD5 rule, for accounts without a password
	Protocol   string        `yaml:"protocol"`    // running, document
	SigTTL     time.Duration `yaml:"sig_ttl"`
	URL        string        `yaml:"url"` // what the addresses of files begin with; empty: as the client addresses the server
}

func defaultFaces() FacesConfig {
	return FacesConfig{
		Cotalk:  FaceConfig{Enabled: true},
		Instant: InstantConfig{Enabled: true},
		Classic: FaceConfig{Enabled: true},
		Usersig: UsersigConfig{Enabled: true, Protocol: "running", SigTTL: 500 * time.Second},
	}
}

// validate needs to know where the server listens.
func (c FacesConfig) validate(listen string) []ConfigProblem {
	var found []ConfigProblem
	check := func(key, reason string) {
		if reason != "" {
			found = append(found, ConfigProblem{key, reason})
		}
	}
	if c.Instant.TrustNames && !OnLoopback(listen) {
		check("faces.instant.trust_names", fmt.Sprintf("must be false where other machines can connect: listen is %q", listen))
	}
	check("faces.usersig.secret", badSecret(c.Usersig.Secret))
	check("faces.usersig.protocol", notOneOf(c.Usersig.Protocol, "running", "document"))
	check("faces.usersig.sig_ttl", tooBrief(c.Usersig.SigTTL))
	check("faces.usersig.url", badPrefix(c.Usersig.URL))
	return found
}

// badPrefix takes what an absolute address begins with, to which a path is added.
func badPrefix(prefix string) string {
	if prefix == "" {
		return ""
	}
	u, err := url.Parse(prefix)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.HasSuffix(prefix, "/") || strings.ContainsAny(prefix, "?#") {
		return fmt.Sprintf("not an address such as https://chat.example.com, without a slash at its end: %q", prefix)
	}
	return ""
}
