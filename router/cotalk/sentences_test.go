package cotalk

import (
	"encoding/json"
	"strings"
	"testing"

	"parlor/define"
	"parlor/service"
)

// read is how the page of seed 000 reads a notification.
func read(t *testing.T, content string) map[string]any {
	t.Helper()
	content = strings.ReplaceAll(content, "'", `"`)
	content = strings.ReplaceAll(content, "True", "true")
	content = strings.ReplaceAll(content, "False", "false")
	var v map[string]any
	if err := json.Unmarshal([]byte(content), &v); err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	return v
}

func TestNotificationsSurviveTheirPage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"socrates 请求添加您为好友", `d'Artagnan`, "True", "False", `TrueFalse'"\`, `\True`, `\\False`, "\u2028True", "a\nb\tc", "<b>&amp;", "\x01False", "",
	} {
		content, err := notice{Type: typeChat, Status: "change to admin", Text: text, User: 2, Chat: 3, Approved: true}.content()
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, content)
		if got["text"] != text || got["type"] != "chat.management" || got["status"] != "change to admin" || got["user_id"] != 2.0 || got["chat_id"] != 3.0 || got["is_approved"] != true {
			t.Errorf("%q: %v", text, got)
		}
		var plain map[string]any
		if err := json.Unmarshal([]byte(content), &plain); err != nil || plain["text"] != text {
			t.Errorf("%q is no JSON: %s", text, content)
		}
	}
	content, err := notice{Type: typeFriend, Status: "delete", User: 2}.content()
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, content); len(got) != 5 || got["is_approved"] != false {
		t.Errorf("%s", content)
	}
}

func FuzzNotificationsSurviveTheirPage(f *testing.F) {
	for _, seed := range []string{"'", "True", "\\", "FalseTrue\\'", "\u2029"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		content, err := notice{Text: text}.content()
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, content)["text"]; got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}

func TestSentences(t *testing.T) {
	t.Parallel()
	names := map[string]service.User{"a": {Identity: "a", Account: "ann"}, "b": {Identity: "b", Account: "bob"}, "c": {Identity: "c", Account: "cy"}}
	for data, want := range map[string]string{
		`{"event":"member.joined","by":"a","users":["b"]}`:                                                                "bob joined the chat.",
		`{"event":"member.joined","by":"a","users":["b","c"]}`:                                                            "bob, cy joined the chat.",
		`{"event":"member.left","by":"b","users":["b"]}`:                                                                  "bob left the chat.",
		`{"event":"member.left","by":"a","users":["b"]}`:                                                                  "ann kicked bob out of the chat.",
		`{"event":"room.owner","by":"a","users":["b"]}`:                                                                   "ann changed bob's privilege to owner.",
		`{"event":"member.role","by":"a","users":["b"],"role":"admin"}`:                                                   "ann changed bob's privilege to admin.",
		`{"event":"room.renamed","by":"a","users":[]}`:                                                                    "ann renamed the chat.",
		`{"event":"member.joined","by":"x","users":["y"]}`:                                                                "? joined the chat.",
		`{"event":"something.new","by":"a","users":[]}`:                                                                   "ann: something.new",
		`{"event":"call.ended","by":"a","users":["a","b"],"call":"x","media":"video","reason":"completed","duration":75}`: "ann made a call (video, 1:15).",
		`{"event":"call.ended","by":"a","users":["a"],"call":"x","media":"audio","reason":"no_answer","duration":0}`:      "ann called (audio): no answer.",
		`not an object`: "?: ",
	} {
		m := service.Message{Type: define.MessageSystem, Data: data}
		if got := sentence(m.System(), names); got != want {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

func TestEveryTypeAndRoleHasALetter(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		define.MessageText, define.MessageImage, define.MessageAudio, define.MessageVideo, define.MessageFile, define.MessageMerged, define.MessageNotice, define.MessageSystem,
	} {
		if typeLetters[kind] == "" {
			t.Errorf("no letter for %q", kind)
		}
	}
	for _, role := range []string{define.RoleOwner, define.RoleAdmin, define.RoleMember} {
		if privileges[role] == "" || roles[role] == "" {
			t.Errorf("no word for %q", role)
		}
	}
}

func TestMergedForwardsAreText(t *testing.T) {
	t.Parallel()
	ann, bob := service.User{Identity: "a", Account: "ann"}, service.User{Identity: "b", Account: "bob"}
	m := service.Message{Type: define.MessageMerged, Merged: []service.MergedMessage{
		{Sender: ann, Data: "one"}, {Sender: bob, Merged: []service.MergedMessage{{Sender: ann, Data: "two"}}},
	}}
	if got, want := textOf(m), "ann: one\nbob: \n  ann: two"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A status goes with its code, whatever the core refuses with.
func TestEveryRefusalHasItsCode(t *testing.T) {
	t.Parallel()
	for refusal, want := range map[*define.Error]failure{
		define.ErrInvalid:         {codeBadRequest, ""},
		define.ErrUnauthenticated: {codeUnauthorized, ""},
		define.ErrForbidden:       {codeUnauthorized, ""},
		define.ErrSilenced:        {codeUnauthorized, ""},
		define.ErrLocked:          {codeUnauthorized, ""},
		define.ErrUserNotFound:    {codeNotFound, ""},
		define.ErrRecalled:        {codeNotFound, ""},
		define.ErrRoomDissolved:   {codeNotFound, ""},
		define.ErrMethod:          {codeMethod, ""},
		define.ErrRequestOpen:     {codeConflict, ""},
		define.ErrPastRecall:      {codePrecondition, "Precondition Failed : time exceed"},
		define.ErrCodeExpired:     {codeBadRequest, "Verification code not sent"},
		define.ErrNoMail:          {codeServer, "Failed to send email"},
		define.ErrTooLarge:        {codeBadRequest, ""},
		define.ErrUnsupported:     {codeBadRequest, ""},
		define.ErrRateLimited:     {codePrecondition, ""},
		define.ErrInternal:        {codeServer, ""},
		define.ErrUnavailable:     {codeServer, ""},
		errSocket:                 {codeUnauthorized, ""},
	} {
		status, info := shown(refusal)
		if codes[status] != want.Code || info == "" || want.Info != "" && info != want.Info {
			t.Errorf("%v: %d, code %d, %q", refusal, status, codes[status], info)
		}
	}
}
