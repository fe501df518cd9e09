package usersig

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/service"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"to_session":1,"content":"hi"}`, `{"to_session":"1","content":{"a":[1,2]}}`, `{"to_session":1}`, `{"to_session":1,"content":null}`, `{"to_session":1,"content":""}`,
		`{"to_session":1,"content":"\ud800"}`, `{"to_session":-1,"content":1e400}`, `{}`, `{`, `null`, `[]`, "{\"content\":\"\xff\"}", "",
	} {
		f.Add(true, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, isText bool, text []byte) {
		kind := websocket.TextMessage
		if !isText {
			kind = websocket.BinaryMessage
		}
		in, broken, err := parse(kind, text)
		if err != nil {
			if in != (frame{}) {
				t.Errorf("%q: refused, and read as %+v", text, in)
			}
			return
		}
		if broken || !isText || in.data == "" {
			t.Fatalf("%q was taken as %+v", text, in)
		}
		// What was taken comes back as it was.
		var sent struct {
			Content any `json:"content"`
		}
		if json.Unmarshal(text, &sent) != nil {
			return // a number that Go has no room for
		}
		shown, err := json.Marshal(contentOf(&service.Message{Type: define.MessageText, Data: in.data, Format: in.format}, nil))
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(sent.Content)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(shown, &a) != nil || json.Unmarshal(want, &b) != nil {
			t.Fatalf("%q is shown as %s", text, shown)
		}
		if first, _ := json.Marshal(a); string(first) != string(want) {
			t.Errorf("%q is shown as %s", text, shown)
		}
	})
}
