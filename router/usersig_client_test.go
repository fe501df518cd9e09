package router_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// usersigSecret is the secret of the deployment.
const usersigSecret = "a secret that only the business server knows"

// sigToken is the proof that a business server shows, as it would compute it.
func sigToken(secret, userID string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s-%d", userID, at.Unix()/60)
	return hex.EncodeToString(mac.Sum(nil))
}

// usersig is a user of the face usersig with a signature.
type usersig struct {
	*server
	id, sig string
}

// usersig opens an account of the deployment's own and gets a signature for it.
func (s *server) usersig(name string) *usersig {
	s.t.Helper()
	u := &usersig{server: s, id: name + "-" + s.suffix()}
	s.call("POST", "/chat/create-chat-user/", "", url.Values{"user_id": {u.id}}).must(s.t, `"code":200,"message":"创建成功"`)
	u.sig = s.sigFor(u.id)
	return u
}

func (s *server) sigFor(id string) string {
	s.t.Helper()
	a := s.call("POST", "/chat/get-user-sig/", "", url.Values{"user_id": {id}, "token": {sigToken(usersigSecret, id, time.Now())}})
	return a.must(s.t, `^\{"code":200,"message":"获取成功","data":\{"user_sig":"([^"]+)"\}\}$`)
}

func (u *usersig) get(path string) faceAnswer {
	u.t.Helper()
	return u.call("GET", path, u.sig, nil)
}

func (u *usersig) post(path string, pairs ...string) faceAnswer {
	u.t.Helper()
	body := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		body.Set(pairs[i], pairs[i+1])
	}
	return u.call("POST", path, u.sig, body)
}

// session opens a session and returns its id.
func (u *usersig) session(kind string, others ...string) string {
	u.t.Helper()
	list, err := json.Marshal(append([]string{u.id}, others...))
	if err != nil {
		u.t.Fatal(err)
	}
	return u.post("/chat/create-session/", "type", kind, "name", "talk", "chat_user_id_list", string(list)).must(u.t, `^\{"code":200,.*"session_id":(\d+)`)
}

func (u *usersig) socket() *faceSocket {
	u.t.Helper()
	return u.faceSocket("/ws/chat/"+u.id+"/"+u.sig+"/", nil)
}

// native is the same user on the native API; he has no password.
func (u *usersig) native() *user {
	u.t.Helper()
	n := &user{server: u.server, account: u.id, token: u.sig}
	n.identity = into[ownPerson](n.get("/users/me").ok(200)).Identity
	return n
}

// maskLogs replaces the ids of messages, and of sessions.
func maskLogs(text string) string {
	text = regexp.MustCompile(`"id":\d+`).ReplaceAllString(text, `"id":ID`)
	return regexp.MustCompile(`"session_id":\d+`).ReplaceAllString(text, `"session_id":SID`)
}

func chatUser(id string) string {
	return `{"user_id":"` + id + `","name":null,"nickname":null,"username":null,"gender":null,"birthday":null,"id_card_num":null,"phone":null,"email":null,` +
		`"province":null,"city":null,"avatar":null,"description":null,"is_disable":false,"login_time":null,"create_time":"TIME"}`
}

func ownChatUser(id string) string {
	return strings.Replace(chatUser(id), `"login_time":null`, `"login_time":"TIME"`, 1)
}

func sessionJSON(kind, name, info string, unread int, recent string) string {
	return fmt.Sprintf(`{"session_id":SID,"type":%s,"name":%q,"session_info":%s,"create_time":"TIME","unread_count":%d,"recently_chat_log":%s}`, kind, name, info, unread, recent)
}

// logJSON is a message that nobody has read.
func logJSON(content, sender string) string {
	return fmt.Sprintf(`{"id":ID,"have_read":false,"read_time":null,"content":%s,"sender":%q,"create_time":"TIME"}`, content, sender)
}

// saidFrame is what a viewer hears of a message.
func saidFrame(kind, content, sender string, session func(recent string) string) string {
	log := logJSON(content, sender)
	return fmt.Sprintf(`{"type":%q,"chat_log":%s,"session":%s}}`, kind, strings.TrimSuffix(log, "}"), session(log))
}
