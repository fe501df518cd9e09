package helper

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"parlor/define"
)

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadConfigWithoutFileGivesDefaults(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "config.yaml")
	config, err := LoadConfig(absent, false, []string{"HOME=/root", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if want := define.DefaultConfig(); !reflect.DeepEqual(config, want) {
		t.Errorf("got %+v, want %+v", config, want)
	}
	if _, err := LoadConfig(absent, true, nil); err == nil {
		t.Error("a required file may be absent")
	}
}

func TestLoadConfigEnvironmentWinsOverFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "config.yaml", `
listen: "127.0.0.1:9000"
auth: {token_ttl: 1h30m}
limits:
  factor: 2.5
hub:
cors:
  origins: ["https://a.example", "https://b.example"]
log:
  level: debug
faces:
  classic: {enabled: false}
  usersig: {minute_rule: true, sig_ttl: 1m}
`)
	config, err := LoadConfig(path, true, []string{
		"PARLOR_LISTEN=:0",
		"PARLOR_FACES_COTALK_ENABLED=false",
		"PARLOR_LIMITS_FACTOR=0",
		"PARLOR_AUTH_TOKEN_TTL=2h",
		"PARLOR_TRUSTED_PROXIES=10.0.0.0/8, ::1",
		"PARLOR_EMBEDDED_LISTEN=",
		"PARLOR_EMBEDDED_CACHE=16",
		"PARLOR_MONGODB_URI=mongodb://db/?a=b",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := define.DefaultConfig()
	want.Listen = ":0"
	want.Limits.Factor = 0
	want.Auth.TokenTTL = 2 * time.Hour
	want.TrustedProxies = []string{"10.0.0.0/8", "::1"}
	want.Embedded.Listen = ""
	want.Embedded.Cache = 16
	want.MongoDB.URI = "mongodb://db/?a=b"
	want.CORS.Origins = []string{"https://a.example", "https://b.example"}
	want.Log.Level = "debug"
	want.Faces.Classic.Enabled = false
	want.Faces.Cotalk.Enabled = false
	want.Faces.Usersig.MinuteRule = true
	want.Faces.Usersig.SigTTL = time.Minute
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got %+v\nwant %+v", config, want)
	}
}

func TestLoadConfigReadsSecretFiles(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 32)
	secretFile := writeFile(t, "secret", secret+"\n")
	uriFile := writeFile(t, "uri", "mongodb://u:p@db\r\n")
	path := writeFile(t, "config.yaml", "auth:\n  secret_file: "+secretFile+"\n")
	config, err := LoadConfig(path, true, []string{"PARLOR_MONGODB_URI_FILE=" + uriFile})
	if err != nil {
		t.Fatal(err)
	}
	if config.Auth.Secret != secret || config.MongoDB.URI != "mongodb://u:p@db" {
		t.Errorf("got secret %q and uri %q", config.Auth.Secret, config.MongoDB.URI)
	}
}

func TestLoadConfigNamesEveryProblem(t *testing.T) {
	t.Parallel()
	empty := writeFile(t, "empty", "\n")
	short := writeFile(t, "short", "hunter2")
	tests := []struct {
		name    string
		text    string
		environ []string
		want    []string // the lines of the error, CONFIG standing for the path
	}{
		{"wrong type", "limits:\n  factor: fast\n", nil, []string{`CONFIG:2:11: limits.factor: not a number: "fast"`}},
		{"quoted number", "limits:\n  factor: \"1\"\n", nil, []string{`CONFIG:2:11: limits.factor: not a number: "1"`}},
		{"broken number", "embedded: {cache: 1.5}\n", nil, []string{`CONFIG:1:19: embedded.cache: not a whole number: "1.5"`}},
		{"number beyond int", "embedded: {cache: 99999999999999999999}\n", nil, []string{`CONFIG:1:19: embedded.cache: not a whole number: "99999999999999999999"`}},
		{"duration without unit", "auth:\n  token_ttl: 60\n", nil, []string{`CONFIG:2:14: auth.token_ttl: not a duration such as 90s or 168h: "60"`}},
		{"number for string keeps the secret", "embedded:\n  password: 123456\n", nil, []string{`CONFIG:2:13: embedded.password: not a string: put it in quotes`}},
		{"neither true nor false", "faces:\n  classic:\n    enabled: no\n", []string{"PARLOR_FACES_COTALK_ENABLED=1"}, []string{
			`CONFIG:3:14: faces.classic.enabled: neither true nor false: "no"`,
			`PARLOR_FACES_COTALK_ENABLED: faces.cotalk.enabled: neither true nor false: "1"`,
		}},
		{"quoted truth", "faces: {classic: {enabled: \"true\"}}\n", nil, []string{`CONFIG:1:28: faces.classic.enabled: neither true nor false: "true"`}},
		{"list for scalar", "listen: [a]\n", nil, []string{`CONFIG:1:9: listen: must be a single value`}},
		{"scalar for list", "cors:\n  origins: https://a.example\n", nil, []string{`CONFIG:2:12: cors.origins: must be a list`}},
		{"item of another type", "trusted_proxies:\n  - ::1\n  - 7\n", nil, []string{`CONFIG:2:3: trusted_proxies: item in line 3 is not a string`}},
		{"no value", "data:\n", nil, []string{`CONFIG:1:6: data: has no value`}},
		{"alias", "data: &d ./x\nlisten: *d\n", nil, []string{`CONFIG:2:9: listen: must be a single value`}},
		{"scalar for section", "mongodb: mongodb://db\n", nil, []string{`CONFIG:1:10: mongodb: must hold keys and their values`}},
		{"list for everything", "- a\n", nil, []string{`CONFIG:1:1: must hold keys and their values`}},
		{"unknown key", "mongodb:\n  url: x\n", nil, []string{`CONFIG:2:3: mongodb.url: unknown key`}},
		{"unknown section", "mongo:\n  uri: x\n", nil, []string{`CONFIG:1:1: mongo: unknown key`}},
		{"dotted key", "mongodb.uri: mongodb://db\n", nil, []string{`CONFIG:1:1: mongodb.uri: unknown key`}},
		{"duplicate", "log:\n  level: info\n  level: warn\n", nil, []string{`CONFIG:3:3: log.level: stands here twice, first in line 2`}},
		{"duplicate section", "log:\n  level: info\nlog:\n  format: json\n", nil, []string{`CONFIG:3:1: log: stands here twice, first in line 1`}},
		{"not YAML", "log:\n  level: info\n\tformat: text\n", nil, []string{`CONFIG:2: not YAML: found a tab character that violates indentation`}},
		{"second document", "listen: \":1\"\n---\nlisten: \":2\"\n", nil, []string{`CONFIG:2:1: a second document: everything belongs into the first`}},
		{"bad value has the place", "\nlog: {level: loud}\n", nil, []string{`CONFIG:2:14: log.level: must be one of debug, info, warn, error, is "loud"`}},
		{"unknown variable", "", []string{"PARLOR_MONGO_URI=x"}, []string{`PARLOR_MONGO_URI: unknown variable`}},
		{"wrong variable", "", []string{"PARLOR_LIMITS_FACTOR=fast"}, []string{`PARLOR_LIMITS_FACTOR: limits.factor: not a number: "fast"`}},
		{"variable with a bad value", "", []string{"PARLOR_LIMITS_FACTOR=-1"}, []string{`PARLOR_LIMITS_FACTOR: limits.factor: must be 0 or more, is -1`}},
		{"not a finite number", "limits: {factor: .nan}", []string{"PARLOR_EMBEDDED_CACHE="}, []string{
			`CONFIG:1:18: limits.factor: not a number: ".nan"`,
			`PARLOR_EMBEDDED_CACHE: embedded.cache: not a whole number: ""`,
		}},
		{"value and file", "mongodb:\n  uri: mongodb://db\n  uri_file: " + short + "\n", nil, []string{`CONFIG:3:13: mongodb.uri_file: set together with mongodb.uri: choose one`}},
		{"empty file", "auth:\n  secret_file: " + empty + "\n", nil, []string{`CONFIG:2:16: auth.secret_file: "` + empty + `" is empty`}},
		{"absent file", "auth:\n  secret_file: /nonexistent/secret\n", nil, []string{`CONFIG:2:16: auth.secret_file: open /nonexistent/secret: no such file or directory`}},
		{"short secret in file", "auth:\n  secret_file: " + short + "\n", nil, []string{`CONFIG:2:16: auth.secret: too short: 7 bytes, at least 32 are needed`}},
		{"all at once", "listen: 8080\nwhat: 1\nlog: {format: xml}\n", []string{"PARLOR_X=1", "PARLOR_HUB_QUEUE_FRAMES=0"}, []string{
			`CONFIG:1:9: listen: not a string: put it in quotes`,
			`CONFIG:2:1: what: unknown key`,
			`PARLOR_X: unknown variable`,
			`PARLOR_HUB_QUEUE_FRAMES: hub.queue_frames: must be from 1 to 2147483647, is 0`,
			`CONFIG:3:15: log.format: must be one of text, json, is "xml"`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, "config.yaml", test.text)
			_, err := LoadConfig(path, true, test.environ)
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.ReplaceAll(err.Error(), path, "CONFIG")
			if want := strings.Join(test.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// The file in the repository is the manual of the settings: every key of the struct with its
// default, and above each a comment that explains it.
func TestConfigFileHoldsEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	const path = "../config.yaml"
	config, err := LoadConfig(path, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults := define.DefaultConfig()
	if !reflect.DeepEqual(config, defaults) {
		t.Errorf("config.yaml says %+v\nthe defaults are %+v", config, defaults)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	describedKeys("", document.Content[0], described)
	for _, key := range newConfigLoader(&defaults).keys {
		switch comment, present := described[key]; {
		case !present:
			t.Errorf("%s is missing", key)
		case !comment:
			t.Errorf("%s has no comment above it", key)
		}
	}
}

// describedKeys notes for each key of node that has a value whether a comment stands above it.
func describedKeys(prefix string, node *yaml.Node, into map[string]bool) {
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.MappingNode {
			describedKeys(prefix+name.Value+".", value, into)
			continue
		}
		into[prefix+name.Value] = name.HeadComment != ""
	}
}

func FuzzLoadConfig(f *testing.F) {
	f.Add("listen: \":1\"\nlog:\n  level: info\n", "PARLOR_LISTEN=:2")
	f.Add("a: &a [*a]\n<<: *a\n? [x]\n: y\n", "PARLOR_CORS_ORIGINS=a,b")
	f.Add("--- !!binary x\n...\n---\n", "PARLOR_=\x00")
	f.Add("limits: {factor: 1e400}\nlimits: {factor: .inf}", "PARLOR_LIMITS_FACTOR=nan")
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text, variable string) {
		if strings.Contains(text+variable, "_file") || strings.Contains(variable, "_FILE") {
			t.Skip("would open files of this machine")
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := LoadConfig(path, true, []string{variable})
		if err == nil && len(config.Validate()) > 0 {
			t.Errorf("accepted with problems: %v", config.Validate())
		}
		if err != nil && err.Error() == "" {
			t.Error("refused without a reason")
		}
	})
}
