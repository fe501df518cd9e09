package define

import (
	"fmt"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is every setting of the server. A setting's key is the path of its yaml
// names joined by dots, as in "mongodb.uri"; config.yaml describes each of them.
type Config struct {
	Listen         string         `yaml:"listen"`          // address of HTTP and WebSocket
	Data           string         `yaml:"data"`            // directory of everything that is kept
	TrustedProxies []string       `yaml:"trusted_proxies"` // addresses or CIDR ranges whose X-Forwarded-For is believed
	MongoDB        MongoDBConfig  `yaml:"mongodb"`
	Embedded       EmbeddedConfig `yaml:"embedded"`
	Auth           AuthConfig     `yaml:"auth"`
	Message        MessageConfig  `yaml:"message"`
	Files          FilesConfig    `yaml:"files"`
	Call           CallConfig     `yaml:"call"`
	TURN           TURNConfig     `yaml:"turn"`
	SMTP           SMTPConfig     `yaml:"smtp"`
	Limits         LimitsConfig   `yaml:"limits"`
	Hub            HubConfig      `yaml:"hub"`
	CORS           CORSConfig     `yaml:"cors"`
	Faces          FacesConfig    `yaml:"faces"`
	Log            LogConfig      `yaml:"log"`

	Speech      SpeechConfig      `yaml:"speech"`
	Translation TranslationConfig `yaml:"translation"`
}

// MongoDBConfig says which MongoDB to use. With an empty URI the embedded server is used.
type MongoDBConfig struct {
	URI      string `yaml:"uri"`
	URIFile  string `yaml:"uri_file"`
	Database string `yaml:"database"`
}

// EmbeddedConfig is the MongoDB server inside the process.
type EmbeddedConfig struct {
	Listen       string `yaml:"listen"` // empty: in-process only
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	Cache        int    `yaml:"cache"` // MiB
}

// AuthConfig is about sessions. With an empty Secret one is made at the first start and kept in the data directory.
type AuthConfig struct {
	Secret     string        `yaml:"secret"`
	SecretFile string        `yaml:"secret_file"`
	TokenTTL   time.Duration `yaml:"token_ttl"`
}

// MessageConfig says for how long senders may change what they have sent.
type MessageConfig struct {
	EditWindow   time.Duration `yaml:"edit_window"`
	RecallWindow time.Duration `yaml:"recall_window"`
}

// FilesConfig bounds what users upload: MaxSize in bytes of one file, OrphanAfter until a file that was sent nowhere goes.
type FilesConfig struct {
	MaxSize     int           `yaml:"max_size"`
	OrphanAfter time.Duration `yaml:"orphan_after"`
}

// CallConfig says how long calls wait: for an answer, and for a participant whose socket is gone.
type CallConfig struct {
	RingTimeout    time.Duration `yaml:"ring_timeout"`
	ReconnectGrace time.Duration `yaml:"reconnect_grace"`
}

// SMTPConfig is the mail server that codes are sent through. With an empty Address no mail is sent.
type SMTPConfig struct {
	Address      string `yaml:"address"`
	TLS          string `yaml:"tls"` // starttls, tls, none
	CAFile       string `yaml:"ca_file"`
	From         string `yaml:"from"`
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// LimitsConfig scales the rate limits. Factor multiplies every one of them; 0 switches them off.
type LimitsConfig struct {
	Factor float64 `yaml:"factor"`
}

// HubConfig bounds what may wait for one connection before it is closed as too slow.
type HubConfig struct {
	QueueFrames int `yaml:"queue_frames"`
	QueueBytes  int `yaml:"queue_bytes"`
}

// CORSConfig names the origins whose pages may call the API from a browser.
type CORSConfig struct {
	Origins []string `yaml:"origins"`
}

// LogConfig is the level (debug, info, warn, error) and the format (text, json) of the log.
type LogConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// DefaultConfig returns the settings of a server that nobody has configured.
// They are safe to run: nothing secret among them, the database on loopback only.
func DefaultConfig() Config {
	return Config{
		Listen:         ":8080",
		Data:           "./data",
		TrustedProxies: []string{},
		MongoDB:        MongoDBConfig{Database: "parlor"},
		Embedded:       EmbeddedConfig{Listen: "127.0.0.1:27018", Cache: 64},
		Auth:           AuthConfig{TokenTTL: 7 * 24 * time.Hour},
		Message:        MessageConfig{EditWindow: 24 * time.Hour, RecallWindow: 2 * time.Minute},
		Files:          FilesConfig{MaxSize: 20 << 20, OrphanAfter: 24 * time.Hour},
		Call:           CallConfig{RingTimeout: 45 * time.Second, ReconnectGrace: 15 * time.Second},
		TURN:           defaultTURN(),
		SMTP:           SMTPConfig{TLS: "starttls"},
		Limits:         LimitsConfig{Factor: 1},
		Hub:            HubConfig{QueueFrames: 1024, QueueBytes: 1 << 20},
		CORS:           CORSConfig{Origins: []string{}},
		Faces:          defaultFaces(),
		Log:            LogConfig{Level: "info", Format: "text"},
		Speech: SpeechConfig{
			Model: "whisper-1", ResponseFormat: "verbose_json", Command: []string{}, Timeout: 2 * time.Minute, Parallel: 1,
		},
		Translation: TranslationConfig{
			Command: []string{}, Pairs: []string{}, Languages: []string{}, Timeout: 20 * time.Second, Parallel: 4, Cache: 30 * 24 * time.Hour,
		},
	}
}

// ConfigProblem is one setting that cannot be used, and why. Reason never repeats a secret.
type ConfigProblem struct {
	Key    string
	Reason string
}

const (
	minSecretBytes   = 32       // HS256 wants a key as long as its hash: RFC 7518, 3.2
	minQueueBytes    = FrameMax // else a message could never be delivered
	maxCacheMiB      = 1 << 20
	maxFileBytes     = 1 << 30
	minOrphanAfter   = time.Minute // so that nobody loses a file between its upload and the message
	maxDatabaseBytes = 63          // MongoDB's own limit
)

// Validate returns every problem of c, in the order of the keys; none when c can be used.
// Secrets that come from a file must have been read into their fields before.
func (c Config) Validate() []ConfigProblem {
	var found []ConfigProblem
	check := func(key, reason string) {
		if reason != "" {
			found = append(found, ConfigProblem{key, reason})
		}
	}
	check("listen", badAddress(c.Listen))
	if c.Data == "" {
		check("data", "must name a directory")
	}
	for _, proxy := range c.TrustedProxies {
		check("trusted_proxies", badNetwork(proxy))
	}
	check("mongodb.uri", badMongoURI(c.MongoDB.URI))
	check("mongodb.database", badDatabase(c.MongoDB.Database))
	found = append(found, c.Embedded.validate()...)
	check("auth.secret", badSecret(c.Auth.Secret))
	check("auth.token_ttl", tooBrief(c.Auth.TokenTTL))
	check("message.edit_window", negative(c.Message.EditWindow))
	check("message.recall_window", negative(c.Message.RecallWindow))
	check("files.max_size", outside(c.Files.MaxSize, 1, maxFileBytes))
	if c.Files.OrphanAfter < minOrphanAfter {
		check("files.orphan_after", fmt.Sprintf("must be at least %s, is %s", minOrphanAfter, c.Files.OrphanAfter))
	}
	check("call.ring_timeout", tooShort(c.Call.RingTimeout))
	check("call.reconnect_grace", negative(c.Call.ReconnectGrace))
	found = append(found, c.TURN.validate()...)
	found = append(found, c.SMTP.validate()...)
	if f := c.Limits.Factor; !(f >= 0) || math.IsInf(f, 0) {
		check("limits.factor", fmt.Sprintf("must be 0 or more, is %v", f))
	}
	check("hub.queue_frames", outside(c.Hub.QueueFrames, 1, math.MaxInt32))
	check("hub.queue_bytes", outside(c.Hub.QueueBytes, minQueueBytes, math.MaxInt32))
	for _, origin := range c.CORS.Origins {
		check("cors.origins", badOrigin(origin))
	}
	found = append(found, c.Faces.validate(c.Listen)...)
	check("log.level", notOneOf(c.Log.Level, "debug", "info", "warn", "error"))
	check("log.format", notOneOf(c.Log.Format, "text", "json"))
	found = append(found, c.Speech.validate()...)
	found = append(found, c.Translation.validate()...)
	return found
}

func (c EmbeddedConfig) validate() []ConfigProblem {
	var found []ConfigProblem
	if c.Listen != "" {
		if reason := badAddress(c.Listen); reason != "" {
			found = append(found, ConfigProblem{"embedded.listen", reason})
		} else if !OnLoopback(c.Listen) && (c.User == "" || c.Password == "") {
			found = append(found, ConfigProblem{"embedded.listen", fmt.Sprintf("%q can be reached from other machines: set embedded.user and embedded.password", c.Listen)})
		}
	}
	switch {
	case c.User == "" && c.Password != "":
		found = append(found, ConfigProblem{"embedded.password", "needs embedded.user beside it"})
	case c.User != "" && c.Password == "":
		found = append(found, ConfigProblem{"embedded.user", "needs embedded.password beside it"})
	}
	if reason := outside(c.Cache, 1, maxCacheMiB); reason != "" {
		found = append(found, ConfigProblem{"embedded.cache", reason})
	}
	return found
}

func (c SMTPConfig) validate() []ConfigProblem {
	var found []ConfigProblem
	check := func(key, reason string) {
		if reason != "" {
			found = append(found, ConfigProblem{key, reason})
		}
	}
	check("smtp.tls", notOneOf(c.TLS, "starttls", "tls", "none"))
	if c.Address != "" {
		reason := badAddress(c.Address)
		check("smtp.address", reason)
		if reason == "" && c.TLS == "none" && !OnLoopback(c.Address) {
			check("smtp.tls", "must not be none for a server on another machine")
		}
		if _, err := mail.ParseAddress(c.From); err != nil {
			check("smtp.from", fmt.Sprintf("not an address such as Parlor <chat@example.com>: %q", c.From))
		}
	}
	switch {
	case c.User == "" && c.Password != "":
		check("smtp.password", "needs smtp.user beside it")
	case c.User != "" && c.Password == "":
		check("smtp.user", "needs smtp.password beside it")
	}
	return found
}

// The functions below say what is wrong with a value, or nothing.

func badAddress(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Sprintf("not a host:port: %q", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("not a port from 0 to 65535: %q", port)
	}
	return ""
}

// OnLoopback reports whether address, a valid host:port, is reached from this machine only.
func OnLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func badNetwork(network string) string {
	if _, err := netip.ParseAddr(network); err == nil {
		return ""
	}
	if _, err := netip.ParsePrefix(network); err == nil {
		return ""
	}
	return fmt.Sprintf("not an address or CIDR range: %q", network)
}

// badMongoURI does not show the URI, which may hold a password.
func badMongoURI(uri string) string {
	if uri == "" || strings.HasPrefix(uri, "mongodb://") || strings.HasPrefix(uri, "mongodb+srv://") {
		return ""
	}
	return "must begin with mongodb:// or mongodb+srv://"
}

func badDatabase(name string) string {
	if name == "" || len(name) > maxDatabaseBytes || strings.ContainsAny(name, "/\\. \"$*<>:|?\x00") {
		return fmt.Sprintf("not a database name: %q", name)
	}
	return ""
}

func badOrigin(origin string) string {
	if origin == "*" {
		return ""
	}
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Scheme+"://"+strings.ToLower(u.Host) != origin {
		return fmt.Sprintf("not an origin such as https://chat.example.com, nor \"*\": %q", origin)
	}
	return ""
}

// badSecret does not show the secret. None is for the caller to judge.
func badSecret(secret string) string {
	if n := len(secret); n > 0 && n < minSecretBytes {
		return fmt.Sprintf("too short: %d bytes, at least %d are needed", n, minSecretBytes)
	}
	return ""
}

func tooBrief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("must be at least 1s, is %s", d)
	}
	return ""
}

func negative(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("must be 0 or more, is %s", d)
	}
	return ""
}

func tooShort(d time.Duration) string {
	if d <= 0 {
		return fmt.Sprintf("must be more than 0, is %s", d)
	}
	return ""
}

func outside(n, low, high int) string {
	if n < low || n > high {
		return fmt.Sprintf("must be from %d to %d, is %d", low, high, n)
	}
	return ""
}

func notOneOf(value string, allowed ...string) string {
	if slices.Contains(allowed, value) {
		return ""
	}
	return fmt.Sprintf("must be one of %s, is %q", strings.Join(allowed, ", "), value)
}
