package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
)

// server is a real HTTP server with every middleware and the routes of a test.
type server struct {
	*httptest.Server
	log *lines
}

// lines is a log in JSON that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the lines of one message.
func (l *lines) with(t *testing.T, message string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for line := range strings.Lines(l.text.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == message {
			found = append(found, entry)
		}
	}
	return found
}

func newServer(t *testing.T, routes func(*gin.Engine)) server {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	s := server{log: &lines{}}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	engine := gin.New()
	engine.Use(middleware.RequestID(), middleware.AccessLog(log, "/quiet"), middleware.Errors(log), middleware.Recovery())
	routes(engine)
	s.Server = httptest.NewServer(engine)
	t.Cleanup(s.Close)
	return s
}

// answers adds GET / that returns err.
func answers(err error) func(*gin.Engine) {
	return func(e *gin.Engine) {
		e.GET("/", middleware.Handle(func(*gin.Context) error { return err }))
	}
}

// stop waits for the requests under way, so that their log lines are there.
func (s server) stop() { s.Close() }

type answer struct {
	*http.Response
	body string
}

func (a answer) failure(t *testing.T) middleware.ErrorBody {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	var wrapped struct{ Error middleware.ErrorBody }
	if err := json.Unmarshal([]byte(a.body), &wrapped); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	return wrapped.Error
}

// do sends a request; headers are pairs of name and value.
func (s server) do(t *testing.T, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(text)}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers(define.ErrNotFound))
	tests := []struct {
		name, given string
		kept        bool
	}{
		{"none", "", false},
		{"one character", "x", true},
		{"all kinds", "aZ09._-", true},
		{"longest", strings.Repeat("a", 64), true},
		{"too long", strings.Repeat("a", 65), false},
		{"space", "a b", false},
		{"slash", "a/b", false},
		{"quote", `a"b`, false},
		{"not ASCII", "请求", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := s.do(t, "GET", "/", nil, "X-Request-Id", test.given)
			id := a.Header.Get("X-Request-Id")
			if id == "" || (id == test.given) != test.kept {
				t.Errorf("given %q, got %q", test.given, id)
			}
			if in := a.failure(t).RequestID; in != id {
				t.Errorf("the body says %q, the header %q", in, id)
			}
		})
	}
	first, second := s.do(t, "GET", "/", nil), s.do(t, "GET", "/", nil)
	if first.Header.Get("X-Request-Id") == second.Header.Get("X-Request-Id") {
		t.Error("two requests got the same id")
	}
}

func TestErrorLanguage(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers(define.Invalid("name", "is missing", "缺失")))
	tests := []struct{ accept, message, field string }{
		{"", define.ErrInvalid.Text.En, "is missing"},
		{"en", define.ErrInvalid.Text.En, "is missing"},
		{"zh", define.ErrInvalid.Text.Zh, "缺失"},
		{"zh-CN,zh;q=0.9,en;q=0.8", define.ErrInvalid.Text.Zh, "缺失"},
		{"zh-TW", define.ErrInvalid.Text.Zh, "缺失"},
		{"zh;q=0.5, en;q=0.6", define.ErrInvalid.Text.En, "is missing"},
		{"fr, zh;q=0.5", define.ErrInvalid.Text.Zh, "缺失"},
		{"fr", define.ErrInvalid.Text.En, "is missing"},
		{"*", define.ErrInvalid.Text.En, "is missing"},
		{"zh-", define.ErrInvalid.Text.En, "is missing"},
		{";;;q=x", define.ErrInvalid.Text.En, "is missing"},
	}
	for _, test := range tests {
		t.Run(test.accept, func(t *testing.T) {
			t.Parallel()
			failure := s.do(t, "GET", "/", nil, "Accept-Language", test.accept).failure(t)
			if failure.Message != test.message || failure.Fields["name"] != test.field {
				t.Errorf("got %+v", failure)
			}
		})
	}
}

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		err        error
		status     int
		code       string
		retryAfter string
		challenge  string
		logged     string
	}{
		{"refusal", define.ErrForbidden, 403, "forbidden", "", "", ""},
		{"wrapped refusal", fmt.Errorf("store: %w", define.ErrRoomNotFound), 404, "not_found", "", "", ""},
		{"no session", define.ErrUnauthenticated, 401, "unauthenticated", "", "Bearer", ""},
		{"a cause stays inside", define.ErrConflict.With(errors.New("secret")), 409, "conflict", "", "", ""},
		{"rate without a time", define.ErrRateLimited, 429, "rate_limited", "1", "", ""},
		{"less than a second", define.ErrRateLimited.After(20 * time.Millisecond), 429, "rate_limited", "1", "", ""},
		{"rounded up", define.ErrRateLimited.After(1001 * time.Millisecond), 429, "rate_limited", "2", "", ""},
		{"database away", define.ErrUnavailable.With(errors.New("secret")), 503, "unavailable", "2", "", "WARN"},
		{"unexpected", errors.New("secret"), 500, "internal", "", "", "ERROR"},
		{"internal refusal", define.ErrInternal.With(errors.New("secret")), 500, "internal", "", "", "ERROR"},
		{"cancelled by ourselves", fmt.Errorf("secret: %w", context.Canceled), 500, "internal", "", "", "ERROR"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, answers(test.err))
			a := s.do(t, "GET", "/", nil, "X-Request-Id", "r1")
			failure := a.failure(t)
			if a.StatusCode != test.status || failure.Code != test.code || failure.Message == "" || failure.Fields != nil {
				t.Errorf("status %d, %+v", a.StatusCode, failure)
			}
			if got := a.Header.Get("Retry-After"); got != test.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, test.retryAfter)
			}
			if got := a.Header.Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("WWW-Authenticate %q, want %q", got, test.challenge)
			}
			if strings.Contains(a.body, "secret") {
				t.Errorf("shows its cause: %s", a.body)
			}
			s.stop()
			logged := s.log.with(t, "request failed")
			switch {
			case test.logged == "" && len(logged) > 0:
				t.Errorf("logged %v", logged)
			case test.logged != "" && (len(logged) != 1 || logged[0]["level"] != test.logged || logged[0]["request_id"] != "r1"):
				t.Errorf("logged %v, want one line of level %s", logged, test.logged)
			}
		})
	}
}

func TestErrorNeverFollowsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(e *gin.Engine) {
		e.GET("/", middleware.Handle(func(c *gin.Context) error {
			c.String(http.StatusOK, "half")
			return errors.New("broke")
		}))
	})
	if a := s.do(t, "GET", "/", nil); a.StatusCode != 200 || a.body != "half" {
		t.Errorf("got %d %q", a.StatusCode, a.body)
	}
	s.stop()
	if logged := s.log.with(t, "request failed"); len(logged) != 1 {
		t.Errorf("logged %v", logged)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(e *gin.Engine) {
		e.GET("/", func(*gin.Context) { panic("secret") })
		e.GET("/error", func(*gin.Context) { panic(define.ErrForbidden) })
		e.GET("/drop", func(*gin.Context) { panic(http.ErrAbortHandler) })
	})
	for _, path := range []string{"/", "/error"} {
		a := s.do(t, "GET", path, nil)
		if failure := a.failure(t); a.StatusCode != 500 || failure.Code != "internal" || strings.Contains(a.body, "secret") {
			t.Errorf("%s: status %d, body %s", path, a.StatusCode, a.body)
		}
	}
	if response, err := s.Client().Get(s.URL + "/drop"); err == nil {
		response.Body.Close()
		t.Error("ErrAbortHandler was answered")
	}
	s.stop()
	logged := s.log.with(t, "request failed")
	if len(logged) != 2 {
		t.Fatalf("logged %v", logged)
	}
	if stack, _ := logged[0]["stack"].(string); !strings.Contains(stack, "middleware_test.go") {
		t.Errorf("no stack of the panic: %q", stack)
	}
}

// A way in with its own words for errors says everything in them; the others are not concerned.
func TestErrorsInOtherWords(t *testing.T) {
	t.Parallel()
	own := errors.New("its own")
	s := newServer(t, func(e *gin.Engine) {
		none := helper.NewRates(1.0/3600, 1, 1)
		none.Allow("address:127.0.0.1", time.Now())
		words := e.Group("/words", middleware.WriteErrors(func(c *gin.Context, err error, refusal *define.Error) {
			c.String(http.StatusOK, "%s %v", refusal.Code, errors.Is(err, own))
		}))
		words.GET("/refused", middleware.Handle(func(*gin.Context) error { return define.ErrForbidden.With(own) }))
		words.GET("/fault", middleware.Handle(func(*gin.Context) error { return own }))
		words.GET("/panic", func(*gin.Context) { panic("at the disco") })
		words.GET("/limited", middleware.RateLimit(none), func(c *gin.Context) { c.String(http.StatusOK, "let through") })
		words.POST("/large", middleware.Body(1), func(c *gin.Context) { c.String(http.StatusOK, "let through") })
		e.GET("/refused", middleware.Handle(func(*gin.Context) error { return define.ErrForbidden }))
	})
	for path, want := range map[string]string{
		"GET /words/refused": "forbidden true", "GET /words/fault": "internal true", "GET /words/panic": "internal false",
		"GET /words/limited": "rate_limited false", "POST /words/large": "too_large false",
	} {
		method, path, _ := strings.Cut(path, " ")
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader("ab")
		}
		if a := s.do(t, method, path, body); a.StatusCode != 200 || a.body != want {
			t.Errorf("%s: status %d, body %q, want %q", path, a.StatusCode, a.body, want)
		}
	}
	if a := s.do(t, "GET", "/refused", nil); a.StatusCode != 403 || a.failure(t).Code != "forbidden" {
		t.Errorf("another route: status %d, body %q", a.StatusCode, a.body)
	}
}

func TestClientThatLeftIsNoError(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := newServer(t, func(e *gin.Engine) {
		e.GET("/", middleware.Handle(func(c *gin.Context) error {
			close(entered)
			<-c.Request.Context().Done()
			return fmt.Errorf("find: %w", c.Request.Context().Err())
		}))
	})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-entered
		leave()
	}()
	if response, err := s.Client().Do(request); err == nil {
		response.Body.Close()
		t.Fatal("answered")
	}
	s.stop()
	if logged := s.log.with(t, "request failed"); len(logged) > 0 {
		t.Errorf("logged %v", logged)
	}
	if logged := s.log.with(t, "request"); len(logged) != 1 || logged[0]["status"] != float64(middleware.StatusClientGone) {
		t.Errorf("access log %v", logged)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(e *gin.Engine) {
		e.GET("/rooms/:room", func(c *gin.Context) { c.String(http.StatusCreated, "hello") })
		e.GET("/quiet", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	})
	s.do(t, "GET", "/rooms/7?token=secret", strings.NewReader("secret"), "X-Request-Id", "r1")
	s.do(t, "GET", "/quiet", nil)
	s.stop()
	if strings.Contains(s.log.text.String(), "secret") {
		t.Errorf("the log tells secrets: %s", s.log.text.String())
	}
	logged := s.log.with(t, "request")
	if len(logged) != 1 {
		t.Fatalf("logged %v", logged)
	}
	for key, want := range map[string]any{"method": "GET", "route": "/rooms/:room", "status": 201.0, "bytes": 5.0, "request_id": "r1", "user": ""} {
		if logged[0][key] != want {
			t.Errorf("%s is %v, want %v", key, logged[0][key], want)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const page = "https://chat.example.com"
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	tests := []struct {
		name    string
		origins []string
		method  string
		origin  string
		headers []string
		status  int
		allowed string
	}{
		{"none configured", nil, "POST", page, nil, 200, ""},
		{"none configured, preflight", nil, "OPTIONS", page, preflight, 405, ""},
		{"request", []string{page}, "POST", page, nil, 200, page},
		{"preflight", []string{page}, "OPTIONS", page, preflight, 204, page},
		{"everyone", []string{"*"}, "OPTIONS", page, preflight, 204, page},
		{"another origin", []string{page}, "POST", "https://evil.example", nil, 200, ""},
		{"another origin, preflight", []string{page}, "OPTIONS", "https://evil.example", preflight, 405, ""},
		{"no page", []string{page}, "POST", "", nil, 200, ""},
		{"OPTIONS that is no preflight", []string{page}, "OPTIONS", page, nil, 405, page},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(e *gin.Engine) {
				e.HandleMethodNotAllowed = true
				e.NoMethod(middleware.Handle(middleware.NoMethod))
				e.Use(middleware.CORS(test.origins))
				e.POST("/", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
			})
			headers := test.headers
			if test.origin != "" {
				headers = append([]string{"Origin", test.origin}, headers...)
			}
			a := s.do(t, test.method, "/", nil, headers...)
			if got := a.Header.Get("Access-Control-Allow-Origin"); a.StatusCode != test.status || got != test.allowed {
				t.Errorf("status %d, allowed %q", a.StatusCode, got)
			}
			if got, want := a.Header.Get("Access-Control-Allow-Credentials") == "true", test.allowed != "" && test.origins[0] == page; got != want {
				t.Errorf("cookies count: %v, want %v", got, want)
			}
			if a.StatusCode != http.StatusNoContent {
				return
			}
			for name, want := range map[string]string{"Access-Control-Allow-Methods": "PATCH", "Access-Control-Allow-Headers": "Authorization"} {
				if got := a.Header.Get(name); !strings.Contains(got, want) {
					t.Errorf("%s is %q", name, got)
				}
			}
		})
	}
}

func TestJSONBody(t *testing.T) {
	t.Parallel()
	const limit = 10
	s := newServer(t, func(e *gin.Engine) {
		e.Use(middleware.JSONBody(limit))
		e.POST("/", middleware.Handle(func(c *gin.Context) error {
			data, err := io.ReadAll(c.Request.Body)
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				return define.ErrTooLarge
			}
			if err != nil {
				return err
			}
			c.String(http.StatusOK, "%s", data)
			return nil
		}))
	})
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"JSON", "application/json", `{}`, 200, ""},
		{"UTF-8", "application/json; charset=UTF-8", `{}`, 200, ""},
		{"capitals", "Application/JSON", `{}`, 200, ""},
		{"no type", "", `{}`, 200, ""},
		{"no body of a form", "application/x-www-form-urlencoded", ``, 200, ""},
		{"form", "application/x-www-form-urlencoded", `a=b`, 415, "unsupported"},
		{"text", "text/plain", `{}`, 415, "unsupported"},
		{"another charset", "application/json; charset=gbk", `{}`, 415, "unsupported"},
		{"broken type", "application/json; ;", `{}`, 415, "unsupported"},
		{"as large as may be", "application/json", `"12345678"`, 200, ""},
		{"larger", "application/json", `"123456789"`, 413, "too_large"},
		{"huge", "application/json", strings.Repeat(" ", 4<<20), 413, "too_large"},
	}
	for _, test := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %v", test.name, chunked), func(t *testing.T) {
				t.Parallel()
				var body io.Reader = strings.NewReader(test.body)
				if chunked && test.body != "" {
					body = io.MultiReader(body) // whose length the client does not know
				}
				var headers []string
				if test.contentType != "" {
					headers = []string{"Content-Type", test.contentType}
				}
				a := s.do(t, "POST", "/", body, headers...)
				if a.StatusCode != test.status {
					t.Fatalf("status %d, body %s", a.StatusCode, a.body)
				}
				if test.code == "" && a.body != test.body {
					t.Errorf("read %q", a.body)
				}
				if test.code != "" && a.failure(t).Code != test.code {
					t.Errorf("body %s", a.body)
				}
			})
		}
	}
}

// sessions knows the token "good" of the user "anna", and a database that is away.
type sessions struct{}

func (sessions) Authenticate(_ context.Context, token, ip string) (service.Caller, time.Time, error) {
	switch token {
	case "good":
		return service.Caller{User: "anna", Session: "s1", IP: ip}, time.Now().Add(time.Hour), nil
	case "away":
		return service.Caller{}, time.Time{}, define.ErrUnavailable
	default:
		return service.Caller{}, time.Time{}, define.ErrSessionEnded
	}
}

func withSession(perSecond float64, burst int) func(*gin.Engine) {
	return func(e *gin.Engine) {
		rates := helper.NewRates(perSecond, burst, 1)
		e.GET("/", middleware.Session(sessions{}, rates), middleware.RateLimit(rates), func(c *gin.Context) {
			caller := middleware.CallerOf(c)
			c.String(http.StatusOK, "%s %s %s", caller.User, caller.Session, caller.IP)
		})
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := newServer(t, withSession(1000, 1000))
	tests := []struct {
		name, authorization string
		status              int
	}{
		{"none", "", 401},
		{"good", "Bearer good", 200},
		{"scheme in small letters", "bearer good", 200},
		{"space around", "Bearer   good ", 200},
		{"bad", "Bearer bad", 401},
		{"no token", "Bearer", 401},
		{"empty token", "Bearer ", 401},
		{"another scheme", "Basic good", 401},
		{"token alone", "good", 401},
		{"database away", "Bearer away", 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := s.do(t, "GET", "/", nil, "Authorization", test.authorization)
			if a.StatusCode != test.status {
				t.Errorf("status %d, body %s", a.StatusCode, a.body)
			}
			if a.StatusCode == 200 && a.body != "anna s1 127.0.0.1" {
				t.Errorf("the caller is %q", a.body)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	const burst = 3
	s := newServer(t, withSession(1.0/3600, burst))
	spend := func(token string, status int) {
		t.Helper()
		for i := range burst {
			if a := s.do(t, "GET", "/", nil, "Authorization", "Bearer "+token); a.StatusCode != status {
				t.Fatalf("request %d with %s: status %d", i+1, token, a.StatusCode)
			}
		}
		a := s.do(t, "GET", "/", nil, "Authorization", "Bearer "+token)
		if a.StatusCode != 429 || a.failure(t).Code != "rate_limited" || len(a.Header.Get("Retry-After")) < 4 {
			t.Errorf("one more with %s: status %d, Retry-After %q", token, a.StatusCode, a.Header.Get("Retry-After"))
		}
	}
	spend("bad", 401)
	spend("good", 200) // a user does not pay for those who share his address
	if a := s.do(t, "GET", "/", nil, "Authorization", "Bearer away"); a.StatusCode != 503 {
		t.Errorf("our own fault was counted: status %d", a.StatusCode)
	}
}
