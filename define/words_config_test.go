package define

import (
	"strings"
	"testing"
	"time"
)

func TestWordsConfigValidate(t *testing.T) {
	t.Parallel()
	speech := func(change func(*SpeechConfig)) func(*Config) { return func(c *Config) { change(&c.Speech) } }
	translation := func(change func(*TranslationConfig)) func(*Config) {
		return func(c *Config) { change(&c.Translation) }
	}
	translator := func(command, pairs []string) func(*Config) {
		return translation(func(c *TranslationConfig) { c.Provider, c.Command, c.Pairs = "command", command, pairs })
	}
	tests := []struct {
		name   string
		change func(*Config)
		want   string // the keys of the problems
	}{
		{"a service", speech(func(c *SpeechConfig) { c.Provider, c.URL, c.Key = "http", "https://speech.example/api", "k" }), ""},
		{"a command", speech(func(c *SpeechConfig) { c.Provider, c.Command = "command", []string{"hear", "-i={file}"} }), ""},
		{"another kind", speech(func(c *SpeechConfig) { c.Provider = "magic" }), "speech.provider"},
		{"a service without its kind", speech(func(c *SpeechConfig) { c.URL = "http://speech.example" }), "speech.provider"},
		{"a command without its kind", speech(func(c *SpeechConfig) { c.Command = []string{"hear", "{file}"} }), "speech.provider"},
		{"no address", speech(func(c *SpeechConfig) { c.Provider = "http" }), "speech.url"},
		{"an address without scheme", speech(func(c *SpeechConfig) { c.Provider, c.URL = "http", "speech.example:80" }), "speech.url"},
		{"an address with a password", speech(func(c *SpeechConfig) { c.Provider, c.URL = "http", "http://u:hunter2@speech.example" }), "speech.url"},
		{"an address with a query", speech(func(c *SpeechConfig) { c.Provider, c.URL = "http", "http://speech.example?key=hunter2" }), "speech.url"},
		{"no command", speech(func(c *SpeechConfig) { c.Provider = "command" }), "speech.command speech.command"},
		{"a command that gets no file", speech(func(c *SpeechConfig) { c.Provider, c.Command = "command", []string{"hear"} }), "speech.command"},
		{"a format", speech(func(c *SpeechConfig) { c.ResponseFormat = "srt" }), "speech.response_format"},
		{"a language", speech(func(c *SpeechConfig) { c.Language = "zh" }), ""},
		{"no language", speech(func(c *SpeechConfig) { c.Language = "english" }), "speech.language"},
		{"no time", speech(func(c *SpeechConfig) { c.Timeout, c.Parallel = time.Second-1, 0 }), "speech.timeout speech.parallel"},
		{"too much", speech(func(c *SpeechConfig) { c.Timeout, c.Parallel = time.Hour, 257 }), "speech.timeout speech.parallel"},

		{"a service that translates", translation(func(c *TranslationConfig) { c.Provider, c.URL = "http", "http://127.0.0.1:5000/" }), ""},
		{"a translator of one pair", translator([]string{"translate"}, []string{"en>es"}), ""},
		{"a translator of two", translator([]string{"translate", "{from}-{to}"}, []string{"en>es", "es>en"}), ""},
		{"a translator that is not told", translator([]string{"translate", "{from}"}, []string{"en>es", "es>en"}), "translation.command"},
		{"a translator of nothing", translator([]string{"translate"}, nil), "translation.pairs"},
		{"half pairs", translator([]string{"translate", "{from}{to}"}, []string{"en", "en>", ">es", "en>klingon"}), strings.TrimSpace(strings.Repeat("translation.pairs ", 4))},
		{"languages", translation(func(c *TranslationConfig) { c.Languages = []string{"zh=zho", "pt-BR=por_BR"} }), ""},
		{"half languages", translation(func(c *TranslationConfig) { c.Languages = []string{"zh", "zh=", "=zho", "und=x"} }), strings.TrimSpace(strings.Repeat("translation.languages ", 4))},
		{"texts without a language", translation(func(c *TranslationConfig) { c.From = "xx" }), "translation.from"},
		{"a negative cache", translation(func(c *TranslationConfig) { c.Cache = -1 }), "translation.cache"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := DefaultConfig()
			test.change(&config)
			keys := []string{}
			for _, problem := range config.Validate() {
				keys = append(keys, problem.Key)
				if problem.Reason == "" || strings.Contains(problem.Reason, "hunter2") {
					t.Errorf("%s: the reason is %q", problem.Key, problem.Reason)
				}
			}
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("got problems of %q, want %q", got, test.want)
			}
		})
	}
}
