package router_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
)

// oddities are frames that hardly any client sends: with the words of a face, and values that do not belong there.
type oddities struct {
	*rand.Rand
	key   string   // says what the frame is, empty where there is but one kind
	kinds []string // what it can say
	names []string // of the other fields
	real  []string // values that mean something
}

// frame returns a frame and its kind; sometimes it is no JSON at all.
func (o oddities) frame() (kind int, text []byte) {
	if kind = websocket.TextMessage; o.IntN(8) == 0 {
		kind = websocket.BinaryMessage
	}
	if o.IntN(6) == 0 {
		return kind, []byte(o.value(0))
	}
	var fields []string
	if o.key != "" {
		fields = append(fields, fmt.Sprintf("%q:%q", o.key, o.kinds[o.IntN(len(o.kinds))]))
	}
	for range o.IntN(8) {
		fields = append(fields, fmt.Sprintf("%q:%s", o.names[o.IntN(len(o.names))], o.value(0)))
	}
	o.Shuffle(len(fields), func(i, k int) { fields[i], fields[k] = fields[k], fields[i] })
	text = []byte("{" + strings.Join(fields, ",") + "}")
	switch o.IntN(8) {
	case 0:
		text = text[:o.IntN(len(text)+1)]
	case 1:
		text[o.IntN(len(text))] = byte(o.IntN(256))
	}
	return kind, text[:min(len(text), define.FrameMax)]
}

var oddValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `-1`, `1.5`, `1e400`, `-1e400`, `1e-400`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`,
	`-9223372036854775809`, `1000000000000000000000000000000`, `""`, `" "`, `"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, "\"\xff\xfe\"", "\"\xc0\x80\"", `"5"`, `"-5"`,
	`"9223372036854775808"`, `"true"`, `"../../x"`, `"{}"`, `"<script>"`, `"\u202e"`, `[]`, `{}`, `[null]`, `[[]]`, `{"":{}}`, `nul`, `0x10`, `NaN`, `'x'`, "\xef\xbb\xbf{}",
}

func (o oddities) value(depth int) string {
	switch n := o.IntN(20); {
	case n < 3 && len(o.real) > 0:
		return o.real[o.IntN(len(o.real))]
	case n < 12 || depth > 3:
		return oddValues[o.IntN(len(oddValues))]
	case n == 12:
		deep := 1 + o.IntN(20_000)
		return strings.Repeat("[", deep) + strings.Repeat("]", deep)
	case n == 13:
		deep := 1 + o.IntN(3000)
		return strings.Repeat(`{"type":`, deep) + "1" + strings.Repeat("}", deep)
	case n == 14:
		return `"` + strings.Repeat("好", o.IntN(10_000)) + `"`
	case n == 15:
		return strings.Repeat("9", 1+o.IntN(5000))
	case n < 18:
		var list []string
		for range o.IntN(4) {
			list = append(list, o.value(depth+1))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	return fmt.Sprintf("{%q:%s}", append(o.names, "x")[o.IntN(len(o.names)+1)], o.value(depth+1))
}

// instantFields are the names that the functions of /wsconnect look at.
var instantFields = []string{
	"username", "token", "from", "to", "room_id", "room_name", "roomname", "roomid", "chatroom_id", "msg_type", "msg_body", "reply_id", "combine_list",
	"transroom_id", "read_message_list", "read_user", "msg_id", "father_id", "member_list", "member_name", "manager_name", "new_master_name",
	"added_username", "message_id", "answer", "is_top", "is_notice", "is_specific", "password", "friend_list", "chatroom_list", "refresh",
}

// odd is a socket over which odd frames are sent.
type odd struct {
	name  string
	wire  *faceSocket
	words oddities
	works func(text string) string // does something well-formed, and returns what must be heard because of it
}

// Whatever an authenticated user sends over any socket of a face, the socket stays open and serves what comes next. The
// server logs no fault of its own (see instance.close).
func TestOddFramesOnTheFaces(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	for _, test := range append(s.oddInstant(), s.oddOthers()...) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.words.Rand = rand.New(rand.NewPCG(6, 1))
			for round := range 40 {
				for range 20 {
					kind, frame := test.words.frame()
					must(t, test.wire.conn.WriteMessage(kind, frame))
					test.wire.send(`{}`) // or ten in a row that are no JSON would end some of them
				}
				want := test.works(fmt.Sprint("well-formed ", round))
				for got := ""; !strings.Contains(got, want); {
					select {
					case got = <-test.wire.frames:
					case <-test.wire.ended:
						t.Fatalf("in round %d the socket ended: %v", round, test.wire.err)
					case <-time.After(patience):
						t.Fatalf("in round %d nothing came of %s", round, want)
					}
				}
			}
		})
	}
}

// oddInstant opens both sockets of instant for somebody who has a friend.
func (s *server) oddInstant() []odd {
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a := alice.socket()
	number := a.befriends(alice, bob, bob.socket())
	native, other := alice.native(), bob.native()
	group := native.room(native.group("odd", other))
	said := native.send(group.Identity, "said")
	real := []string{
		fmt.Sprint(number), fmt.Sprint(group.Number), fmt.Sprintf("%q", alice.name), `"nobody12345"`, fmt.Sprint(said.Identity), fmt.Sprintf("[%d]", said.Identity),
		`"text"`, `"reply"`, `"combine"`, `"invite"`, `"notice"`, `"image"`, `{"type":"offer","sdp":""}`,
	}
	header := http.Header{"Cookie": {alice.cookie}}
	chat, call, phone := s.faceSocket("/wsconnect", header), s.faceSocket("/ws/call/", header), bob.phone()
	chat.send(`{"function":"add_channel"}`)
	call.send(`{"type":"login","data":{}}`)
	return []odd{
		{"instant", chat, oddities{key: "function", kinds: keysOf(s.t, "instant/functions.go", "functions"), names: instantFields, real: real}, func(text string) string {
			chat.send(fmt.Sprintf(`{"function":"add_chat","room_id":%d}`, number))
			chat.send(fmt.Sprintf(`{"function":"send_message","msg_type":"text","msg_body":%q}`, text))
			return fmt.Sprintf(`"msg_body":%q`, text)
		}},
		{"calls", call, oddities{
			key: "type", kinds: keysOf(s.t, "instant/calls.go", "callFunctions"), names: []string{"data", "name", "caller", "user", "token", "rtcMessage", "label", "id"}, real: real,
		}, func(text string) string {
			phone.send(fields{"type": "stop_call", "data": fields{"name": alice.name}})
			phone.send(callTo(alice, fields{"sdp": text}))
			return text
		}},
	}
}

// oddOthers opens the sockets of the other faces for somebody who has a friend.
func (s *server) oddOthers() []odd {
	anna, ben := s.friends("anna", "ben")
	room := anna.room(anna.roomWith(ben))
	real := []string{fmt.Sprint(room.Number), fmt.Sprintf("%q", room.Identity), `"text"`}
	classic := s.faceSocket("/websocket/message?token="+anna.token, nil)
	usersig := s.faceSocket("/ws/chat/"+anna.account+"/"+anna.token+"/", nil)
	cotalk := s.faceSocket(fmt.Sprintf("/ws/main/%d/%s", anna.number(), anna.token), nil)
	return []odd{
		{"classic", classic, oddities{names: []string{"message", "room_identity"}, real: real}, func(text string) string {
			classic.send(fmt.Sprintf(`{"message":%q,"room_identity":%q}`, text, room.Identity))
			return text
		}},
		{"usersig", usersig, oddities{names: []string{"to_session", "content"}, real: real}, func(text string) string {
			usersig.send(fmt.Sprintf(`{"to_session":%d,"content":%q}`, room.Number, text))
			return text
		}},
		{"cotalk", cotalk, oddities{key: "type", kinds: []string{"chat.message"}, names: []string{"status", "chat_id", "msg_id"}, real: real}, func(text string) string {
			return fmt.Sprintf(`"msg_id":%d`, ben.send(room.Identity, text).Identity)
		}},
	}
}
