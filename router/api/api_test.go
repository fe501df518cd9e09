package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/api"
	"parlor/service"
)

// asked is what a handler made of a request: the arguments after the caller.
type asked []any

// messages notes what it is asked; what these tests don't ask is not there. A client_id of "again" was used before.
type messages struct {
	*service.Messages
	calls chan asked
}

func (m messages) Send(_ context.Context, _ service.Caller, room string, in service.MessageInput) (service.Message, bool, error) {
	m.calls <- asked{room, in}
	return service.Message{Identity: 7, Data: in.Data}, in.ClientID != "again", nil
}

func (m messages) History(_ context.Context, _ service.Caller, room string, q service.HistoryQuery) (service.List[service.Message], error) {
	m.calls <- asked{room, q}
	return service.List[service.Message]{Items: []service.Message{}}, nil
}

func (m messages) Get(_ context.Context, _ service.Caller, id int64) (service.Message, error) {
	m.calls <- asked{id}
	return service.Message{Identity: id}, nil
}

// serve answers one request with a handler, mounted on route as the router mounts it, and returns what the handler asked
// of the service, if it did.
func serve(t *testing.T, route string, handler func(messages) func(*gin.Context) error, method, target, body string) (status int, answer string, call asked) {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.UseEscapedPath, engine.UnescapePathValues = true, false
	engine.Use(middleware.Errors(slog.New(slog.DiscardHandler)), middleware.JSONBody(define.BodyMax))
	calls := make(chan asked, 1)
	engine.Handle(method, route, middleware.Handle(handler(messages{calls: calls})))
	server := httptest.NewServer(engine)
	defer server.Close()

	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case call = <-calls:
	default:
	}
	return response.StatusCode, string(text), call
}

// checkRefused checks an error of status 400 that names exactly these fields.
func checkRefused(t *testing.T, status int, answer string, fields ...string) {
	t.Helper()
	var body struct{ Error middleware.ErrorBody }
	if err := json.Unmarshal([]byte(answer), &body); err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	named := slices.Sorted(maps.Keys(body.Error.Fields))
	if status != 400 || body.Error.Code != define.CodeInvalid || !slices.Equal(named, fields) {
		t.Errorf("status %d, answer %s, want the fields %v named", status, answer, fields)
	}
}

func send(m messages) func(*gin.Context) error { return api.Messages{Service: m}.Send }

func TestSendBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		fields     []string
	}{
		{"cut short", `{"data": "hi`, nil},
		{"not JSON", `hello`, nil},
		{"two values", `{"data": "hi"} {}`, nil},
		{"a list", `[]`, nil},
		{"unknown field", `{"data": "hi", "txt": 1}`, []string{"txt"}},
		{"wrong type", `{"data": 1}`, []string{"data"}},
		{"number with a fraction", `{"reply_to": 1.5}`, []string{"reply_to"}},
		{"wrong type inside", `{"mentions": [1]}`, []string{"mentions"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, answer, call := serve(t, "/rooms/:room/messages", send, "POST", "/rooms/r/messages", test.body)
			checkRefused(t, status, answer, test.fields...)
			if call != nil {
				t.Errorf("the service was asked %v", call)
			}
		})
	}
}

func TestSendTooLarge(t *testing.T) {
	t.Parallel()
	body := `{"data": "` + strings.Repeat("a", define.BodyMax) + `"}`
	status, answer, call := serve(t, "/rooms/:room/messages", send, "POST", "/rooms/r/messages", body)
	if status != 413 || !strings.Contains(answer, `"too_large"`) || call != nil {
		t.Errorf("status %d, answer %s, asked %v", status, answer, call)
	}
}

func TestSendStatusTellsNewFromOld(t *testing.T) {
	t.Parallel()
	for clientID, want := range map[string]int{"first": 201, "again": 200} {
		status, answer, call := serve(t, "/rooms/:room/messages", send, "POST", "/rooms/r/messages", `{"data": "<b>你好</b>", "client_id": "`+clientID+`"}`)
		if status != want || !strings.Contains(answer, `"data":"<b>你好</b>"`) {
			t.Errorf("client_id %s: status %d, answer %s", clientID, status, answer)
		}
		if wanted := (asked{"r", service.MessageInput{Data: "<b>你好</b>", ClientID: clientID}}); !reflect.DeepEqual(call, wanted) {
			t.Errorf("asked %+v, want %+v", call, wanted)
		}
	}
}

// An empty body reads as an object without fields, so that the service can name those that are missing.
func TestSendWithoutBody(t *testing.T) {
	t.Parallel()
	status, answer, call := serve(t, "/rooms/:room/messages", send, "POST", "/rooms/r/messages", "")
	if wanted := (asked{"r", service.MessageInput{}}); status != 201 || !reflect.DeepEqual(call, wanted) {
		t.Errorf("status %d, answer %s, asked %+v", status, answer, call)
	}
}

func TestPathParameterIsUnescapedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, room string }{
		{"/rooms/r/messages", "r"},
		{"/rooms/a%2Fb/messages", "a/b"},
		{"/rooms/a+b/messages", "a+b"},
		{"/rooms/a%2Bb%2F/messages", "a+b/"},
		{"/rooms/a%20b/messages", "a b"},
		{"/rooms/%2525/messages", "%25"},
		{"/rooms/%E5%AE%B6/messages", "家"},
		{"/rooms/../messages", ".."},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			status, answer, call := serve(t, "/rooms/:room/messages", send, "POST", test.path, "{}")
			if status != 201 || call[0] != test.room {
				t.Errorf("status %d, answer %s, asked %v", status, answer, call)
			}
		})
	}
}

func TestHistoryQuery(t *testing.T) {
	t.Parallel()
	seq := func(n int64) *int64 { return &n }
	tests := []struct {
		query  string
		want   service.HistoryQuery
		fields []string
	}{
		{"", service.HistoryQuery{}, nil},
		{"before_seq=9&limit=1", service.HistoryQuery{BeforeSeq: seq(9), Page: service.Page{Limit: 1}}, nil},
		{"after_seq=0&limit=100&cursor=x", service.HistoryQuery{AfterSeq: seq(0), Page: service.Page{Limit: 100, Cursor: "x"}}, nil},
		{"before_seq=-1", service.HistoryQuery{BeforeSeq: seq(-1)}, nil}, // a rule of the service
		{"limit=0", service.HistoryQuery{}, []string{"limit"}},
		{"limit=101", service.HistoryQuery{}, []string{"limit"}},
		{"limit=", service.HistoryQuery{}, []string{"limit"}},
		{"limit=1&limit=2", service.HistoryQuery{}, []string{"limit"}},
		{"limit=ten&before_seq=1.0", service.HistoryQuery{}, []string{"before_seq", "limit"}},
		{"after_seq=99999999999999999999", service.HistoryQuery{}, []string{"after_seq"}},
		{"sender=a&type=text&type=image,audio&from=1&to=2&q=x&mentions=me", service.HistoryQuery{
			Sender: "a", Type: []string{"text", "image", "audio"}, From: seq(1), To: seq(2), Q: "x", Mentions: "me",
		}, nil},
		{"from=a&to=&sender=a&sender=b", service.HistoryQuery{}, []string{"from", "sender", "to"}},
		{"limt=5", service.HistoryQuery{}, []string{"limt"}},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			t.Parallel()
			status, answer, call := serve(t, "/rooms/:room/messages", func(m messages) func(*gin.Context) error {
				return api.Messages{Service: m}.History
			}, "GET", "/rooms/r/messages?"+test.query, "")
			if test.fields != nil {
				checkRefused(t, status, answer, test.fields...)
				return
			}
			if wanted := (asked{"r", test.want}); status != 200 || answer != `{"items":[],"next":""}`+"\n" || !reflect.DeepEqual(call, wanted) {
				t.Errorf("status %d, answer %s, asked %+v, want %+v", status, answer, call, wanted)
			}
		})
	}
}

func TestBrokenQueryIsRefused(t *testing.T) {
	t.Parallel()
	status, answer, _ := serve(t, "/rooms/:room/messages", func(m messages) func(*gin.Context) error {
		return api.Messages{Service: m}.History
	}, "GET", "/rooms/r/messages?limit=%zz", "")
	checkRefused(t, status, answer)
}

func TestMessageIdentityInPath(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{"7": 200, "x": 404, "7.0": 404, "99999999999999999999": 404} {
		status, answer, _ := serve(t, "/messages/:message", func(m messages) func(*gin.Context) error {
			return api.Messages{Service: m}.Get
		}, "GET", "/messages/"+id, "")
		if status != want {
			t.Errorf("%s: status %d, answer %s", id, status, answer)
		}
	}
}
