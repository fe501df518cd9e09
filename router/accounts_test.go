package router_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/define"
	"parlor/models"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	before := time.Now()
	in := into[login](anyone{s}.post("/register", fields{
		"account": "Zoë.北京-1_" + s.suffix(), "password": "12345678", "nickname": "Zoë 😀", "email": "Zoe@Example.com", "device": "phone",
	}).ok(201))
	u := in.User
	if u.Identity == "" || u.Number < 1 || u.Nickname != "Zoë 😀" || u.Sex != 0 || u.Description != "这个人很懒,什么都没留下" ||
		u.Cancelled || !strings.EqualFold(u.Email, "zoe@example.com") || u.CreatedAt < before.UnixMilli() || u.LoginAt < before.UnixMilli() {
		t.Errorf("the user is %+v", u)
	}
	week := time.UnixMilli(in.ExpiresAt).Sub(before)
	if week < 7*24*time.Hour-2*time.Second || week > 7*24*time.Hour+time.Minute {
		t.Errorf("the token is good for %v", week)
	}
	claims := jwtClaims(t, in.Token)
	if got := slices.Sorted(maps.Keys(claims)); !slices.Equal(got, []string{"exp", "iat", "jti", "sub"}) || claims["sub"] != u.Identity {
		t.Errorf("the token says %v", claims)
	}
	me := into[ownPerson](s.ask("GET", "/users/me", in.Token, nil).ok(200))
	if me != u {
		t.Errorf("me is %+v, registered %+v", me, u)
	}
}

func jwtClaims(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	tests := []struct {
		body   fields
		fields []string
	}{
		{fields{}, []string{"account", "password"}},
		{fields{"account": "a", "password": password}, []string{"account"}},
		{fields{"account": strings.Repeat("a", 51), "password": password}, []string{"account"}},
		{fields{"account": "two words", "password": password}, []string{"account"}},
		{fields{"account": "a@b", "password": password}, []string{"account"}},
		{fields{"account": "a/b", "password": password}, []string{"account"}},
		{fields{"account": "zero\u200bwidth", "password": password}, []string{"account"}},
		{fields{"account": "anna", "password": "1234567"}, []string{"password"}},
		{fields{"account": "anna", "password": strings.Repeat("x", 129)}, []string{"password"}},
		{fields{"account": "anna", "password": password, "email": "not an address"}, []string{"email"}},
		{fields{"account": "anna", "password": password, "admin": true}, []string{"admin"}},
	}
	for _, test := range tests {
		anyone{s}.post("/register", test.body).refused("invalid", test.fields...)
	}
}

// An account is taken in whatever case and Unicode form it is written.
func TestAccountsAreTakenInEveryForm(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	suffix := s.suffix()
	for _, forms := range [][]string{
		{"Alice", "ALICE", "alice", "ａｌｉｃｅ"},
		{"Zoé", "zoe\u0301", "ZOÉ"},
		{"straße", "STRASSE", "Strasse"},
	} {
		first := into[login](anyone{s}.post("/register", fields{"account": forms[0] + suffix, "password": password}).ok(201))
		for _, form := range forms {
			anyone{s}.post("/register", fields{"account": form + suffix, "password": password}).refused("conflict")
			in := into[login](anyone{s}.post("/login", fields{"account": form + suffix, "password": password}).ok(200))
			if in.User.Identity != first.User.Identity || in.User.Account != forms[0]+suffix {
				t.Errorf("%q logged in as %+v", form, in.User)
			}
		}
	}
}

func TestOneOfManyGetsTheAccount(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	account := "same-" + s.suffix()
	answers := make([]*answer, 8)
	together(len(answers), func(i int) {
		answers[i] = anyone{s}.post("/register", fields{"account": account, "password": password})
	})
	created := 0
	for _, a := range answers {
		if a.err == nil && a.status == 201 {
			created++
		} else {
			a.refused("conflict")
		}
	}
	if created != 1 {
		t.Errorf("%d got the account", created)
	}
}

// The answer does not tell whether there is such an account.
func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	var told []refusal
	for _, body := range []fields{
		{"account": alice.account, "password": "wrong password"},
		{"account": "nobody-" + s.suffix(), "password": "wrong password"},
		{"account": "not an account!", "password": "wrong password"},
		{"email": "nobody@example.com", "password": "wrong password"},
	} {
		r := anyone{s}.post("/login", body).refused("unauthenticated")
		r.RequestID = ""
		told = append(told, r)
	}
	for _, r := range told[1:] {
		if r.Message != told[0].Message {
			t.Errorf("the answers differ: %+v and %+v", told[0], r)
		}
	}
	anyone{s}.post("/login", fields{"password": password}).refused("invalid", "account")
	anyone{s}.post("/login", fields{"account": alice.account}).refused("invalid", "password")
}

// An address that nobody has verified proves nothing: whoever writes it down first must not own it.
func TestUnverifiedEmailIsNoLogin(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	email := s.suffix() + "@example.com"
	for range 2 { // nor is it taken
		anyone{s}.post("/register", fields{"account": "mail" + s.suffix(), "password": password, "email": email}).ok(201)
	}
	anyone{s}.post("/login", fields{"email": email, "password": password}).refused("unauthenticated")
}

func TestProfile(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	all := fields{
		"nickname": "艾丽丝", "sex": 2, "phone": "+86 10 0000", "description": "hello", "name": "Alice A.", "birthday": "2000-02-29",
		"province": "北京", "city": "北京",
	}
	changed := into[map[string]any](alice.patch("/users/me", all).ok(200))
	for name, value := range all {
		if n, ok := value.(int); ok {
			value = float64(n)
		}
		if changed[name] != value {
			t.Errorf("%s is %v, want %v", name, changed[name], value)
		}
	}
	me := into[ownPerson](alice.patch("/users/me", fields{"city": "", "description": nil}).ok(200))
	if me.City != "" || me.Description != "hello" || me.Province != "北京" {
		t.Errorf("what was left out did not stay: %+v", me)
	}
	if got := into[ownPerson](alice.get("/users/me").ok(200)); got != me {
		t.Errorf("me is %+v, was told %+v", got, me)
	}
	alice.patch("/users/me", fields{"nickname": ""}).refused("invalid", "nickname")
	alice.patch("/users/me", fields{"account": "other"}).refused("invalid", "account")
	alice.patch("/users/me", fields{"id_card_num": "1"}).refused("invalid", "id_card_num")

	// Others see what is public, and nothing else: into refuses any other field.
	seen := into[profile](bob.get("/users/" + alice.identity).ok(200))
	if seen.person != me.person || seen.IsFriend || seen.Online || seen.RoomIdentity != "" {
		t.Errorf("bob sees %+v", seen)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	prefix := "S" + s.suffix()
	var want []string
	for _, name := range []string{"b", "a", "c"} {
		anyone{s}.post("/register", fields{"account": prefix + name, "password": password}).ok(201)
	}
	for _, name := range []string{"e", "d"} {
		anyone{s}.post("/register", fields{"account": "x" + s.suffix(), "password": password, "nickname": prefix + name}).ok(201)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		want = append(want, prefix+name)
	}
	alice := s.user("alice")
	for _, limit := range []string{"1", "2", "3", "4", "5", "50"} {
		var got []string
		for _, u := range pages[person](alice, "/users?q="+strings.ToUpper(prefix), limit) {
			got = append(got, u.Nickname)
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %s: found %q, want %q", limit, got, want)
		}
	}
	if got := pages[person](alice, "/users?q="+prefix+"zzz", "10"); len(got) > 0 {
		t.Errorf("found %+v", got)
	}
}

func TestChangeAccount(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	account := "New-" + s.suffix()
	alice.put("/users/me/account", fields{"account": account, "password": "wrong password"}).refused("forbidden")
	alice.put("/users/me/account", fields{"account": strings.ToUpper(bob.account), "password": password}).refused("conflict")
	alice.put("/users/me/account", fields{"account": "two words", "password": password}).refused("invalid", "account")
	if me := into[ownPerson](alice.put("/users/me/account", fields{"account": account, "password": password}).ok(200)); me.Account != account {
		t.Errorf("the account is %q", me.Account)
	}
	anyone{s}.post("/login", fields{"account": alice.account, "password": password}).refused("unauthenticated")
	anyone{s}.post("/login", fields{"account": account, "password": password}).ok(200)
	anyone{s}.post("/register", fields{"account": alice.account, "password": password}).ok(201) // free again
	if seen := into[profile](bob.get("/users/" + alice.identity).ok(200)); seen.Account != account {
		t.Errorf("bob sees the account %q", seen.Account)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	other := alice.login("tablet")
	mine, others := alice.socket(), other.socket()
	alice.put("/users/me/password", fields{"old_password": "wrong password", "new_password": "another password"}).refused("forbidden")
	alice.put("/users/me/password", fields{"old_password": password, "new_password": "short"}).refused("invalid", "new_password")
	others.quiet()
	alice.put("/users/me/password", fields{"old_password": password, "new_password": "another password"}).ok(204)

	others.expectEnd("password_changed", 4401)
	other.get("/users/me").refused("unauthenticated")
	mine.quiet()
	alice.get("/users/me").ok(200)
	anyone{s}.post("/login", fields{"account": alice.account, "password": password}).refused("unauthenticated")
	anyone{s}.post("/login", fields{"account": alice.account, "password": "another password"}).ok(200)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave := s.user("carol"), s.user("dave")
	alice.befriend(carol)
	private := alice.roomWith(bob)
	said := alice.send(private, "remember me")
	toAdmin, toEldest, alone := alice.group("admin inherits", bob, carol), alice.group("eldest inherits", bob, carol), alice.group("alone")
	// Roles cannot be given over the API yet.
	if err := s.store.UserRooms.SetRole(t.Context(), carol.identity, toAdmin, "admin", 1); err != nil {
		t.Fatal(err)
	}
	eldest := pages[member](alice, "/rooms/"+toEldest+"/members", "10")[1].User.Identity
	asked := into[friendRequest](alice.post("/friends/requests", fields{"to": dave.identity}).ok(201))
	waitsFor := bob.group("she waits for it")
	bob.patch("/rooms/"+waitsFor, fields{"join_policy": "approval"}).ok(200)
	alice.post("/rooms/join", fields{"number": bob.room(waitsFor).Number}).ok(202)
	phone := alice.login("phone")
	mine, bobs := phone.socket(), bob.socket()

	alice.delete("/users/me", fields{"password": "wrong password"}).refused("forbidden")
	alice.delete("/users/me", nil).refused("invalid", "password")
	bobs.quiet()
	alice.delete("/users/me", fields{"password": password}).ok(204)

	// The account is dead …
	for _, u := range []*user{alice, phone} {
		u.get("/users/me").refused("unauthenticated")
	}
	anyone{s}.post("/login", fields{"account": alice.account, "password": password}).refused("unauthenticated")
	anyone{s}.post("/register", fields{"account": alice.account, "password": password}).refused("conflict")
	if found := pages[person](bob, "/users?q="+alice.account, "10"); len(found) > 0 {
		t.Errorf("search finds %+v", found)
	}
	bob.post("/friends/requests", fields{"to": alice.identity}).refused("not_found")
	// … its friendships have ended, the private room is closed, and what was said there stays …
	if friends := pages[friend](bob, "/friends", "10"); len(friends) > 0 {
		t.Errorf("bob's friends are %+v", friends)
	}
	dave.post("/friends/requests/"+asked.Identity+"/accept", nil).refused("conflict")
	if open := pages[friendRequest](dave, "/friends/requests?box=in", "10"); len(open) != 1 || open[0].State != "expired" {
		t.Errorf("dave's requests are %+v", open)
	}
	bob.post("/rooms/"+private+"/messages", fields{"data": "hello?"}).refused("forbidden")
	history := bob.history(private)
	if len(history) == 0 || history[0].Identity != said.Identity || history[0].Data != "remember me" || !history[0].Sender.Cancelled {
		t.Errorf("the private history is %+v", history)
	}
	if seen := into[profile](bob.get("/users/" + alice.identity).ok(200)); !seen.Cancelled || seen.IsFriend || seen.Description != "" {
		t.Errorf("bob sees %+v", seen)
	}
	if peer := bob.room(private).Peer; peer == nil || !peer.Cancelled {
		t.Errorf("the peer is %+v", peer)
	}
	// … nobody is asked to let her in any more …
	if waiting := pages[invitation](bob, "/rooms/"+waitsFor+"/invitations", "10"); len(waiting) != 1 || waiting[0].State != "declined" || waiting[0].DecidedBy != alice.identity {
		t.Errorf("who waits is %+v", waiting)
	}
	// … and the groups have heirs.
	for room, heir := range map[string]string{toAdmin: carol.identity, toEldest: eldest} {
		checkHeir(t, bob, room, heir, 2)
	}
	if left, err := s.store.Rooms.Get(t.Context(), alone); err != nil || left.DissolvedAt == 0 {
		t.Errorf("the group that nobody is left in is %+v, %v", left, err)
	}
	// Everybody has heard of it.
	for mine.await(mine.pushes, "session.ended").Op != "session.ended" {
	}
	mine.expectClose(4401)
	heardOps := map[string]int{}
	for range 12 {
		f := bobs.await(bobs.pushes, "the end of alice")
		heardOps[f.Op]++
	}
	// For each of the two groups: a new owner, the roles of both, who left, and a system message of each change.
	if want := map[string]int{"friend.removed": 1, "invitation.decided": 1, "room.updated": 2, "member.updated": 2, "member.left": 2, "message.new": 4}; !maps.Equal(heardOps, want) {
		t.Errorf("bob heard %v, want %v", heardOps, want)
	}
	bobs.quiet()
}

// checkHeir checks the owner of a group that somebody has inherited.
func checkHeir(t *testing.T, u *user, identity, heir string, members int) {
	t.Helper()
	got := u.room(identity)
	if got.Owner != heir || got.MemberCount != members {
		t.Errorf("%s: the owner is %s of %d members, want %s of %d", got.Name, got.Owner, got.MemberCount, heir, members)
	}
	owners := pages[member](u, "/rooms/"+identity+"/members?role=owner", "10")
	if len(owners) != 1 || owners[0].User.Identity != heir {
		t.Errorf("%s: the owners are %+v", got.Name, owners)
	}
}

// A cancellation that was stopped in the middle, here with one side of a friendship taken away, can be repeated.
func TestCancelCanBeRepeated(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	if _, err := s.store.Friendships.Delete(t.Context(), bob.identity, alice.identity); err != nil {
		t.Fatal(err)
	}
	alice.delete("/users/me", fields{"password": password}).ok(204)
	if _, err := s.store.Friendships.Get(t.Context(), alice.identity, bob.identity); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("alice's side: %v", err)
	}
	bob.post("/rooms/"+room+"/messages", fields{"data": "hello?"}).refused("forbidden")
}

func TestSearchingAPartOfANameFindsIt(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	part := s.suffix()
	one, two, three := s.user("one-"+part), s.user("two-"+part), s.user("three")
	three.patch("/users/me", fields{"nickname": "三 " + strings.ToUpper(part) + "!"}).ok(200)
	find := func(q string) (found []string) {
		t.Helper()
		for _, u := range pages[person](alice, "/users?contains=true&q="+url.QueryEscape(q), "2") {
			found = append(found, u.Identity)
		}
		return found
	}
	all := []string{one.identity, two.identity, three.identity}
	slices.Sort(all)
	for _, q := range []string{part, strings.ToUpper(part), part[1:], part[:len(part)-1], " " + part[3:7]} {
		if found := find(q); !slices.Equal(found, all) {
			t.Errorf("%q found %v, want %v", q, found, all)
		}
	}
	for q, want := range map[string][]string{
		"wo-" + part[:2]: {two.identity}, "三 " + part: {three.identity}, part + "x": nil, "." + part[1:]: nil, part[5:] + part[:5]: nil,
	} {
		if found := find(q); !slices.Equal(found, want) {
			t.Errorf("%q found %v, want %v", q, found, want)
		}
	}
	// One or two characters find too many to name them all.
	if found := into[list[person]](alice.get("/users?contains=true&limit=1&q=" + part[4:5]).ok(200)); len(found.Items) != 1 {
		t.Errorf("one letter found %+v", found)
	}
	two.put("/users/me/account", fields{"account": "renamed-" + s.suffix(), "password": password}).ok(200)
	two.patch("/users/me", fields{"nickname": "another"}).ok(200)
	one.delete("/users/me", fields{"password": password}).ok(204)
	if found := find(part); !slices.Equal(found, []string{three.identity}) {
		t.Errorf("after a change of name and a cancellation it found %v", found)
	}
	if found := pages[person](alice, "/users?contains=true&q=a%00", "2"); len(found) != 0 {
		t.Errorf("by a null byte: %v", found)
	}
	alice.get("/users?contains=true&q=%20").refused("invalid", "q")
	alice.get("/users?contains=1&q=a").refused("invalid", "contains")
}

// Users whom an older version has stored have no terms of their names: a start makes them.
func TestStartFillsInTheTermsOfNames(t *testing.T) {
	t.Parallel()
	one := newServer(t, func(c *define.Config) { c.Embedded.Listen = "127.0.0.1:0" })
	alice, bob := one.user("alice"), one.user("bob")
	users := one.openDatabase().Collection("user")
	old := make([]any, 1000)
	for i := range old {
		account := fmt.Sprintf("from-before-%d", i)
		old[i] = bson.D{
			{Key: "_id", Value: account}, {Key: "account", Value: account}, {Key: "account_key", Value: account}, {Key: "number", Value: int64(1000 + i)},
			{Key: "nickname_key", Value: ""}, {Key: "cancelled_at", Value: int64(0)},
		}
	}
	if _, err := users.InsertMany(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	without := bson.D{{Key: "$unset", Value: bson.D{{Key: "name_terms", Value: ""}}}}
	if _, err := users.UpdateByID(t.Context(), bob.identity, without); err != nil {
		t.Fatal(err)
	}
	search := "/users?contains=true&q=" + bob.account[1:]
	if found := into[list[person]](alice.get(search).ok(200)).Items; len(found) != 0 {
		t.Errorf("before the start: %+v", found)
	}
	newServer(t, func(c *define.Config) { c.MongoDB.URI = "mongodb://" + one.database.Addr().String() })
	if found := into[list[person]](alice.get(search).ok(200)).Items; len(found) != 1 || found[0].Identity != bob.identity {
		t.Errorf("after the start: %+v", found)
	}
	if found := pages[person](alice, "/users?contains=true&q=om-before-", "100"); len(found) != len(old) {
		t.Errorf("after the start %d are found", len(found))
	}
}
