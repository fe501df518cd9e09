package ws_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

func TestTheTokenMayStandInThreePlaces(t *testing.T) {
	t.Parallel()
	h := open(t)
	cases := []struct {
		name, query string
		header      http.Header
		protocol    string
	}{
		{"header", "", http.Header{"Authorization": {"Bearer alice.1"}}, ""},
		{"subprotocol", "", http.Header{"Sec-WebSocket-Protocol": {"parlor, bearer.alice.1"}}, "parlor"},
		{"query", "?token=alice.1", nil, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			conn, answer, err := websocket.DefaultDialer.Dial(h.url+tc.query, tc.header)
			if err != nil {
				t.Fatal(err, answer)
			}
			defer conn.Close()
			if conn.Subprotocol() != tc.protocol {
				t.Errorf("the server chose the subprotocol %q", conn.Subprotocol())
			}
			var ready service.ReadyEvent
			if r := (&client{t, conn}).next(); r.Op != define.EventReady || json.Unmarshal(r.Data, &ready) != nil {
				t.Fatalf("first came %+v", r)
			}
			if ready.User.Identity != "alice" || ready.Session != "1" || ready.ServerTime == 0 {
				t.Errorf("ready says %+v", ready)
			}
		})
	}
}

func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.Origins = []string{"https://chat.example.com"} })
	h.revoke("alice.over")
	own := "http" + strings.TrimPrefix(h.url, "ws")
	own = strings.TrimSuffix(own, "/ws")
	cases := []struct {
		name   string
		header http.Header
		status int
		code   string
	}{
		{"no token", nil, 401, define.CodeUnauthenticated},
		{"wrong token", http.Header{"Authorization": {"Bearer nonsense"}}, 401, define.CodeUnauthenticated},
		{"ended session", http.Header{"Authorization": {"Bearer alice.over"}}, 401, define.CodeUnauthenticated},
		{"a fault of ours", http.Header{"Authorization": {"Bearer unlucky.1"}}, 500, define.CodeInternal},
		{"foreign page", http.Header{"Authorization": {"Bearer alice.1"}, "Origin": {"https://evil.example.com"}}, 403, define.CodeForbidden},
		{"sandboxed page", http.Header{"Authorization": {"Bearer alice.1"}, "Origin": {"null"}}, 403, define.CodeForbidden},
		{"same host", http.Header{"Authorization": {"Bearer alice.1"}, "Origin": {own}}, 101, ""},
		{"allowed page", http.Header{"Authorization": {"Bearer alice.1"}, "Origin": {"https://chat.example.com"}}, 101, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.header != nil {
				tc.header.Set("Accept-Language", "zh-CN,zh;q=0.9")
			}
			conn, answer, err := websocket.DefaultDialer.Dial(h.url, tc.header)
			if err == nil {
				conn.Close()
			}
			if answer == nil || answer.StatusCode != tc.status {
				t.Fatalf("answered %v, %v; want %d", answer, err, tc.status)
			}
			if tc.code != "" {
				checkRefusal(t, answer, tc.code)
			}
		})
	}
	t.Run("not a handshake", func(t *testing.T) {
		answer, err := http.Get("http" + strings.TrimPrefix(h.url, "ws") + "?token=alice.1")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", answer.StatusCode)
		}
		checkRefusal(t, answer, define.CodeInvalid)
	})
}

func checkRefusal(t *testing.T, answer *http.Response, code string) {
	t.Helper()
	var body struct{ Error middleware.ErrorBody }
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Error.Code != code || body.Error.Message == "" || body.Error.RequestID == "" || body.Error.RequestID != answer.Header.Get("X-Request-Id") {
		t.Errorf("refused with %+v", body.Error)
	}
}

func TestAnyOriginMayBeAllowed(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.Origins = []string{"*"} })
	h.dial(t, "alice.1", "Origin", "https://anywhere.example.com")
}

// A session that ends while its socket is being opened must not leave the socket behind: the hub could not close what
// it did not know yet.
func TestASessionThatEndsDuringTheHandshake(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.authenticated = h.revoke // right after the first look at it
	c := h.dial(t, "alice.1")
	if r := c.next(); r.Op != define.EventSessionEnded || string(r.Data) != `{"reason":"revoked"}` {
		t.Errorf("pushed %+v", r)
	}
	if code := c.closed(); code != define.CloseSessionEnded {
		t.Errorf("closed with %d", code)
	}
}
