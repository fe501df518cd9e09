package classic

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"message":"hi","room_identity":"r"}`, `{}`, `{`, `null`, `[]`, `{"message":1}`, "{\"message\":\"\xff\"}", ` {"message":"\ud800"} `, ""} {
		f.Add(true, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, isText bool, text []byte) {
		kind := websocket.TextMessage
		if !isText {
			kind = websocket.BinaryMessage
		}
		in, err := parse(kind, text)
		if err != nil {
			if in != (frame{}) {
				t.Errorf("%q: refused, and read as %+v", text, in)
			}
			return
		}
		if !isText || !json.Valid(text) {
			t.Errorf("%q was taken", text)
		}
		again, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parse(websocket.TextMessage, again); err != nil || back != in {
			t.Errorf("%+v came back as %+v: %v", in, back, err)
		}
	})
}
