package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// anyone is a caller without a session.
type anyone struct{ *server }

// user is somebody with a session of his own.
type user struct {
	*server
	identity, account, password, token string
}

// answer is what a call got.
type answer struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	body   []byte
	err    error
}

// ask sends a request below /api/v1. A body is sent as JSON; a string as it stands; nil is none.
// It may be called from any goroutine: what goes wrong is reported by the methods of the answer.
func (s *server) ask(method, path, token string, body any, headers ...string) *answer {
	a := &answer{t: s.t, call: method + " " + path}
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		if text, a.err = json.Marshal(b); a.err != nil {
			return a
		}
	}
	// Not the context of the test: it is over when its cleanups run.
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		a.err = err
		return a
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	a.body, a.err = io.ReadAll(response.Body)
	return a
}

func (a anyone) post(path string, body any, headers ...string) *answer {
	return a.ask("POST", path, "", body, headers...)
}

func (u *user) get(path string) *answer              { return u.ask("GET", path, u.token, nil) }
func (u *user) post(path string, body any) *answer   { return u.ask("POST", path, u.token, body) }
func (u *user) put(path string, body any) *answer    { return u.ask("PUT", path, u.token, body) }
func (u *user) patch(path string, body any) *answer  { return u.ask("PATCH", path, u.token, body) }
func (u *user) delete(path string, body any) *answer { return u.ask("DELETE", path, u.token, body) }

// ok fails the test unless the call had this status.
func (a *answer) ok(status int) *answer {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("%s: %v", a.call, a.err)
	}
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.call, a.status, status, a.body)
	}
	if a.header.Get("X-Request-Id") == "" {
		a.t.Errorf("%s: no X-Request-Id", a.call)
	}
	if status == http.StatusNoContent || status == http.StatusAccepted && len(a.body) == 0 {
		if len(a.body) > 0 {
			a.t.Errorf("%s: 204 with a body: %s", a.call, a.body)
		}
	} else if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		a.t.Errorf("%s: Content-Type %q", a.call, got)
	}
	return a
}

// into decodes an answer as exactly what the contract says: a field too many fails the test as well.
func into[T any](a *answer) T {
	a.t.Helper()
	return decode[T](a.t, a.call, a.body)
}

func decode[T any](t *testing.T, what string, text []byte) (v T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v: %s", what, err, text)
	}
	return v
}

// statusOf is the table of codes.
var statusOf = map[string]int{
	"invalid": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404, "conflict": 409, "gone": 410, "too_large": 413,
	"unsupported": 415, "locked": 423, "rate_limited": 429, "internal": 500, "unavailable": 503,
}

type refusal struct {
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Fields    map[string]string `json:"fields"`
	RequestID string            `json:"request_id"`
}

type errorBody struct {
	Error refusal `json:"error"`
}

// refused fails the test unless the call was refused with this code and names exactly these fields.
func (a *answer) refused(code string, fields ...string) refusal {
	a.t.Helper()
	r := into[errorBody](a.ok(statusOf[code])).Error
	if r.Code != code || r.Message == "" || r.RequestID == "" || r.RequestID != a.header.Get("X-Request-Id") {
		a.t.Errorf("%s: %s", a.call, a.body)
	}
	named := slices.Sorted(maps.Keys(r.Fields))
	slices.Sort(fields)
	if !slices.Equal(named, fields) {
		a.t.Errorf("%s: named the fields %q, want %q", a.call, named, fields)
	}
	return r
}

// What the contract shows.
type (
	list[T any] struct {
		Items []T    `json:"items"`
		Next  string `json:"next"`
	}
	person struct {
		Identity    string `json:"identity"`
		Number      int64  `json:"number"`
		Account     string `json:"account"`
		Nickname    string `json:"nickname"`
		Sex         int    `json:"sex"`
		Avatar      string `json:"avatar"`
		Description string `json:"description"`
		CreatedAt   int64  `json:"created_at"`
		Cancelled   bool   `json:"cancelled"`
	}
	profile struct {
		person
		IsFriend     bool   `json:"is_friend"`
		RoomIdentity string `json:"room_identity"`
		Remark       string `json:"remark"`
		Online       bool   `json:"online"`
	}
	ownPerson struct {
		person
		Email     string `json:"email"`
		Phone     string `json:"phone"`
		Name      string `json:"name"`
		Birthday  string `json:"birthday"`
		IDCardNum string `json:"id_card_num"`
		Province  string `json:"province"`
		City      string `json:"city"`
		UpdatedAt int64  `json:"updated_at"`
		LoginAt   int64  `json:"login_at"`
	}
	credential struct {
		Token     string `json:"token"`
		ExpiresAt int64  `json:"expires_at"`
	}
	login struct {
		credential
		User ownPerson `json:"user"`
	}
	session struct {
		Identity  string `json:"identity"`
		Device    string `json:"device"`
		IP        string `json:"ip"`
		Current   bool   `json:"current"`
		Online    bool   `json:"online"`
		CreatedAt int64  `json:"created_at"`
		SeenAt    int64  `json:"seen_at"`
		ExpiresAt int64  `json:"expires_at"`
	}
	friend struct {
		User         person `json:"user"`
		Group        string `json:"group"`
		Remark       string `json:"remark"`
		RoomIdentity string `json:"room_identity"`
		Online       bool   `json:"online"`
		CreatedAt    int64  `json:"created_at"`
	}
	friendRequest struct {
		Identity  string `json:"identity"`
		From      string `json:"from"`
		To        string `json:"to"`
		Message   string `json:"message"`
		State     string `json:"state"`
		CreatedAt int64  `json:"created_at"`
		UpdatedAt int64  `json:"updated_at"`
	}
	group struct {
		Name      string `json:"name"`
		CreatedAt int64  `json:"created_at"`
		UpdatedAt int64  `json:"updated_at"`
	}
	roomMe struct {
		Role          string `json:"role"`
		ReadSeq       int64  `json:"read_seq"`
		Unread        int64  `json:"unread"`
		Mentioned     int64  `json:"mentioned"`
		Pinned        bool   `json:"pinned"`
		Muted         bool   `json:"muted"`
		Locked        bool   `json:"locked"`
		Nickname      string `json:"nickname"`
		SilencedUntil int64  `json:"silenced_until"`
		SinceSeq      int64  `json:"since_seq"`
		ClearedSeq    int64  `json:"cleared_seq"`
	}
	room struct {
		Identity    string   `json:"identity"`
		Number      int64    `json:"number"`
		Kind        string   `json:"kind"`
		Name        string   `json:"name"`
		Info        string   `json:"info"`
		Avatar      string   `json:"avatar"`
		Owner       string   `json:"owner"`
		LastSeq     int64    `json:"last_seq"`
		LastMessage *message `json:"last_message"`
		MemberCount int      `json:"member_count"`
		JoinPolicy  string   `json:"join_policy"`
		History     string   `json:"history"`
		CreatedAt   int64    `json:"created_at"`
		UpdatedAt   int64    `json:"updated_at"`
		Me          roomMe   `json:"me"`
		Peer        *person  `json:"peer"`
	}
	member struct {
		User          person `json:"user"`
		Role          string `json:"role"`
		Nickname      string `json:"nickname"`
		ReadSeq       int64  `json:"read_seq"`
		SilencedUntil int64  `json:"silenced_until"`
		Online        bool   `json:"online"`
		CreatedAt     int64  `json:"created_at"`
	}
	file struct {
		Identity string  `json:"identity"`
		Name     string  `json:"name"`
		Size     int64   `json:"size"`
		Mime     string  `json:"mime"`
		SHA256   string  `json:"sha256"`
		Width    int     `json:"width"`
		Height   int     `json:"height"`
		Duration float64 `json:"duration"`
		Thumb    bool    `json:"thumb"`
	}
	message struct {
		Identity      int64           `json:"identity"`
		RoomIdentity  string          `json:"room_identity"`
		Seq           int64           `json:"seq"`
		Sender        person          `json:"sender"`
		Type          string          `json:"type"`
		Data          string          `json:"data"`
		Format        string          `json:"format"`
		File          *file           `json:"file"`
		ReplyTo       int64           `json:"reply_to"`
		Reply         *quote          `json:"reply"`
		Merged        []mergedMessage `json:"merged"`
		ForwardedFrom *forwardedFrom  `json:"forwarded_from"`
		Mentions      []string        `json:"mentions"`
		ClientID      string          `json:"client_id"`
		Reactions     []reaction      `json:"reactions"`
		EditedAt      int64           `json:"edited_at"`
		RecalledAt    int64           `json:"recalled_at"`
		RecalledBy    string          `json:"recalled_by"`
		Locked        bool            `json:"locked"` // pushed where the room is locked
		CreatedAt     int64           `json:"created_at"`
		UpdatedAt     int64           `json:"updated_at"`
	}
	quote struct {
		Identity   int64  `json:"identity"`
		Seq        int64  `json:"seq"`
		Sender     person `json:"sender"`
		Type       string `json:"type"`
		Data       string `json:"data"`
		File       *file  `json:"file"`
		RecalledAt int64  `json:"recalled_at"`
	}
	mergedMessage struct {
		Sender    person          `json:"sender"`
		Type      string          `json:"type"`
		Data      string          `json:"data"`
		File      *file           `json:"file"`
		Merged    []mergedMessage `json:"merged"`
		CreatedAt int64           `json:"created_at"`
	}
	forwardedFrom struct {
		Identity int64  `json:"identity"`
		Sender   person `json:"sender"`
	}
	reaction struct {
		Emoji string   `json:"emoji"`
		Users []string `json:"users"`
	}
	readers struct {
		Read   []person `json:"read"`
		Unread []person `json:"unread"`
	}
	forwarded struct {
		Items []message `json:"items"`
	}
	deletedMessage struct {
		Room    string `json:"room"`
		Message int64  `json:"message"`
	}
	meChange struct {
		Room string `json:"room"`
		Me   roomMe `json:"me"`
	}
	addition struct {
		Added   []string `json:"added"`
		Pending []string `json:"pending"`
	}
	invitation struct {
		Identity     string `json:"identity"`
		RoomIdentity string `json:"room_identity"`
		Inviter      person `json:"inviter"`
		Invitee      person `json:"invitee"`
		RoomName     string `json:"room_name"`
		Message      string `json:"message"`
		Awaits       string `json:"awaits"`
		State        string `json:"state"`
		DecidedBy    string `json:"decided_by"`
		CreatedAt    int64  `json:"created_at"`
		UpdatedAt    int64  `json:"updated_at"`
	}
	announcement struct {
		Identity        string `json:"identity"`
		RoomIdentity    string `json:"room_identity"`
		Sender          person `json:"sender"`
		MessageIdentity int64  `json:"message_identity"`
		Content         string `json:"content"`
		CreatedAt       int64  `json:"created_at"`
	}
	notification struct {
		Identity int64  `json:"identity"`
		Sender   person `json:"sender"`
		Kind     string `json:"kind"`
		Content  struct {
			Room         string `json:"room"`
			Message      int64  `json:"message"`
			Request      string `json:"request"`
			Invitation   string `json:"invitation"`
			Announcement string `json:"announcement"`
			Role         string `json:"role"`
			State        string `json:"state"`
			Awaits       string `json:"awaits"`
		} `json:"content"`
		IsRead    bool  `json:"is_read"`
		CreatedAt int64 `json:"created_at"`
	}
	membersChange struct {
		Room    string   `json:"room"`
		Members []member `json:"members"`
		By      string   `json:"by"`
	}
	// fields is a body.
	fields map[string]any
)

// pages reads a whole list, limit items at a time.
func pages[T any](u *user, path string, limit string) (all []T) {
	u.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	next := path + separator + "limit=" + limit
	for range 1000 {
		page := into[list[T]](u.get(next).ok(200))
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		if len(page.Items) == 0 {
			u.t.Fatalf("GET %s: an empty page with a next one", next)
		}
		next = path + separator + "limit=" + limit + "&cursor=" + page.Next
	}
	u.t.Fatalf("GET %s: the list does not end", path)
	return nil
}
