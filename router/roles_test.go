package router_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"testing"
)

// cast is everybody who may stand in some relation to a group. All are friends of the owner, and of the newcomer.
type cast struct {
	owner, admin, member, silenced, blocked, former, outsider, cancelled *user // the callers
	admin2, victim, newcomer                                             *user // whom they act upon
}

// callers are the columns of the matrix. The blocked one is a member whom the owner has blocked: in a group that changes nothing.
func (c *cast) callers() []*user {
	return []*user{c.outsider, c.former, c.cancelled, c.blocked, c.silenced, c.member, c.admin, c.owner}
}

var columns = []string{"an outsider", "a former member", "a cancelled account", "a blocked friend", "a silenced member", "a member", "an admin", "the owner"}

func newCast(s *server) *cast {
	s.t.Helper()
	c := &cast{}
	for name, who := range map[string]**user{
		"owner": &c.owner, "admin": &c.admin, "member": &c.member, "silenced": &c.silenced, "blocked": &c.blocked, "former": &c.former,
		"outsider": &c.outsider, "cancelled": &c.cancelled, "admin2": &c.admin2, "victim": &c.victim, "newcomer": &c.newcomer,
	} {
		*who = s.user(name)
	}
	for _, other := range []*user{c.admin, c.member, c.silenced, c.blocked, c.former, c.admin2, c.victim, c.newcomer} {
		c.owner.befriend(other)
	}
	for _, other := range []*user{c.admin, c.member, c.silenced, c.blocked, c.former, c.outsider} {
		c.newcomer.befriend(other)
	}
	c.owner.put("/blocks/"+c.blocked.identity, nil).ok(204)
	c.cancelled.delete("/users/me", fields{"password": password}).ok(204)
	return c
}

// stage is a group with the cast in it.
type stage struct {
	*cast
	room              room
	said              map[*user]int64 // a message of each
	system, announced string
	photo             string // of the victim's, in the room
	invitation        string
}

func (c *cast) stage() *stage {
	c.owner.t.Helper()
	identities := []string{}
	members := []*user{c.admin, c.admin2, c.member, c.silenced, c.blocked, c.former, c.victim}
	for _, m := range members {
		identities = append(identities, m.identity)
	}
	s := &stage{cast: c, said: map[*user]int64{}}
	s.room = into[room](c.owner.post("/rooms", fields{"name": "stage", "members": identities, "join_policy": "approval"}).ok(201))
	for _, m := range append(members, c.owner) {
		s.said[m] = m.send(s.room.Identity, "said by "+m.account).Identity
	}
	on := "/rooms/" + s.room.Identity
	s.photo = c.victim.upload("photo.png", pngBytes(picture(8, 8))).Identity
	c.victim.post(on+"/messages", fields{"file": s.photo}).ok(201)
	s.invitation = into[invitation](c.newcomer.post("/rooms/join", fields{"number": s.room.Number}).ok(202)).Identity
	c.owner.patch(on, fields{"join_policy": "invite"}).ok(200)
	c.owner.put(on+"/members/"+c.admin.identity+"/role", fields{"role": "admin"}).ok(200)
	c.owner.put(on+"/members/"+c.admin2.identity+"/role", fields{"role": "admin"}).ok(200)
	c.owner.put(on+"/members/"+c.silenced.identity+"/silence", fields{"seconds": 3600}).ok(200)
	c.former.delete(on+"/members/"+c.former.identity, nil).ok(204)
	s.announced = into[announcement](c.owner.post(on+"/announcements", fields{"content": "listen"}).ok(201)).Identity
	for _, m := range c.owner.history(s.room.Identity) {
		if m.Type == "system" {
			s.system = fmt.Sprint("/messages/", m.Identity)
		}
	}
	s.room = c.owner.room(s.room.Identity)
	return s
}

func (s *stage) message(of *user) string { return fmt.Sprint("/messages/", s.said[of]) }

// own is the caller's own message; the newcomers have none, and get another's.
func (s *stage) own(caller *user) string {
	if _, ok := s.said[caller]; !ok {
		return s.message(s.victim)
	}
	return s.message(caller)
}

// matrixRow is one call and what it answers to each of the columns: a status, or the code of a refusal.
type matrixRow struct {
	call   string
	method string
	path   func(s *stage, caller *user) string
	body   func(s *stage, caller *user) any
	want   [8]any
}

const (
	hidden = "not_found"
	ended  = "unauthenticated"
	denied = "forbidden"
)

// everyMember is a row of what every member may; in those below some of them are denied it.
func everyMember(status int) [8]any {
	return [8]any{hidden, hidden, ended, status, status, status, status, status}
}

func writers(status int) [8]any {
	return [8]any{hidden, hidden, ended, status, denied, status, status, status}
}

func leaders(status int) [8]any {
	return [8]any{hidden, hidden, ended, denied, denied, denied, status, status}
}

func ownerOnly(status int) [8]any {
	return [8]any{hidden, hidden, ended, denied, denied, denied, denied, status}
}

func nobody() [8]any {
	return [8]any{hidden, hidden, ended, denied, denied, denied, denied, denied}
}

func inRoom(rest string) func(*stage, *user) string {
	return func(s *stage, _ *user) string { return "/rooms/" + s.room.Identity + rest }
}

func onMember(rest string, who func(*stage) *user) func(*stage, *user) string {
	return func(s *stage, _ *user) string {
		return "/rooms/" + s.room.Identity + "/members/" + who(s).identity + rest
	}
}

func onMessage(rest string, of func(*stage) *user) func(*stage, *user) string {
	return func(s *stage, _ *user) string { return s.message(of(s)) + rest }
}

func always(body any) func(*stage, *user) any { return func(*stage, *user) any { return body } }

func matrix() []matrixRow {
	owner := func(s *stage) *user { return s.owner }
	admin2 := func(s *stage) *user { return s.admin2 }
	victim := func(s *stage) *user { return s.victim }
	thumb := "/reactions/" + url.PathEscape("👍")
	self := func(rest string) func(*stage, *user) string {
		return func(s *stage, caller *user) string {
			return "/rooms/" + s.room.Identity + "/members/" + caller.identity + rest
		}
	}
	own := func(rest string) func(*stage, *user) string {
		return func(s *stage, caller *user) string { return s.own(caller) + rest }
	}
	forward := func(to func(s *stage, caller *user) string) func(*stage, *user) any {
		return func(s *stage, caller *user) any {
			return fields{"messages": []int64{s.said[s.victim]}, "rooms": []string{to(s, caller)}}
		}
	}
	return []matrixRow{
		{"show the room", "GET", inRoom(""), always(nil), everyMember(200)},
		{"list the members", "GET", inRoom("/members"), always(nil), everyMember(200)},
		{"change the room", "PATCH", inRoom(""), always(fields{"name": "renamed"}), leaders(200)},
		{"dissolve", "DELETE", inRoom(""), always(nil), ownerOnly(204)},
		{"change one's side", "PATCH", inRoom("/me"), always(fields{"pinned": true}), everyMember(200)},
		{"unlock", "POST", inRoom("/unlock"), always(fields{"password": password}), everyMember(204)},
		{"list announcements", "GET", inRoom("/announcements"), always(nil), everyMember(200)},
		{"announce", "POST", inRoom("/announcements"), always(fields{"content": "x"}), leaders(201)},
		{"unannounce", "DELETE", func(s *stage, _ *user) string { return "/rooms/" + s.room.Identity + "/announcements/" + s.announced }, always(nil), leaders(204)},
		{"add", "POST", inRoom("/members"), func(s *stage, _ *user) any { return fields{"members": []string{s.newcomer.identity}} }, everyMember(200)},
		{"remove a member", "DELETE", onMember("", victim), always(nil), leaders(204)},
		{"remove an admin", "DELETE", onMember("", admin2), always(nil), ownerOnly(204)},
		{"remove the owner", "DELETE", onMember("", owner), always(nil), nobody()},
		{"leave", "DELETE", self(""), always(nil), [8]any{hidden, hidden, ended, 204, 204, 204, 204, denied}},
		{"make an admin", "PUT", onMember("/role", victim), always(fields{"role": "admin"}), ownerOnly(200)},
		{"dismiss an admin", "PUT", onMember("/role", admin2), always(fields{"role": "member"}), ownerOnly(200)},
		{"dismiss the owner", "PUT", onMember("/role", owner), always(fields{"role": "member"}), nobody()},
		{"promote oneself", "PUT", self("/role"), always(fields{"role": "admin"}), nobody()},
		{"silence a member", "PUT", onMember("/silence", victim), always(fields{"seconds": 60}), leaders(200)},
		{"silence an admin", "PUT", onMember("/silence", admin2), always(fields{"seconds": 60}), ownerOnly(200)},
		{"silence the owner", "PUT", onMember("/silence", owner), always(fields{"seconds": 60}), nobody()},
		{"speak again", "PUT", self("/silence"), always(fields{"seconds": 0}), nobody()},
		{"hand over", "PUT", inRoom("/owner"), func(s *stage, _ *user) any { return fields{"user": s.victim.identity} }, ownerOnly(200)},
		{"list invitations", "GET", inRoom("/invitations"), always(nil), leaders(200)},
		{"approve", "POST", func(s *stage, _ *user) string { return "/invitations/" + s.invitation + "/approve" }, always(nil), leaders(200)},
		{"decline", "POST", func(s *stage, _ *user) string { return "/invitations/" + s.invitation + "/decline" }, always(nil), leaders(200)},
		{
			"join", "POST", func(*stage, *user) string { return "/rooms/join" }, func(s *stage, _ *user) any { return fields{"number": s.room.Number} },
			[8]any{denied, denied, ended, "conflict", "conflict", "conflict", "conflict", "conflict"},
		},
		{"read", "POST", inRoom("/read"), always(fields{"seq": 1}), everyMember(200)},
		{"page through", "GET", inRoom("/messages"), always(nil), everyMember(200)},
		{"send", "POST", inRoom("/messages"), always(fields{"data": "x"}), writers(201)},
		{"send a file", "POST", inRoom("/messages"), func(s *stage, caller *user) any { return fields{"file": caller.ownFile()} }, writers(201)},
		{"read a file", "GET", func(s *stage, _ *user) string { return "/files/" + s.photo }, always(nil), everyMember(200)},
		{"read a small picture", "GET", func(s *stage, _ *user) string { return "/files/" + s.photo + "/thumb" }, always(nil), everyMember(200)},
		{"send another's file", "POST", inRoom("/messages"), func(s *stage, _ *user) any { return fields{"file": s.photo} }, [8]any{hidden, hidden, ended, "invalid", denied, "invalid", "invalid", "invalid"}},
		{"show it as the room's picture", "PATCH", inRoom(""), func(s *stage, caller *user) any { return fields{"avatar": caller.ownFile()} }, leaders(200)},
		{"mention all", "POST", inRoom("/messages"), always(fields{"data": "x", "mentions": []string{"all"}}), leaders(201)},
		{"clear", "DELETE", inRoom("/messages"), always(nil), everyMember(204)},
		{"show a message", "GET", onMessage("", victim), always(nil), everyMember(200)},
		{"edit another's", "PATCH", onMessage("", victim), always(fields{"data": "x"}), nobody()},
		{"edit one's own", "PATCH", own(""), always(fields{"data": "x"}), writers(200)},
		{"delete for oneself", "DELETE", onMessage("", victim), always(nil), everyMember(204)},
		{"recall one's own", "POST", own("/recall"), always(nil), everyMember(200)},
		{"recall a member's", "POST", onMessage("/recall", victim), always(nil), leaders(200)},
		{"recall an admin's", "POST", onMessage("/recall", admin2), always(nil), ownerOnly(200)},
		{"recall the owner's", "POST", onMessage("/recall", owner), always(nil), ownerOnly(200)},
		{"recall the server's", "POST", func(s *stage, _ *user) string { return s.system + "/recall" }, always(nil), nobody()},
		{
			"transcribe", "POST", onMessage("/transcription", victim), always(nil),
			[8]any{hidden, hidden, ended, "invalid", "invalid", "invalid", "invalid", "invalid"}, // it is a text
		},
		{"translate a message", "POST", onMessage("/translation", victim), always(fields{"to": "es"}), everyMember(200)},
		{"translate", "POST", func(*stage, *user) string { return "/translations" }, always(fields{"text": "hello", "to": "es"}), [8]any{200, 200, ended, 200, 200, 200, 200, 200}},
		{"who has read it", "GET", onMessage("/readers", victim), always(nil), everyMember(200)},
		{"react", "PUT", onMessage(thumb, victim), always(nil), writers(204)},
		{"unreact", "DELETE", onMessage(thumb, victim), always(nil), writers(204)},
		{"forward into it", "POST", func(*stage, *user) string { return "/messages/forward" }, forward(func(s *stage, _ *user) string { return s.room.Identity }), writers(201)},
		{
			"forward out of it", "POST", func(*stage, *user) string { return "/messages/forward" },
			forward(func(s *stage, caller *user) string { return s.newcomer.privateWith(caller) }), everyMember(201),
		},
	}
}

// ownFile uploads an image, as far as the caller can.
func (u *user) ownFile() string {
	if a := u.sendForm("POST", "/files", "own.png", pngBytes(picture(9, 9))); a.status == 201 {
		return into[file](a).Identity
	}
	return "no-such-file"
}

// privateWith returns the private room with a friend, or one that there is not.
func (u *user) privateWith(friend *user) string {
	if a := u.get("/users/" + friend.identity); a.status == 200 {
		if room := into[profile](a).RoomIdentity; room != "" {
			return room
		}
	}
	return "no-such-room"
}

// Who may do what to whom, cell by cell. What is refused changes nothing.
func TestRoleMatrix(t *testing.T) {
	t.Parallel()
	c := newCast(sharedServer(t))
	c.newcomer.befriend(c.admin2)
	var s *stage
	for _, row := range matrix() {
		s = c.stage()
		for i, caller := range c.callers() {
			before := s.state()
			a := caller.ask(row.method, row.path(s, caller), caller.token, row.body(s, caller))
			got := any(a.status)
			if a.err != nil {
				t.Fatal(a.err)
			}
			if a.status >= 400 {
				var refused errorBody
				if err := json.Unmarshal(a.body, &refused); err != nil {
					t.Fatalf("%s: %s", a.call, a.body)
				}
				got = refused.Error.Code
			}
			if got != row.want[i] {
				t.Errorf("%s, by %s: %v, want %v: %s", row.call, columns[i], got, row.want[i], a.body)
			}
			if a.status < 400 {
				s = c.stage()
			} else if after := s.state(); !reflect.DeepEqual(before, after) {
				t.Errorf("%s, by %s: was refused and changed %+v to %+v", row.call, columns[i], before, after)
			}
		}
	}
}

// state is all that the owner and the admin can see of a group.
func (s *stage) state() []any {
	on := "/rooms/" + s.room.Identity
	all := []any{}
	for _, path := range []string{on, on + "/members", on + "/messages?limit=100", on + "/announcements", on + "/invitations"} {
		all = append(all, string(s.owner.get(path).ok(200).body))
	}
	return all
}

// An owner who goes leaves the group to the longest-serving admin, else to the longest-serving member, else to nobody.
func TestHeirs(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	carol, dave := s.user("carol"), s.user("dave")
	for _, test := range []struct {
		name    string
		admins  []*user
		members []*user
		heir    *user
	}{
		{"an admin", []*user{dave}, []*user{carol, dave}, dave},
		{"a member", nil, []*user{carol, dave}, carol},
		{"nobody", nil, nil, nil},
	} {
		owner := s.user("owner")
		var members []*user
		for _, m := range test.members {
			owner.befriend(m)
			members = append(members, m)
		}
		group := owner.group("estate", members[:min(1, len(members))]...)
		for _, m := range members[min(1, len(members)):] {
			owner.post("/rooms/"+group+"/members", fields{"members": []string{m.identity}}).ok(200)
		}
		for _, m := range test.admins {
			owner.put("/rooms/"+group+"/members/"+m.identity+"/role", fields{"role": "admin"}).ok(200)
		}
		said := owner.send(group, "my last words")
		owner.delete("/users/me", fields{"password": password}).ok(204)
		if test.heir == nil {
			continue // with nobody in it there is nobody to ask
		}
		r := test.heir.room(group)
		if r.Owner != test.heir.identity || r.Me.Role != "owner" || r.MemberCount != len(members) {
			t.Errorf("%s: the heir sees %+v", test.name, r)
		}
		roles := map[string]string{}
		for _, m := range pages[member](test.heir, "/rooms/"+group+"/members", "10") {
			roles[m.User.Identity] = m.Role
		}
		if len(roles) != len(members) || roles[owner.identity] != "" || roles[test.heir.identity] != "owner" {
			t.Errorf("%s: the roles are %v", test.name, roles)
		}
		if m := into[message](test.heir.get(fmt.Sprint("/messages/", said.Identity)).ok(200)); m.Data != "my last words" || !m.Sender.Cancelled {
			t.Errorf("%s: the message of who has gone is %+v", test.name, m)
		}
	}
}

// Dismissing, silencing and handing over are told to everybody, and count at once.
func TestRoleChanges(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("changes", bob, carol)
	on := "/rooms/" + group
	alices, bobs, carols := alice.socket(), bob.socket(), carol.socket()
	all := []*socket{alices, bobs, carols}
	everybody := func(ops ...string) hearing { return hearing{alices: ops, bobs: ops, carols: ops} }
	play(t, all, []scenario{
		{name: "appoint", caller: alice, method: "PUT", path: on + "/members/" + bob.identity + "/role", body: fields{"role": "admin"}, status: 200, hear: everybody("member.updated")},
		{name: "silence", caller: bob, method: "PUT", path: on + "/members/" + carol.identity + "/silence", body: fields{"seconds": 100}, status: 200, hear: everybody("member.updated")},
		{name: "a silenced member writes", caller: carol, method: "POST", path: on + "/messages", body: fields{"data": "x"}, code: "forbidden"},
		{name: "end the silence", caller: bob, method: "PUT", path: on + "/members/" + carol.identity + "/silence", body: fields{"seconds": 0}, status: 200, hear: everybody("member.updated")},
		{name: "a member writes again", caller: carol, method: "POST", path: on + "/messages", body: fields{"data": "x"}, status: 201, hear: everybody("message.new")},
		{name: "silence an admin", caller: alice, method: "PUT", path: on + "/members/" + bob.identity + "/silence", body: fields{"seconds": 100}, status: 200, hear: everybody("member.updated")},
		{name: "a silenced admin announces", caller: bob, method: "POST", path: on + "/announcements", body: fields{"content": "x"}, code: "forbidden"},
		{name: "end that silence", caller: alice, method: "PUT", path: on + "/members/" + bob.identity + "/silence", body: fields{"seconds": 0}, status: 200, hear: everybody("member.updated")},
		{name: "dismiss", caller: alice, method: "PUT", path: on + "/members/" + bob.identity + "/role", body: fields{"role": "member"}, status: 200, hear: everybody("member.updated")},
		{name: "a dismissed admin rules", caller: bob, method: "DELETE", path: on + "/members/" + carol.identity, code: "forbidden"},
		{
			name: "hand over", caller: alice, method: "PUT", path: on + "/owner", body: fields{"user": carol.identity}, status: 200,
			hear: everybody("room.updated", "member.updated", "message.new"),
		},
		{name: "a former owner dissolves", caller: alice, method: "DELETE", path: on, code: "forbidden"},
		{name: "a former owner leaves", caller: alice, method: "DELETE", path: on + "/members/" + alice.identity, status: 204, hear: hearing{
			alices: {"member.left"}, bobs: {"member.left", "message.new"}, carols: {"member.left", "message.new"},
		}},
	})
	if r := carol.room(group); r.Owner != carol.identity || r.Me.Role != "owner" || r.MemberCount != 2 {
		t.Errorf("the new owner sees %+v", r)
	}
}

// An owner whom nobody could let speak again is not silenced: handing a group over to a silenced member ends his silence.
func TestSilencedHeir(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("muted heir", bob)
	on := "/rooms/" + group
	alice.put(on+"/members/"+bob.identity+"/silence", fields{"seconds": 3600}).ok(200)
	bob.post(on+"/messages", fields{"data": "x"}).refused("forbidden")
	bobs := bob.socket()
	alice.put(on+"/owner", fields{"user": bob.identity}).ok(200)
	bobs.expect("room.updated")
	for _, m := range heard[membersChange](bobs, "member.updated").Members {
		if m.User.Identity == bob.identity && (m.Role != "owner" || m.SilencedUntil != 0) {
			t.Errorf("bob heard of %+v", m)
		}
	}
	bob.send(group, "I can speak")
}

// Leaving and coming back ended a silence, so that whoever was silenced in an open group could go on at once.
func TestSilenceOutlastsLeaving(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := into[room](alice.post("/rooms", fields{"name": "come and go", "members": []string{bob.identity}, "join_policy": "open"}).ok(201))
	on := "/rooms/" + group.Identity
	silence := func(seconds int) {
		alice.put(on+"/members/"+bob.identity+"/silence", fields{"seconds": seconds}).ok(200)
	}
	comeBack := func() {
		bob.delete(on+"/members/"+bob.identity, nil).ok(204)
		bob.post("/rooms/join", fields{"number": group.Number}).ok(200)
	}
	silence(3600)
	until := bob.room(group.Identity).Me.SilencedUntil
	for range 2 {
		comeBack()
		if me := bob.room(group.Identity).Me; me.SilencedUntil != until {
			t.Errorf("back in the room, bob is silenced until %d, not %d", me.SilencedUntil, until)
		}
		bob.post(on+"/messages", fields{"data": "x"}).refused("forbidden")
	}
	silence(0)
	comeBack()
	bob.send(group.Identity, "I can speak")
}
