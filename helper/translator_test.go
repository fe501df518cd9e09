package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"parlor/define"
)

// newTranslator returns what a configuration describes for one test.
func newTranslator(t *testing.T, change func(*define.TranslationConfig)) *Translator {
	t.Helper()
	config := define.DefaultConfig().Translation
	change(&config)
	translator, err := NewTranslator(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(translator.Close)
	return translator
}

func overHTTP(url string) func(*define.TranslationConfig) {
	return func(c *define.TranslationConfig) { c.Provider, c.URL, c.Key = "http", url, "sk-1" }
}

// checkBlamed fails the test unless err refuses the request because of this field.
func checkBlamed(t *testing.T, err error, field string) {
	t.Helper()
	var refusal *define.Error
	if !errors.As(err, &refusal) || refusal.Code != define.CodeInvalid || len(refusal.Fields) != 1 || refusal.Fields[field].Zh == "" {
		t.Errorf("got %v, want a refusal of %q", err, field)
	}
}

func TestNoTranslation(t *testing.T) {
	t.Parallel()
	translator := newTranslator(t, func(*define.TranslationConfig) {})
	if _, err := translator.Translate(t.Context(), "x", "en", "es"); !errors.Is(err, define.ErrNoTranslation) {
		t.Errorf("got %v", err)
	}
}

func TestTranslationServiceIsAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, from, to, answer, asked string
		want                          Translated
	}{
		{
			"both languages", "en", "es", `{"translatedText": "hola"}`,
			`{"q": "\"hello\"\n", "source": "en", "target": "es", "format": "text", "api_key": "sk-1"}`, Translated{"hola", "en"},
		},
		{
			"one language", "", "es", `{"translatedText": "hola", "detectedLanguage": {"confidence": 90.5, "language": "en"}, "alternatives": []}`,
			`{"q": "\"hello\"\n", "source": "auto", "target": "es", "format": "text", "api_key": "sk-1"}`, Translated{"hola", "en"},
		},
		{
			"other names", "", "zh", `{"translatedText": "你好", "detectedLanguage": {"language": "English"}}`,
			`{"q": "\"hello\"\n", "source": "auto", "target": "zh-Hans", "format": "text", "api_key": "sk-1"}`, Translated{"你好", "en"},
		},
		{
			"nothing detected", "", "es", `{"translatedText": "hola", "detectedLanguage": {"language": "?"}}`,
			`{"q": "\"hello\"\n", "source": "auto", "target": "es", "format": "text", "api_key": "sk-1"}`, Translated{"hola", ""},
		},
	} {
		url := newService(t, func(w http.ResponseWriter, r *http.Request) {
			var got, want map[string]any
			err := errors.Join(json.NewDecoder(r.Body).Decode(&got), json.Unmarshal([]byte(test.asked), &want))
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || r.Method+" "+r.URL.Path != "POST /translate" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: the service got %s %v, %v", test.name, r.URL.Path, got, err)
			}
			fmt.Fprint(w, test.answer)
		})
		translator := newTranslator(t, func(c *define.TranslationConfig) {
			overHTTP(url)(c)
			c.Languages = []string{"zh=zh-Hans", "en=English"}
			if test.from == "en" {
				c.Languages = nil
			}
		})
		got, err := translator.Translate(t.Context(), "\"hello\"\n", test.from, test.to)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
	}
}

func TestTranslationServiceFails(t *testing.T) {
	t.Parallel()
	for _, test := range serviceFailures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			translator := newTranslator(t, overHTTP(newService(t, test.answer)))
			_, err := translator.Translate(t.Context(), "a secret", "en", "es")
			checkFailure(t, err, test.says)
		})
	}
	done := make(chan struct{})
	slow := newService(t, func(http.ResponseWriter, *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	translator := newTranslator(t, func(c *define.TranslationConfig) {
		overHTTP(slow)(c)
		c.Timeout = 50 * time.Millisecond
	})
	_, err := translator.Translate(t.Context(), "x", "en", "es")
	checkFailure(t, err, "50ms")
}

// A service refuses languages and other things with the same status; its list of languages tells which it was.
func TestTranslationServiceRefusesLanguages(t *testing.T) {
	t.Parallel()
	const languages = `[{"code": "en", "name": "English", "targets": ["en", "es"]}, {"code": "es", "name": "Spanish", "targets": ["es", "en"]},
		{"code": "ja", "name": "Japanese", "targets": ["ja", "en"]}]`
	for _, test := range []struct{ name, list, from, to, blamed string }{
		{"an unknown target", languages, "en", "sw", "to"},
		{"an unknown target of a text without a language", languages, "", "sw", "to"},
		{"an unknown source", languages, "sw", "en", "from"},
		{"an unknown pair", languages, "ja", "es", "to"},
		{"something else", languages, "en", "es", ""},
		{"nobody knows", `{"error": "not here"}`, "en", "sw", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			translator := newTranslator(t, overHTTP(newService(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/languages" {
					fmt.Fprint(w, test.list)
					return
				}
				status(400, `{"error": "I won't say a secret"}`)(w, r)
			})))
			_, err := translator.Translate(t.Context(), "a secret", test.from, test.to)
			if test.blamed == "" {
				checkFailure(t, err, "400: I won't say …")
			} else {
				checkBlamed(t, err, test.blamed)
			}
		})
	}
}

func TestTranslationCommand(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	with := func(script, from string) *Translator {
		return newTranslator(t, func(c *define.TranslationConfig) {
			c.Provider, c.Command, c.From = "command", []string{"sh", "-c", script, "sh", "{from}-{to}"}, from
			c.Pairs, c.Languages = []string{"en>es", "es>en", "ca>es", "zh>en"}, []string{"en=eng", "zh=zho"}
		})
	}
	echo := with(`printf '%s:' "$1"; cat; echo`, "ca")
	for _, test := range []struct {
		text, from, to string
		want           Translated
		blamed         string
	}{
		{text: "hello", from: "en", to: "es", want: Translated{"eng-es:hello", "en"}},
		{text: "hello\n", from: "en", to: "es", want: Translated{"eng-es:hello\n\n", "en"}},
		{text: "你好 `x` $(y)", from: "zh", to: "en", want: Translated{"zho-eng:你好 `x` $(y)", "zh"}},
		{text: "hola", to: "es", want: Translated{"ca-es:hola", "ca"}}, // the usual language
		{text: "hola", to: "en", blamed: "from"},                       // two are possible
		{text: "hello", to: "sw", blamed: "to"},
		{text: "hello", from: "sw", to: "en", blamed: "from"},
		{text: "hello", from: "ca", to: "en", blamed: "to"},
		{text: "hello", from: "en", to: "ca", blamed: "to"},
	} {
		got, err := echo.Translate(t.Context(), test.text, test.from, test.to)
		if test.blamed != "" {
			checkBlamed(t, err, test.blamed)
		} else if err != nil || got != test.want {
			t.Errorf("%q from %q to %q: got %q, %v", test.text, test.from, test.to, got, err)
		}
	}
	if got, err := with("cat", "").Translate(t.Context(), "no newline", "en", "es"); err != nil || got.Text != "no newline" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := with("echo no such mode >&2; exit 1", "").Translate(t.Context(), "x", "en", "es")
	checkFailure(t, err, "no such mode")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := echo.Translate(ctx, "x", "en", "es"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestLanguagePairsSource(t *testing.T) {
	t.Parallel()
	pairs := newLanguagePairs([]string{"en>es", "es>en", "ca>es"})
	for _, test := range []struct{ to, usual, want string }{
		{"en", "", "es"}, {"en", "en", "es"}, {"es", "", ""}, {"es", "ca", "ca"}, {"es", "sw", ""}, {"sw", "en", ""},
	} {
		if got := pairs.source(test.to, test.usual); got != test.want {
			t.Errorf("to %s, usually from %q: got %q, want %q", test.to, test.usual, got, test.want)
		}
	}
	if !slices.Equal(pairs, languagePairs{{"en", "es"}, {"es", "en"}, {"ca", "es"}}) {
		t.Errorf("the pairs are %v", pairs)
	}
}
