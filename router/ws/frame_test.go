package ws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","op":"ping"}`, `{"id":"1","op":"message.send","data":{"room":"r","data":"x"}}`, `{"op":"x","extra":1}`,
		`{"id":1,"op":"x"}`, `[]`, `null`, ``, `{"op":"x"}{}`, "{\"op\":\"\xff\"}", `{"OP":"x"}`, `{"op":"x","op":""}`, `{"data":[{}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, broken, err := parse(text)
		var refusal *define.Error
		switch {
		case err != nil && (!errors.As(err, &refusal) || refusal.Code != define.CodeInvalid):
			t.Fatalf("refused with %v", err)
		case broken && (err == nil || r.ID != "" || r.Op != ""):
			t.Fatalf("broken, and yet %+v, %v", r, err)
		case broken:
			return
		case !utf8.Valid(text) || !json.Valid(text) || r.Op == "":
			t.Fatalf("%q was taken for %+v", text, r)
		case err == nil && len(r.Data) > 0 && !json.Valid(r.Data):
			t.Fatalf("data is %q", r.Data)
		}
		// Whatever an id is, its answer is a frame that a client can read.
		answer, err := socket.Text(success{ID: r.ID, Op: define.OpOK})
		if err != nil {
			t.Fatal(err)
		}
		var back success
		if err := json.Unmarshal(answer[bytes.IndexByte(answer, '{'):], &back); err != nil || back.ID != r.ID {
			t.Fatalf("id %q came back as %q: %v", r.ID, back.ID, err)
		}
	})
}

// event is a message of 200 characters, some 450 bytes as a frame.
func event() hub.Event {
	return hub.Event{Op: define.EventMessageNew, Data: service.Message{
		Identity: 1 << 40, RoomIdentity: "0193e2a4-7d1b-7c3e-9f00-000000000001", Seq: 12345, Type: define.MessageText,
		Sender: service.User{Identity: "0193e2a4-7d1b-7c3e-9f00-000000000002", Number: 10001, Account: "alice", Nickname: "Alice"},
		Data:   strings.Repeat("words ", 33), CreatedAt: 1763690000000, UpdatedAt: 1763690000000,
	}}
}

func BenchmarkEncode(b *testing.B) {
	e := event()
	b.ReportAllocs()
	for b.Loop() {
		f, err := Native.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(f.Size()))
	}
}

func BenchmarkParse(b *testing.B) {
	text := fmt.Appendf(nil, `{"id":"1234","op":"message.send","data":{"room":"0193e2a4-7d1b-7c3e-9f00-000000000001","data":%q}}`, strings.Repeat("words ", 33))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
