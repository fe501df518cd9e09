package router_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"parlor/define"
)

// wordsService speaks OpenAI's and LibreTranslate's interfaces. What recordings made by saying hold is what it hears; a
// translation into es is the text behind "es:". It knows en, es and zh, and takes all texts for English.
type wordsService struct {
	*httptest.Server
	key string

	mu      sync.Mutex
	asked   map[string]int // calls, by what was heard or what was translated
	failing bool
	gate    *gate // through which the next call has to pass
}

// gate holds a call until the test lets it go on.
type gate struct{ arrived, open chan struct{} }

// mark stands in a recording before what is said in it.
const mark = "say: "

// saying is a recording of the type audio/wav.
func saying(text string) []byte {
	return []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00" + mark + text)
}

func startWordsService() *wordsService {
	s := &wordsService{key: "sk-words", asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/audio/transcriptions", s.transcribe)
	mux.HandleFunc("POST /translate", s.translate)
	mux.HandleFunc("GET /languages", func(w http.ResponseWriter, _ *http.Request) {
		all := `"targets": ["en", "es", "zh"]`
		fmt.Fprintf(w, `[{"code": "en", %s}, {"code": "es", %s}, {"code": "zh", %s}]`, all, all, all)
	})
	s.Server = httptest.NewServer(mux)
	return s
}

// configure makes a server use the service for both.
func (s *wordsService) configure(c *define.Config) {
	c.Speech.Provider, c.Speech.URL, c.Speech.Key = define.ProviderHTTP, s.URL, s.key
	c.Translation.Provider, c.Translation.URL, c.Translation.Key = define.ProviderHTTP, s.URL, s.key
}

// newWordsServer starts a server with such a service of its own.
func newWordsServer(t *testing.T, change func(*define.Config)) (*server, *wordsService) {
	t.Helper()
	words := startWordsService()
	t.Cleanup(words.Close)
	return newServer(t, func(c *define.Config) {
		words.configure(c)
		change(c)
	}), words
}

// hold keeps the next call waiting until the gate is opened.
func (s *wordsService) hold() *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = &gate{arrived: make(chan struct{}), open: make(chan struct{})}
	return s.gate
}

func (s *wordsService) fail(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

// times is how often something was to be transcribed or translated.
func (s *wordsService) times(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[text]
}

// pass counts a call and reports whether it is to succeed.
func (s *wordsService) pass(text string) bool {
	s.mu.Lock()
	s.asked[text]++
	failing, held := s.failing, s.gate
	s.gate = nil
	s.mu.Unlock()
	if held != nil {
		close(held.arrived)
		<-held.open
	}
	return !failing
}

func (s *wordsService) transcribe(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("file")
	if err != nil || r.Header.Get("Authorization") != "Bearer "+s.key {
		http.Error(w, `{"error": {"message": "what is this?"}}`, http.StatusBadRequest)
		return
	}
	audio, _ := io.ReadAll(file)
	_, text, _ := strings.Cut(string(audio), mark)
	if !s.pass(text) {
		http.Error(w, `{"error": {"message": "out of memory"}}`, http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(fields{"text": text, "language": "english"})
}

func (s *wordsService) translate(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Q, Source, Target, Format string
		APIKey                    string `json:"api_key"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.APIKey != s.key {
		http.Error(w, `{"error": "what is this?"}`, http.StatusForbidden)
		return
	}
	if !s.pass(in.Q) {
		http.Error(w, `{"error": "out of memory"}`, http.StatusInternalServerError)
		return
	}
	if !strings.Contains("en es zh", in.Target) || !strings.Contains("auto en es zh", in.Source) {
		http.Error(w, `{"error": "that is not supported"}`, http.StatusBadRequest)
		return
	}
	answer := fields{"translatedText": in.Target + ":" + in.Q}
	if in.Source == "auto" {
		answer["detectedLanguage"] = fields{"language": "en", "confidence": 90.0}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// say sends a recording.
func (u *user) say(room, text string) message {
	u.t.Helper()
	return u.sendFile(room, u.upload("voice.wav", saying(text)), "")
}

func (u *user) transcribe(m message) *answer { return u.post(m.path()+"/transcription", nil) }

func (u *user) translate(text, from, to string) *answer {
	return u.post("/translations", fields{"text": text, "from": from, "to": to})
}

func (u *user) translateMessage(m message, to string) *answer {
	return u.post(m.path()+"/translation", fields{"to": to})
}

type (
	transcription struct {
		Text     string `json:"text"`
		Language string `json:"language"`
	}
	translation struct {
		Text string `json:"text"`
		From string `json:"from"`
		To   string `json:"to"`
	}
)
