package define

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaultConfigIsValid(t *testing.T) {
	t.Parallel()
	if problems := DefaultConfig().Validate(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Config)
		want   string // the keys of the problems
	}{
		{"listen on any port", func(c *Config) { c.Listen = "localhost:0" }, ""},
		{"listen on IPv6", func(c *Config) { c.Listen = "[::1]:80" }, ""},
		{"listen without port", func(c *Config) { c.Listen = "localhost" }, "listen"},
		{"listen on a port beyond", func(c *Config) { c.Listen = ":65536" }, "listen"},
		{"no data", func(c *Config) { c.Data = "" }, "data"},
		{"proxies", func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/8", "::1"} }, ""},
		{"bad proxies", func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/33", "proxy"} }, "trusted_proxies trusted_proxies"},
		{"mongodb", func(c *Config) { c.MongoDB.URI = "mongodb+srv://u:p@db.example" }, ""},
		{"another database", func(c *Config) { c.MongoDB.URI = "postgres://u:p@db.example" }, "mongodb.uri"},
		{"no database", func(c *Config) { c.MongoDB.Database = "" }, "mongodb.database"},
		{"bad database", func(c *Config) { c.MongoDB.Database = "a.b" }, "mongodb.database"},
		{"long database", func(c *Config) { c.MongoDB.Database = strings.Repeat("a", 64) }, "mongodb.database"},
		{"embedded in-process", func(c *Config) { c.Embedded.Listen = "" }, ""},
		{"embedded on localhost", func(c *Config) { c.Embedded.Listen = "localhost:0" }, ""},
		{"embedded on IPv6 loopback", func(c *Config) { c.Embedded.Listen = "[::1]:27018" }, ""},
		{"embedded without host", func(c *Config) { c.Embedded.Listen = "27018" }, "embedded.listen"},
		{"embedded for all", func(c *Config) { c.Embedded.Listen = ":27018" }, "embedded.listen"},
		{"embedded for the network", func(c *Config) { c.Embedded.Listen = "192.0.2.1:27018" }, "embedded.listen"},
		{"embedded for a name", func(c *Config) { c.Embedded.Listen = "db.example:27018" }, "embedded.listen"},
		{"embedded for all, with login", func(c *Config) { c.Embedded = EmbeddedConfig{Listen: ":27018", User: "u", Password: "p", Cache: 1} }, ""},
		{"embedded for all, half a login", func(c *Config) { c.Embedded.Listen, c.Embedded.User = ":27018", "u" }, "embedded.listen embedded.user"},
		{"password without user", func(c *Config) { c.Embedded.Password = "p" }, "embedded.password"},
		{"no cache", func(c *Config) { c.Embedded.Cache = 0 }, "embedded.cache"},
		{"short secret", func(c *Config) { c.Auth.Secret = strings.Repeat("s", 31) }, "auth.secret"},
		{"secret", func(c *Config) { c.Auth.Secret = strings.Repeat("s", 32) }, ""},
		{"no time", func(c *Config) { c.Auth.TokenTTL = time.Second - 1 }, "auth.token_ttl"},
		{"no limits", func(c *Config) { c.Limits.Factor = 0 }, ""},
		{"negative limits", func(c *Config) { c.Limits.Factor = -0.1 }, "limits.factor"},
		{"infinite limits", func(c *Config) { c.Limits.Factor = math.Inf(1) }, "limits.factor"},
		{"no number", func(c *Config) { c.Limits.Factor = math.NaN() }, "limits.factor"},
		{"no queue", func(c *Config) { c.Hub = HubConfig{} }, "hub.queue_frames hub.queue_bytes"},
		{"no time to answer", func(c *Config) { c.Call = CallConfig{ReconnectGrace: -1} }, "call.ring_timeout call.reconnect_grace"},
		{"turn inside", func(c *Config) { c.TURN.Address, c.TURN.Peers = "203.0.113.1", []string{"10.0.0.0/8", "::1"} }, ""},
		{"turn outside", func(c *Config) {
			c.TURN.URLs, c.TURN.Secret = []string{"stun:a.example", "turns:a.example:443?transport=tcp"}, "short"
		}, ""},
		{"stun outside", func(c *Config) { c.TURN.URLs = []string{"stun:a.example"} }, ""},
		{"turn at a name", func(c *Config) { c.TURN.Address = "turn.example" }, "turn.address"},
		{"turn anywhere", func(c *Config) { c.TURN.Address = "0.0.0.0" }, "turn.address"},
		{"turn inside and outside", func(c *Config) { c.TURN.Address, c.TURN.URLs = "203.0.113.1", []string{"stun:a.example"} }, "turn.urls"},
		{"turn with a short secret", func(c *Config) { c.TURN.Address, c.TURN.Secret = "203.0.113.1", "short" }, "turn.secret"},
		{"turn without a secret", func(c *Config) { c.TURN.URLs = []string{"turn:a.example"} }, "turn.secret"},
		{"turn over http", func(c *Config) { c.TURN.URLs, c.TURN.Secret = []string{"http://a.example", "turn:"}, "s" }, "turn.urls turn.urls"},
		{"turn with ports upside down", func(c *Config) { c.TURN.MinPort, c.TURN.MaxPort = 2000, 1000 }, "turn.max_port"},
		{"turn for a moment", func(c *Config) { c.TURN.CredentialTTL = time.Second }, "turn.credential_ttl"},
		{"turn for nobody", func(c *Config) { c.TURN.Allocations, c.TURN.AllocationsPerUser, c.TURN.Peers = 0, 0, []string{"x"} },
			"turn.peers turn.allocations turn.allocations_per_user"},
		{"origins", func(c *Config) { c.CORS.Origins = []string{"*", "http://localhost:5173", "https://[::1]"} }, ""},
		{"names trusted on loopback", func(c *Config) { c.Listen, c.Faces.Instant.TrustNames = "127.0.0.1:8080", true }, ""},
		{"names trusted", func(c *Config) { c.Faces.Instant.TrustNames = true }, "faces.instant.trust_names"},
		{"short secret of usersig", func(c *Config) { c.Faces.Usersig.Secret = "s" }, "faces.usersig.secret"},
		{"protocol", func(c *Config) { c.Faces.Usersig.Protocol = "document" }, ""},
		{"another protocol", func(c *Config) { c.Faces.Usersig.Protocol = "" }, "faces.usersig.protocol"},
		{"no time for signatures", func(c *Config) { c.Faces.Usersig.SigTTL = 0 }, "faces.usersig.sig_ttl"},
		{"address of files", func(c *Config) { c.Faces.Usersig.URL = "https://chat.example.com/parlor" }, ""},
		{"address with a slash", func(c *Config) { c.Faces.Usersig.URL = "https://chat.example.com/" }, "faces.usersig.url"},
		{"address without scheme", func(c *Config) { c.Faces.Usersig.URL = "chat.example.com" }, "faces.usersig.url"},
		{"origin with path", func(c *Config) { c.CORS.Origins = []string{"https://a.example/"} }, "cors.origins"},
		{"origin without scheme", func(c *Config) { c.CORS.Origins = []string{"a.example"} }, "cors.origins"},
		{"origin without host", func(c *Config) { c.CORS.Origins = []string{"https://", "https://:443"} }, "cors.origins cors.origins"},
		{"origin in capitals", func(c *Config) { c.CORS.Origins = []string{"https://A.example"} }, "cors.origins"},
		{"origin of a file", func(c *Config) { c.CORS.Origins = []string{"null", "file://x"} }, "cors.origins cors.origins"},
		{"log", func(c *Config) { c.Log = LogConfig{"WARN", ""} }, "log.level log.format"},
		{"nothing", func(c *Config) { *c = Config{} },
			"listen data mongodb.database embedded.cache auth.token_ttl files.max_size files.orphan_after call.ring_timeout turn.listen turn.realm turn.min_port turn.max_port turn.allocations turn.allocations_per_user turn.credential_ttl smtp.tls hub.queue_frames hub.queue_bytes faces.usersig.protocol faces.usersig.sig_ttl log.level log.format " +
				"speech.response_format speech.timeout speech.parallel translation.timeout translation.parallel"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := DefaultConfig()
			test.change(&config)
			before := config
			problems := config.Validate()
			keys := make([]string, len(problems))
			for i, problem := range problems {
				keys[i] = problem.Key
				if problem.Reason == "" {
					t.Errorf("%s: no reason", problem.Key)
				}
			}
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("got problems of %q, want %q: %v", got, test.want, problems)
			}
			if !math.IsNaN(config.Limits.Factor) && !reflect.DeepEqual(config, before) {
				t.Error("Validate changed the configuration")
			}
		})
	}
}

func TestConfigProblemsKeepSecrets(t *testing.T) {
	t.Parallel()
	config := DefaultConfig()
	config.MongoDB.URI = "mongo://user:hunter2@db"
	config.Auth.Secret = "hunter2"
	config.Embedded.Password = "hunter2"
	problems := config.Validate()
	if len(problems) != 3 {
		t.Errorf("got %v", problems)
	}
	for _, problem := range problems {
		if strings.Contains(problem.Reason, "hunter2") {
			t.Errorf("%s shows the secret: %s", problem.Key, problem.Reason)
		}
	}
}
