package router_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
)

// haunt is a group with its secrets, on a server of its own, and those who try to get at them. Everybody has an account
// with a password, whose token all faces take.
type haunt struct {
	*server
	data             *mongo.Database
	owner, member    *user // whose group it is
	stranger, former *user
	numbers          map[*user]string
	secrets          []string
	places           map[string]string // what stands for {…} in the table
}

func newHaunt(t *testing.T) *haunt {
	t.Helper()
	s := newServer(t, func(*define.Config) {})
	suffix := s.suffix()
	h := &haunt{server: s, data: s.openDatabase(), member: s.user("member"), stranger: s.user("stranger"), former: s.user("former")}
	account := "owner-" + suffix
	text, file, name, email, notice := "a secret "+suffix, "in a file "+suffix, "hidden "+suffix, suffix+"@example.com", "heed "+suffix
	in := into[login](anyone{s}.post("/register", fields{"account": account, "password": password, "email": email}).ok(201))
	h.owner = &user{server: s, identity: in.User.Identity, account: account, password: password, token: in.Token}
	h.secrets = []string{text, file, name, email, notice}
	asker, invited := s.user("asker"), s.user("invited")
	h.owner.befriend(h.member)
	h.owner.befriend(h.former)
	h.member.befriend(invited)
	asker.post("/friends/requests", fields{"to": h.owner.identity}).ok(201)
	group := into[room](h.owner.post("/rooms", fields{
		"name": name, "members": []string{h.member.identity, h.former.identity}, "join_policy": "approval", "history": "all",
	}).ok(201))
	on := "/rooms/" + group.Identity
	h.former.delete(on+"/members/"+h.former.identity, nil).ok(204)
	said := h.owner.send(group.Identity, text)
	h.owner.post(on+"/announcements", fields{"content": notice}).ok(201)
	sent := h.owner.upload("secret.txt", []byte(file))
	withFile := into[message](h.owner.post(on+"/messages", fields{"file": sent.Identity}).ok(201))
	private := h.owner.roomWith(h.member)
	h.member.send(private, text)
	waits := into[addition](h.member.post(on+"/members", fields{"members": []string{invited.identity}}).ok(200))
	if len(waits.Pending) != 1 {
		t.Fatalf("nobody waits: %+v", waits)
	}
	note := pages[notification](h.owner, "/notifications", "10")[0]
	h.numbers = map[*user]string{}
	for _, u := range []*user{h.owner, h.member, h.stranger, h.former, asker} {
		h.numbers[u] = strconv.FormatInt(u.number(), 10)
	}
	h.places = map[string]string{
		"{owner}": h.numbers[h.owner], "{ownername}": h.owner.account, "{member}": h.numbers[h.member], "{membername}": h.member.account,
		"{memberid}": h.member.identity, "{asker}": h.numbers[asker], "{askername}": asker.account, "{stranger}": h.numbers[h.stranger],
		"{strangername}": h.stranger.account, "{invitedname}": invited.account, "{chat}": fmt.Sprint(group.Number), "{room}": group.Identity,
		"{private}": fmt.Sprint(h.owner.room(private).Number), "{privateroom}": private, "{message}": fmt.Sprint(said.Identity),
		"{photo}": fmt.Sprint(withFile.Identity), "{file}": sent.Identity, "{notice}": fmt.Sprint(note.Identity), "{password}": password,
	}
	return h
}

// intruder is somebody who calls in a name, with a token that may be his own.
type intruder struct {
	what   string
	name   *user
	token  string
	self   bool // the token is that of his own session
	posing bool // the name is another's
}

// own reports whether somebody makes a call in his own name, as also who names nobody does.
func (by intruder) own(line trespass) bool {
	asks := line.call + line.body
	named := strings.Contains(asks, "{as}") || strings.Contains(asks, "{name}") || strings.Contains(asks, "{owner")
	return by.self && (!named || !by.posing)
}

// intruders are those who may not. The owner's number, name and what he has are no secret from them.
func (h *haunt) intruders() []intruder {
	return []intruder{
		{"a stranger", h.stranger, h.stranger.token, true, false},
		{"a former member", h.former, h.former.token, true, false},
		{"a stranger in the owner's name", h.owner, h.stranger.token, true, true},
		{"a former member in the owner's name", h.owner, h.former.token, true, true},
		{"nobody in the owner's name", h.owner, "", false, true},
		{"a wrong token in the owner's name", h.owner, "x.y.z", false, true},
	}
}

// fill puts what is meant into a line of the table: {as}, {name} and {token} are the intruder's.
func (h *haunt) fill(line string, by intruder) string {
	line = strings.NewReplacer("{as}", h.numbers[by.name], "{name}", by.name.account, "{token}", by.token).Replace(line)
	for place, value := range h.places {
		line = strings.ReplaceAll(line, place, value)
	}
	if place := regexp.MustCompile(`\{[a-z]+\}`).FindString(line); place != "" {
		h.t.Fatalf("%s: what is %s?", line, place)
	}
	return line
}

// trespass is one call of a face.
type trespass struct {
	route string // as the router has it: a method and a path
	call  string // the path that is called
	body  string // JSON; a form where the face takes forms; "file" is an upload
	own   bool   // in his own name it is everybody's right
	tells bool   // it tells the owner a secret
}

// send makes the call of a line, as the clients of its face make it.
func (h *haunt) send(line trespass, by intruder) faceAnswer {
	method, _, _ := strings.Cut(line.route, " ")
	call, text := h.fill(line.call, by), h.fill(line.body, by)
	var body any
	switch {
	case line.body == "file":
		body = formFile{"file", "x.txt", []byte("mine")}
	case strings.HasPrefix(line.body, "{"):
		body = text
	case line.body != "":
		form, err := url.ParseQuery(text)
		must(h.t, err)
		body = form
	}
	var headers []string
	if by.token != "" {
		headers = []string{"Cookie", "cotalk_token=" + by.token + "; parlor_instant=" + by.token}
	}
	return h.server.call(method, call, by.token, body, headers...)
}

// contents is the whole database, by collection and _id, but for when sessions were last seen.
func (h *haunt) contents() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	names, err := h.data.ListCollectionNames(h.t.Context(), bson.D{})
	must(h.t, err)
	for _, name := range names {
		if name == "message_search" { // follows the messages a while later
			continue
		}
		cursor, err := h.data.Collection(name).Find(h.t.Context(), bson.D{}, options.Find().SetProjection(bson.D{{Key: "seen_at", Value: 0}}))
		must(h.t, err)
		for cursor.Next(h.t.Context()) {
			all[name+" "+cursor.Current.Lookup("_id").String()] = cursor.Current.String()
		}
		must(h.t, cursor.Err())
	}
	return all
}

// changed returns what differs between two states of the database.
func changed(before, after map[string]string) (all []string) {
	for key, text := range after {
		if before[key] != text {
			all = append(all, key)
		}
	}
	for key := range before {
		if _, there := after[key]; !there {
			all = append(all, "no more "+key)
		}
	}
	slices.Sort(all)
	return all
}

// told returns the secret that stands in an answer, empty for none.
func (h *haunt) told(answer string) string {
	for _, secret := range h.secrets {
		if strings.Contains(answer, secret) {
			return secret
		}
	}
	return ""
}

// faceRoutes returns every call that is not of the native API, without the slashes that may end them.
func (h *haunt) faceRoutes() (all []string) {
	for _, r := range h.http.Config.Handler.(*gin.Engine).Routes() {
		if !strings.HasPrefix(r.Path, "/api/v1/") && r.Path != "/ws" && r.Path != "/healthz" && r.Method != http.MethodConnect {
			all = append(all, r.Method+" "+strings.TrimSuffix(r.Path, "/"))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Who is not in a group, and who is not who he says he is, is told nothing and changes nothing by any call of any face.
func TestStrangersOnTheFaces(t *testing.T) {
	t.Parallel()
	h := newHaunt(t)
	before := h.contents()
	lines := map[string][]trespass{}
	for _, line := range trespasses {
		lines[line.route] = append(lines[line.route], line)
	}
	for _, route := range h.faceRoutes() {
		all := lines[route]
		delete(lines, route)
		if len(all) == 0 {
			h.checkNoMethod(route)
		}
		for _, line := range all {
			h.trespass(line, &before)
		}
	}
	for route := range lines {
		t.Errorf("there is no %s any more", route)
	}
	for _, line := range trespasses { // what it is that they are not told
		if line.tells {
			if got := h.send(line, intruder{"the owner", h.owner, h.owner.token, true, false}); h.told(got.body) == "" {
				t.Errorf("%s tells the owner himself only %s", line.route, got.body)
			}
		}
	}
}

// trespass has everybody make a call who may not.
func (h *haunt) trespass(line trespass, before *map[string]string) {
	h.t.Helper()
	for _, by := range h.intruders() {
		if line.own && by.own(line) {
			continue
		}
		a := h.send(line, by)
		if secret := h.told(a.body); secret != "" {
			h.t.Errorf("%s %s tells %s of %q: %s", line.route, line.body, by.what, secret, a.body)
		}
		after := h.contents()
		if what := changed(*before, after); len(what) > 0 {
			h.t.Errorf("%s %s lets %s change %q: %s", line.route, line.body, by.what, what, a.body)
		}
		*before = after
	}
}

// checkNoMethod fails the test unless a call that has no line is refused for its method alone.
func (h *haunt) checkNoMethod(route string) {
	h.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	a := h.server.call(method, strings.NewReplacer(":", "", "*", "").Replace(path), h.owner.token, nil)
	head := method == http.MethodHead && a.status != http.StatusInternalServerError // GET without a body: it has its line there
	if a.status != http.StatusMethodNotAllowed && !strings.Contains(a.body, `"Bad method"`) && !head && (method != http.MethodOptions || a.body != "") {
		h.t.Errorf("%s is not in the table: %d %s", route, a.status, a.body)
	}
}
