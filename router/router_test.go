package router_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router"
	sockets "parlor/router/socket"
	"parlor/service"
)

// newHandler returns the router without anything behind it: for what is answered before a service is asked.
func newHandler(t *testing.T, config define.Config) http.Handler {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	handler, err := router.New(router.Deps{
		Config:   config,
		Services: &service.Services{},
		Sockets:  sockets.New(sockets.Options{Log: log}),
		Log:      log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// nativeConfig has no faces: they are tested on their own, and documented in faces.md.
func nativeConfig() define.Config {
	config := define.DefaultConfig()
	config.Faces = define.FacesConfig{}
	return config
}

// do sends a request without following redirects and returns the answer with its body.
func do(t *testing.T, url, method, path string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func checkError(t *testing.T, response *http.Response, body string, status int, code string) {
	t.Helper()
	var wrapped struct{ Error middleware.ErrorBody }
	if err := json.Unmarshal([]byte(body), &wrapped); err != nil {
		t.Fatalf("%s %s: body %q: %v", response.Request.Method, response.Request.URL.Path, body, err)
	}
	e := wrapped.Error
	if response.StatusCode != status || e.Code != code || e.Message == "" || e.RequestID == "" || e.RequestID != response.Header.Get("X-Request-Id") {
		t.Errorf("%s %s: status %d, body %s", response.Request.Method, response.Request.URL.Path, response.StatusCode, body)
	}
}

// Who adds a route must decide here that it is open to everybody.
func TestEveryOtherRouteNeedsASession(t *testing.T) {
	t.Parallel()
	public := []string{
		"GET /healthz", "HEAD /healthz", "GET /ws", "POST /api/v1/register", "POST /api/v1/login", "POST /api/v1/password/code", "POST /api/v1/password/reset",
	}
	handler := newHandler(t, nativeConfig())
	server := httptest.NewServer(handler)
	defer server.Close()

	engine, ok := handler.(*gin.Engine)
	if !ok {
		t.Fatalf("the routes of a %T can't be listed", handler)
	}
	routes := engine.Routes()
	if len(routes) < 40 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, route := range routes {
		if slices.Contains(public, route.Method+" "+route.Path) {
			continue
		}
		response, body := do(t, server.URL, route.Method, strings.ReplaceAll(route.Path, ":", "x"))
		if route.Method == "HEAD" { // which is never answered with a body
			if response.StatusCode != 401 {
				t.Errorf("HEAD %s: status %d", route.Path, response.StatusCode)
			}
			continue
		}
		checkError(t, response, body, 401, define.CodeUnauthenticated)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHandler(t, nativeConfig()))
	defer server.Close()
	tests := []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/", 404, define.CodeNotFound},
		{"GET", "/nowhere", 404, define.CodeNotFound},
		{"POST", "/api/v1", 404, define.CodeNotFound},
		{"GET", "/api/v1/rooms/", 404, define.CodeNotFound},
		{"GET", "/api//v1/rooms", 404, define.CodeNotFound},
		{"GET", "/API/v1/rooms", 404, define.CodeNotFound},
		{"GET", "/api/v1/x/../rooms", 404, define.CodeNotFound},
		{"GET", "/healthz/", 404, define.CodeNotFound},
		{"PUT", "/api/v1/rooms", 405, define.CodeInvalid},
		{"GET", "/api/v1/register", 405, define.CodeInvalid},
		{"OPTIONS", "/api/v1/rooms", 405, define.CodeInvalid},
		{"BREW", "/api/v1/rooms", 405, define.CodeInvalid},
		{"POST", "/healthz", 405, define.CodeInvalid},
	}
	for _, test := range tests {
		response, body := do(t, server.URL, test.method, test.path)
		checkError(t, response, body, test.status, test.code)
		if allow := response.Header.Get("Allow"); (allow != "") != (test.status == 405) {
			t.Errorf("%s %s: Allow %q", test.method, test.path, allow)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHandler(t, define.DefaultConfig()))
	defer server.Close()
	for method, want := range map[string]string{"GET": `{"status":"ok"}`, "HEAD": ""} {
		if response, body := do(t, server.URL, method, "/healthz"); response.StatusCode != 200 || body != want {
			t.Errorf("%s: status %d, body %q", method, response.StatusCode, body)
		}
	}
}

func TestPublicRoutesTakeJSONOnly(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHandler(t, define.DefaultConfig()))
	defer server.Close()
	for _, path := range []string{"/api/v1/register", "/api/v1/login"} {
		response, err := http.Post(server.URL+path, "application/x-www-form-urlencoded", strings.NewReader("account=anna"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		checkError(t, response, string(body), 415, define.CodeUnsupported)
	}
}

func TestPagesOfConfiguredOriginsMayCall(t *testing.T) {
	t.Parallel()
	config := define.DefaultConfig()
	config.CORS.Origins = []string{"https://chat.example.com"}
	server := httptest.NewServer(newHandler(t, config))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), "OPTIONS", server.URL+"/api/v1/rooms/r/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://chat.example.com")
	request.Header.Set("Access-Control-Request-Method", "POST")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Access-Control-Allow-Origin"); response.StatusCode != 204 || got != "https://chat.example.com" {
		t.Errorf("status %d, allowed %q", response.StatusCode, got)
	}
}

func TestBrokenProxiesAreRefused(t *testing.T) {
	t.Parallel()
	config := define.DefaultConfig()
	config.TrustedProxies = []string{"not an address"}
	_, err := router.New(router.Deps{Config: config, Services: &service.Services{}, Sockets: sockets.New(sockets.Options{}), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "trusted_proxies") {
		t.Errorf("got %v", err)
	}
}
