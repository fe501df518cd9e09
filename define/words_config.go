package define

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kinds of providers of words. Without one the server can't do what it is for.
const (
	ProviderHTTP    = "http"
	ProviderCommand = "command"
)

// SpeechConfig is what turns speech into text: an HTTP service with OpenAI's interface, or a command on this machine.
type SpeechConfig struct {
	Provider       string        `yaml:"provider"` // empty, http, command
	URL            string        `yaml:"url"`
	Key            string        `yaml:"key"`
	KeyFile        string        `yaml:"key_file"`
	Model          string        `yaml:"model"`
	ResponseFormat string        `yaml:"response_format"` // verbose_json, json
	Language       string        `yaml:"language"`        // of what is said; empty: the provider finds out
	Command        []string      `yaml:"command"`
	Timeout        time.Duration `yaml:"timeout"`  // of one recording, beside waiting for its turn
	Parallel       int           `yaml:"parallel"` // recordings at once
}

// TranslationConfig is what translates: an HTTP service with LibreTranslate's interface, or a command on this machine.
type TranslationConfig struct {
	Provider  string        `yaml:"provider"` // empty, http, command
	URL       string        `yaml:"url"`
	Key       string        `yaml:"key"`
	KeyFile   string        `yaml:"key_file"`
	Command   []string      `yaml:"command"`
	Pairs     []string      `yaml:"pairs"`     // "en>es": what the provider can do; empty: it says so itself
	Languages []string      `yaml:"languages"` // "zh=zho": what the provider calls a language
	From      string        `yaml:"from"`      // the language of texts that come without one
	Timeout   time.Duration `yaml:"timeout"`   // of one text, beside waiting for its turn
	Parallel  int           `yaml:"parallel"`  // texts at once
	Cache     time.Duration `yaml:"cache"`     // for which a translation is kept; 0: not at all
}

// Bounds of a provider: a caller waits twice its timeout at most.
const (
	providerTimeoutMin  = time.Second
	providerTimeoutMax  = 30 * time.Minute
	providerParallelMax = 256
)

// checks collects the problems of one section.
type checks struct {
	section string
	found   []ConfigProblem
}

func (c *checks) add(key, reason string) {
	if reason != "" {
		c.found = append(c.found, ConfigProblem{c.section + "." + key, reason})
	}
}

func (c SpeechConfig) validate() []ConfigProblem {
	p := checks{section: "speech"}
	p.provider(c.Provider, c.URL, c.Command)
	p.add("response_format", notOneOf(c.ResponseFormat, "verbose_json", "json"))
	if c.Language != "" {
		p.add("language", badLanguage(c.Language))
	}
	if c.Provider == ProviderCommand && !holds(c.Command, "{file}") {
		p.add("command", "must hold {file}, the place of the recording's name")
	}
	p.bounds(c.Timeout, c.Parallel)
	return p.found
}

func (c TranslationConfig) validate() []ConfigProblem {
	p := checks{section: "translation"}
	p.provider(c.Provider, c.URL, c.Command)
	if c.Provider == ProviderCommand {
		if len(c.Pairs) == 0 {
			p.add("pairs", `must name what the command can do, as in "en>es"`)
		}
		if len(c.Pairs) > 1 && !(holds(c.Command, "{from}") && holds(c.Command, "{to}")) {
			p.add("command", "must hold {from} and {to}, the places of the languages")
		}
	}
	for _, pair := range c.Pairs {
		from, to, ok := strings.Cut(pair, ">")
		if !ok || badLanguage(from) != "" || badLanguage(to) != "" {
			p.add("pairs", fmt.Sprintf(`not two languages such as "en>es": %q`, pair))
		}
	}
	for _, entry := range c.Languages {
		ours, theirs, ok := strings.Cut(entry, "=")
		if !ok || badLanguage(ours) != "" || theirs == "" {
			p.add("languages", fmt.Sprintf(`not a language and its other name such as "zh=zho": %q`, entry))
		}
	}
	if c.From != "" {
		p.add("from", badLanguage(c.From))
	}
	p.bounds(c.Timeout, c.Parallel)
	p.add("cache", negative(c.Cache))
	return p.found
}

func (c *checks) provider(kind, address string, command []string) {
	switch kind {
	case "":
		if address != "" || len(command) > 0 {
			c.add("provider", fmt.Sprintf("must say which to use, %s or %s", ProviderHTTP, ProviderCommand))
		}
	case ProviderHTTP:
		c.add("url", badServiceURL(address))
	case ProviderCommand:
		if len(command) == 0 || command[0] == "" {
			c.add("command", "must name a program")
		}
	default:
		c.add("provider", notOneOf(kind, ProviderHTTP, ProviderCommand))
	}
}

func (c *checks) bounds(timeout time.Duration, parallel int) {
	if timeout < providerTimeoutMin || timeout > providerTimeoutMax {
		c.add("timeout", fmt.Sprintf("must be from %s to %s, is %s", providerTimeoutMin, providerTimeoutMax, timeout))
	}
	c.add("parallel", outside(parallel, 1, providerParallelMax))
}

// holds reports whether one of the arguments of a command has a place to fill in.
func holds(command []string, place string) bool {
	return slices.ContainsFunc(command, func(argument string) bool { return strings.Contains(argument, place) })
}

// badServiceURL does not show the URL, which may hold a password.
func badServiceURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return "must be the address of a service such as http://127.0.0.1:8000"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "must hold no user, query or fragment"
	}
	return ""
}

func badLanguage(code string) string {
	if _, ok := Language(code); !ok {
		return fmt.Sprintf("not a language code such as en or zh: %q", code)
	}
	return ""
}
