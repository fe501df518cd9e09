package helper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"parlor/define"
)

func speechConfig(change func(*define.SpeechConfig)) define.SpeechConfig {
	config := define.DefaultConfig().Speech
	change(&config)
	return config
}

// newSpeech returns what a configuration describes for one test.
func newSpeech(t *testing.T, dir string, change func(*define.SpeechConfig)) *Speech {
	t.Helper()
	s, err := NewSpeech(speechConfig(change), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// newService starts an HTTP server for one test and returns its address.
func newService(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	service := httptest.NewServer(answer)
	t.Cleanup(service.Close)
	return service.URL
}

func recordingOf(content string) Recording {
	return Recording{Name: "recording.ogg", Size: int64(len(content)), Audio: strings.NewReader(content)}
}

func TestNoSpeech(t *testing.T) {
	t.Parallel()
	s := newSpeech(t, t.TempDir(), func(*define.SpeechConfig) {})
	if _, err := s.Transcribe(t.Context(), recordingOf("x")); !errors.Is(err, define.ErrNoSpeech) {
		t.Errorf("got %v", err)
	}
}

// The service gets the recording in OpenAI's form, whole and with its length.
func TestSpeechServiceIsAsked(t *testing.T) {
	t.Parallel()
	content := strings.Repeat(rand.Text(), 1<<16) // more than fits any buffer on the way
	type asked struct {
		path, authorization, name, audio string
		fields                           map[string]string
	}
	seen := make(chan asked, 1)
	url := newService(t, func(w http.ResponseWriter, r *http.Request) {
		a := asked{path: r.Method + " " + r.URL.Path, authorization: r.Header.Get("Authorization"), fields: map[string]string{}}
		if r.ContentLength < int64(len(content)) {
			t.Errorf("the length of the body is said to be %d", r.ContentLength)
		}
		form, err := r.MultipartReader()
		for err == nil {
			part, next := form.NextPart()
			if next != nil {
				break
			}
			text, _ := io.ReadAll(part)
			if part.FormName() == "file" {
				a.name, a.audio = part.FileName(), string(text)
			} else {
				a.fields[part.FormName()] = string(text)
			}
		}
		seen <- a
		fmt.Fprint(w, `{"task": "transcribe", "language": "chinese", "duration": 1.5, "text": " 你好 \n", "segments": []}`)
	})
	s := newSpeech(t, "", func(c *define.SpeechConfig) {
		c.Provider, c.URL, c.Key, c.Model, c.Language = "http", url+"/", "sk-1", "large", "zh"
	})
	said, err := s.Transcribe(t.Context(), recordingOf(content))
	if err != nil || said != (Transcript{Text: "你好", Language: "zh"}) {
		t.Errorf("got %+v, %v", said, err)
	}
	got := <-seen
	if got.path != "POST /v1/audio/transcriptions" || got.authorization != "Bearer sk-1" || got.name != "recording.ogg" || got.audio != content {
		t.Errorf("the service got %q with %q, a file %q of %d bytes", got.path, got.authorization, got.name, len(got.audio))
	}
	if want := map[string]string{"model": "large", "language": "zh", "response_format": "verbose_json"}; fmt.Sprint(got.fields) != fmt.Sprint(want) {
		t.Errorf("the service got %v, want %v", got.fields, want)
	}
}

func TestSpeechServiceAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body, language, text, want string }{
		{"a name", `{"text": "hello", "language": "English"}`, "", "hello", "en"},
		{"a code", `{"text": "hello", "language": "en"}`, "", "hello", "en"},
		{"nothing", `{"text": "hello"}`, "", "hello", ""},
		{"nothing, and the configuration knows", `{"text": "hello"}`, "en", "hello", "en"},
		{"nonsense", `{"text": "hello", "language": "gibberish"}`, "", "hello", ""},
		{"silence", `{"text": ""}`, "", "", ""},
	} {
		url := newService(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, test.body)
		})
		s := newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL, c.Language = "http", url, test.language })
		said, err := s.Transcribe(t.Context(), recordingOf("x"))
		if err != nil || said != (Transcript{test.text, test.want}) {
			t.Errorf("%s: got %+v, %v", test.name, said, err)
		}
	}
}

// serviceFailures are ways in which an HTTP service does not do its work, and words of what the log is told.
var serviceFailures = []struct {
	name   string
	answer http.HandlerFunc
	says   string
}{
	{"a failure", status(500, `{"error": {"message": "out of memory"}}`), "500: out of memory"},
	{"a failure without words", status(502, `<html>bad gateway`), "502: without a reason"},
	{"a wrong key", status(401, `{"error": "sk-1 is wrong"}`), "401: … is wrong"},
	{"a redirection", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}, "307"},
	{"garbage", status(200, "<html>"), "not the JSON"},
	{"another shape", status(200, `{"result": "x"}`), "has no"},
	{"a list", status(200, `[]`), "not the JSON"},
	{"too much", func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range answerMax>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}, "more than"},
	{"a cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"te`))
	}, "unexpected EOF"},
	{"a lost connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func TestSpeechServiceFails(t *testing.T) {
	t.Parallel()
	for _, test := range serviceFailures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url := newService(t, test.answer)
			s := newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL, c.Key = "http", url, "sk-1" })
			_, err := s.Transcribe(t.Context(), recordingOf("x"))
			checkFailure(t, err, test.says)
		})
	}
}

// checkFailure fails the test unless err is a failure of the provider, tells the log why, and keeps the key to itself.
func checkFailure(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *define.Error
	if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "sk-1") {
		t.Errorf("got %v, want a failure with %q", err, says)
	}
}

func TestSpeechServiceIsSlow(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	url := newService(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-done
	})
	t.Cleanup(func() { close(done) }) // before the service is closed
	s := newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL, c.Timeout = "http", url, 50*time.Millisecond })
	_, err := s.Transcribe(t.Context(), recordingOf("x"))
	checkFailure(t, err, "50ms")

	s = newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL = "http", url })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Transcribe(ctx, recordingOf("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	s = newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL, c.Key = "http", "http://127.0.0.1:1", "sk-1" })
	_, err = s.Transcribe(t.Context(), recordingOf("x"))
	checkFailure(t, err, "refused")
}

// A recording that breaks off is a failure: half of what was said would stay with the message.
func TestSpeechOfABrokenRecording(t *testing.T) {
	t.Parallel()
	url := newService(t, status(200, `{"text": "half"}`))
	for name, s := range map[string]*Speech{
		"http":    newSpeech(t, "", func(c *define.SpeechConfig) { c.Provider, c.URL = "http", url }),
		"command": newSpeech(t, t.TempDir(), func(c *define.SpeechConfig) { c.Provider, c.Command = "command", []string{"cat", "{file}"} }),
	} {
		broken := Recording{Name: "a.ogg", Size: 100, Audio: io.MultiReader(strings.NewReader("half"), failingReader{})}
		if _, err := s.Transcribe(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// The program gets the recording as a file that nobody else can read, and nothing of it stays.
func TestSpeechCommand(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := filepath.Join(t.TempDir(), "speech")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "left by a killed process"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	script := func(text string) func(*define.SpeechConfig) {
		return func(c *define.SpeechConfig) {
			c.Provider, c.Command, c.Language, c.Timeout = "command", []string{"sh", "-c", text, "sh", "--file={file}"}, "en", 20*time.Second
		}
	}
	s := newSpeech(t, dir, script(`f=${1#--file=}; ls -l "$f" | cut -c1-10; cat "$f"; echo beside > "$f.txt"; basename "$f"`))
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("at the start there is %v, %v", left, err)
	}
	said, err := s.Transcribe(t.Context(), recordingOf("some sound\n"))
	if want := "-rw-------\nsome sound\nrecording.ogg"; err != nil || said.Text != want || said.Language != "en" {
		t.Errorf("got %q, %v, want %q", said, err, want)
	}
	s = newSpeech(t, dir, script(`echo no model >&2; exit 1`))
	_, err = s.Transcribe(t.Context(), recordingOf("x"))
	checkFailure(t, err, "no model")
	s = newSpeech(t, dir, func(c *define.SpeechConfig) {
		script("sleep 300")(c)
		c.Timeout = 50 * time.Millisecond
	})
	_, err = s.Transcribe(t.Context(), recordingOf("x"))
	checkFailure(t, err, "longer than 50ms")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("at the end there is %v, %v", left, err)
	}
	if _, err := NewSpeech(speechConfig(func(c *define.SpeechConfig) { c.Provider, c.Command = "command", []string{"no-such-program", "{file}"} }), dir); err == nil {
		t.Error("a program that is not there was found")
	}
}

func TestSpokenLanguage(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"english": "en", "Chinese": "zh", "haitian creole": "ht", "zh": "zh", "pt-br": "pt-BR", "": "", "klingon": "", "auto": ""} {
		if got := spokenLanguage(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for name, code := range whisperLanguages {
		if canonical, ok := define.Language(code); !ok || canonical != code {
			t.Errorf("%s: %q is not a code", name, code)
		}
	}
}

func TestRecordingName(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]string{
		"audio/wav": ".wav", "audio/mpeg": ".mp3", "audio/ogg": ".oga", "audio/webm": ".webm", "video/webm": ".webm", "audio/mp4": ".mp4",
		"audio/x-m4a": ".m4a", "video/mp4": ".mp4", "video/quicktime": ".mov", "audio/flac": ".flac", "audio/unheard-of": "",
	} {
		if got := RecordingName(media); got != "recording"+want {
			t.Errorf("%s: got %q", media, got)
		}
	}
}
