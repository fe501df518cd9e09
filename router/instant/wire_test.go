package instant

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/service"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]number{
		"5": 5, `"5"`: 5, "-1": -1, "5.0": 5, "1e3": 1000, "9007199254740991": 1<<53 - 1, "1.5": 0, `"x"`: 0, "null": 0, "true": 0, "{}": 0, "[5]": 0, `""`: 0, "1e400": 0,
	} {
		got := number(7)
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]token{"123456789012": "123456789012", `"123456789012"`: "123456789012", `"a.b.c"`: "a.b.c", "null": "", `""`: "", "{}": "{}"} {
		got := token("before")
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]truth{"true": true, "1": true, `"true"`: true, "false": false, "0": false, `"False"`: false} {
		got := !want
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{`"maybe"`, "[]", "{}", "2", `""`} {
		var in struct {
			On *truth `json:"on"`
		}
		err := decode([]byte(`{"on":`+text+`}`), &in)
		refusal := (*define.Error)(nil)
		if !errors.As(err, &refusal) || refusal.Fields["on"].En != "must be a boolean" {
			t.Errorf("%s is refused with %v", text, err)
		}
	}
}

// A part of a forward, an invitation and a message never have the same number, and scripts can hold each.
func TestNumbersOfParts(t *testing.T) {
	t.Parallel()
	for _, identity := range []int64{1, 2, 1 << 30, partOwner - 1} {
		parts := partsOf(&service.Message{Identity: identity, Merged: make([]service.MergedMessage, 100)})
		if len(parts) != 100 {
			t.Fatalf("%d parts", len(parts))
		}
		for i, part := range parts {
			message, place, ok := partOf(part)
			if !ok || message != identity || place != i || part >= 1<<53 {
				t.Errorf("part %d of %d is %d, which is %d of %d (%v)", i, identity, part, place, message, ok)
			}
		}
	}
	if parts := partsOf(&service.Message{Identity: partOwner, Merged: make([]service.MergedMessage, 2)}); len(parts) != 0 {
		t.Errorf("too large a number has the parts %v", parts)
	}
	for _, n := range []int64{-1, 0, 5, partBase - 1, 1 << 53} {
		if _, _, ok := partOf(n); ok {
			t.Errorf("%d is a part", n)
		}
	}
	one, other := invitationNumber("01919108-f7d2-7b5a-8f3d-2f1c5a6b7c8d"), invitationNumber("01919108-f7d2-7b5a-8f3d-2f1c5a6b7c8e")
	if one == other || one <= partOwner || one >= partBase {
		t.Errorf("the numbers of two invitations are %d and %d", one, other)
	}
	for _, identity := range []string{"", "x", "0191"} {
		if invitationNumber(identity) != 0 {
			t.Errorf("%q has a number", identity)
		}
	}
}

// No frame breaks the decoder, and what it takes is an object in UTF-8.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"function":"send_message","msg_type":"text","msg_body":"hello","reply_id":5}`, `{"function":"add_channel","username":"alice1","token":123456789012}`,
		`{"function":"read_message","read_message_list":[1,"2",null],"chatroom_id":"3"}`, `{"type":"call","data":{"name":"x","rtcMessage":{"sdp":"y"}}}`,
		`{"combine_list":[1e400,-1],"is_top":"True"}`, "", "[]", "null", "{", "\xff", `{"function":"x"}{"function":"y"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		taken := false
		for _, in := range []any{&sendInput{}, &chatInput{}, &readInput{}, &messageInput{}, &replyInput{}, &groupInput{}, &settingInput{}, &between{}, &nameInput{}} {
			taken = decode(text, in) == nil || taken
		}
		if f, ok := parseCall(websocket.TextMessage, text); ok && f.Data != nil {
			if short, err := nativeCandidate(f.Data.RTCMessage); err == nil && !json.Valid(faceCandidate(short)) {
				t.Errorf("%s is no candidate any more", f.Data.RTCMessage)
			}
		}
		if !taken {
			return
		}
		if !utf8.Valid(text) || !json.Valid(text) {
			t.Errorf("%q was taken", text)
		}
	})
}
