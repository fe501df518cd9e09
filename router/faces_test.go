package router_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"parlor/define"
	"parlor/service"
)

// What the core has for the faces is tested through the services where the native API does not use it.

// caller is the user as a face knows him.
func (u *user) caller() service.Caller {
	u.t.Helper()
	claims, err := u.tokens.Parse(u.token)
	must(u.t, err)
	return service.Caller{User: u.identity, Session: claims.Session, IP: "127.0.0.1"}
}

// got returns what a call has returned, which must be no error.
func got[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestUsersAndRoomsByNumber(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	anna, ben := s.friends("anna", "ben")
	eve := s.user("eve")
	accounts, rooms := s.services.Accounts, s.services.Rooms
	group := anna.room(anna.group("Numbers", ben))
	ctx := t.Context()

	number := got[service.User](t)(accounts.Get(ctx, anna.identity)).Number
	for range 2 { // the second time from the cache
		if u := got[service.User](t)(accounts.ByNumber(ctx, number)); u.Identity != anna.identity {
			t.Errorf("number %d is %+v", number, u)
		}
		if r := got[service.Room](t)(rooms.ByNumber(ctx, ben.caller(), group.Number)); r.Identity != group.Identity || r.Me == nil {
			t.Errorf("room %d is %+v", group.Number, r)
		}
	}
	if u := got[service.User](t)(accounts.ByAccount(ctx, anna.account)); u.Identity != anna.identity {
		t.Errorf("%s is %+v", anna.account, u)
	}
	if n := got[service.RoomTitle](t)(rooms.Title(ctx, group.Identity)).Number; n != group.Number {
		t.Errorf("room number %d, want %d", n, group.Number)
	}
	_, err := rooms.Find(ctx, eve.caller(), group.Number)
	wantError(t, "a stranger", err, define.ErrRoomNotFound)
	_, err = rooms.Find(ctx, anna.caller(), 1<<40)
	wantError(t, "no room", err, define.ErrRoomNotFound)
	_, err = accounts.ByNumber(ctx, 1<<40)
	wantError(t, "no user", err, define.ErrUserNotFound)

	number = got[service.User](t)(accounts.Get(ctx, ben.identity)).Number
	got[service.User](t)(accounts.ByNumber(ctx, number))
	ben.delete("/users/me", fields{"password": password}).ok(204)
	_, err = accounts.ByNumber(ctx, number)
	wantError(t, "a cancelled account", err, define.ErrUserNotFound)
	_, err = accounts.ByAccount(ctx, ben.account)
	wantError(t, "a cancelled account", err, define.ErrUserNotFound)
}

func TestOtherTokensOfASession(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	anna := s.user("anna")
	sessions, ctx := s.services.Sessions, t.Context()
	short := got[service.Token](t)(sessions.Sign(ctx, anna.caller(), time.Minute, map[string]any{"data": fields{"user_id": 7}}))
	if left := time.Until(time.UnixMilli(short.ExpiresAt)); left > time.Minute || left < 30*time.Second {
		t.Errorf("it is good for %v", left)
	}
	long := got[service.Token](t)(sessions.Sign(ctx, anna.caller(), 1000*time.Hour, nil))
	if left := time.Until(time.UnixMilli(long.ExpiresAt)); left > s.config.Auth.TokenTTL {
		t.Errorf("a token outlives its session: %v", left)
	}
	other := *anna
	other.token = short.Token
	if me := into[ownPerson](other.get("/users/me").ok(200)); me.Identity != anna.identity {
		t.Errorf("the token is of %+v", me)
	}
	anna.post("/logout", nil).ok(204)
	other.get("/users/me").refused("unauthenticated")
	_, err := sessions.Sign(ctx, anna.caller(), time.Minute, nil)
	wantError(t, "an ended session", err, define.ErrSessionEnded)
}

func TestSessionsThatTheDeploymentOpens(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	anna := s.user("anna")
	sessions, ctx := s.services.Sessions, t.Context()
	first := got[service.Login](t)(sessions.OpenTrusted(ctx, anna.identity, "kiosk", "127.0.0.1"))
	again := got[service.Login](t)(sessions.OpenTrusted(ctx, anna.identity, "kiosk", "127.0.0.1"))
	other := got[service.Login](t)(sessions.OpenTrusted(ctx, anna.identity, "hall", "127.0.0.1"))
	opened := map[string]bool{}
	for _, in := range []service.Login{first, again, other} {
		caller, _, err := sessions.Authenticate(ctx, in.Token.Token, "127.0.0.1")
		if err != nil || caller.User != anna.identity {
			t.Fatalf("%+v, %v", caller, err)
		}
		opened[caller.Session] = true
	}
	if len(opened) != 2 {
		t.Errorf("%d sessions for two devices", len(opened))
	}
	_, err := sessions.OpenTrusted(ctx, "nobody", "kiosk", "127.0.0.1")
	wantError(t, "nobody", err, define.ErrUserNotFound)
	anna.delete("/users/me", fields{"password": password}).ok(204)
	_, err = sessions.OpenTrusted(ctx, anna.identity, "kiosk", "127.0.0.1")
	wantError(t, "a cancelled account", err, define.ErrUserNotFound)
}

func TestNumericTokens(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	anna, ben := s.user("anna"), s.user("ben")
	sessions, ctx := s.services.Sessions, t.Context()
	old := got[int64](t)(sessions.TakeNumber(ctx, anna.caller()))
	number := got[int64](t)(sessions.TakeNumber(ctx, anna.caller()))
	if len(fmt.Sprint(number)) != 12 || number == old {
		t.Errorf("number %d after %d", number, old)
	}
	caller, expires, err := sessions.AuthenticateNumber(ctx, anna.account, number, "127.0.0.1")
	if err != nil || caller.User != anna.identity || caller.Session != anna.caller().Session || time.Until(expires) < time.Hour {
		t.Errorf("%+v until %v: %v", caller, expires, err)
	}
	for what, call := range map[string]struct {
		account string
		number  int64
	}{
		"another number": {anna.account, number + 1}, "the number before": {anna.account, old}, "somebody else's": {ben.account, number},
		"nobody's": {"nobody-" + s.suffix(), number},
	} {
		_, _, err := sessions.AuthenticateNumber(ctx, call.account, call.number, "127.0.0.1")
		wantError(t, what, err, define.ErrUnauthenticated)
	}
	anna.post("/logout", nil).ok(204)
	_, _, err = sessions.AuthenticateNumber(ctx, anna.account, number, "127.0.0.1")
	wantError(t, "an ended session", err, define.ErrUnauthenticated)
}

// A number is guarded as a password is: whoever tries too many must wait, and then a right one does not help. Right ones
// cost nothing.
func TestNumericTokensAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 1 })
	anna := s.user("anna")
	sessions, ctx := s.services.Sessions, t.Context()
	number := got[int64](t)(sessions.TakeNumber(ctx, anna.caller()))
	try := func(number int64, ip string) error {
		_, _, err := sessions.AuthenticateNumber(ctx, anna.account, number, ip)
		return err
	}
	for range 200 {
		must(t, try(number, "192.0.2.1"))
	}
	tries := 0
	for ; errors.Is(try(number+1, "192.0.2.1"), define.ErrUnauthenticated); tries++ {
		if tries > 100 {
			t.Fatal("100 guesses were looked at")
		}
	}
	wantError(t, "the right one after too many", try(number, "192.0.2.1"), define.ErrRateLimited)
	must(t, try(number, "192.0.2.2")) // who guesses does not lock anybody else out
}

func TestRoster(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("Roster", bob)
	said := alice.send(group, "read me")
	rooms, ctx := s.services.Rooms, t.Context()
	roster := got[[]service.Member](t)(rooms.Roster(ctx, bob.caller(), group))
	if len(roster) != 2 || roster[0].User.Identity != alice.identity || roster[0].Role != "owner" || roster[0].ReadSeq != said.Seq ||
		roster[1].User.Account != bob.account || roster[1].ReadSeq != said.Seq-1 {
		t.Errorf("the roster is %+v", roster)
	}
	_, err := rooms.Roster(ctx, s.user("eve").caller(), group)
	wantError(t, "a stranger", err, define.ErrRoomNotFound)
}

func TestOneNotification(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	notifications, ctx := s.services.Notifications, t.Context()
	theirs := pages[notification](alice, "/notifications", "10")[0].Identity // that bob is her friend now
	if n := got[service.Notification](t)(notifications.Get(ctx, alice.caller(), theirs)); n.Kind != "friend.accepted" || n.Sender.Identity != bob.identity {
		t.Errorf("it is %+v", n)
	}
	_, err := notifications.Get(ctx, bob.caller(), theirs)
	wantError(t, "another's", err, define.ErrNotificationNotFound)
	wantError(t, "deleting another's", notifications.Delete(ctx, bob.caller(), theirs), define.ErrNotificationNotFound)
	must(t, notifications.Delete(ctx, alice.caller(), theirs))
	wantError(t, "deleting it again", notifications.Delete(ctx, alice.caller(), theirs), define.ErrNotificationNotFound)
}

func TestRelations(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	with := func(u, other *user) service.Relation {
		return got[service.Relation](t)(s.services.Friends.With(t.Context(), u.caller(), other.identity))
	}
	if r := with(alice, bob); r != (service.Relation{}) {
		t.Errorf("strangers: %+v", r)
	}
	request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201)).Identity
	if a, b := with(alice, bob), with(bob, alice); a != (service.Relation{Asking: request}) || b != (service.Relation{Asked: request}) {
		t.Errorf("asking: %+v, asked: %+v", a, b)
	}
	bob.post("/friends/requests/"+request+"/accept", nil).ok(200)
	if a, b := with(alice, bob), with(bob, alice); a != (service.Relation{IsFriend: true}) || b != a {
		t.Errorf("friends: %+v, %+v", a, b)
	}
}

// The code goes to the address that the account says, and proves it.
func TestPasswordByCode(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	accounts, ctx := s.services.Accounts, t.Context()
	if err := accounts.SendOwnPasswordCode(ctx, bob.caller()); !errors.Is(err, define.ErrInvalid) {
		t.Errorf("without an address: %v", err)
	}
	account := "erin-" + s.suffix()
	email := account + "@example.com"
	in := into[login](anyone{s}.post("/register", fields{"account": account, "password": password, "email": email}).ok(201))
	erin := &user{server: s, identity: in.User.Identity, account: account, password: password, token: in.Token}
	other := erin.login("other")
	must(t, accounts.SendOwnPasswordCode(ctx, erin.caller()))
	code := shared.mails.code(t, email, 1)
	change := func(u *user, code, password string) error {
		return accounts.ChangePasswordByCode(ctx, u.caller(), service.PasswordCodeInput{Code: code, NewPassword: password, PasswordRule: service.PasswordRule{PasswordMin: 6}})
	}
	wantError(t, "too short", change(erin, code, "12345"), define.ErrInvalid)
	wantError(t, "another's code", change(alice, code, "654321"), define.ErrInvalid)
	must(t, change(erin, code, "654321"))
	wantError(t, "the code again", change(erin, code, "123456"), define.ErrCodeExpired)
	other.get("/users/me").refused("unauthenticated")
	erin.get("/users/me").ok(200)
	anyone{s}.post("/login", fields{"email": email, "password": "654321"}).ok(200) // which only proven addresses can
}

// A session alone must not be enough for a new password: no code goes to an address that it could have set.
func TestNoPasswordByAStolenSession(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	accounts, ctx := s.services.Accounts, t.Context()
	fern := s.user("fern")
	email := "fern-" + s.suffix() + "@example.com"
	set := func(c service.Caller) error {
		_, err := accounts.UpdatePerson(ctx, c, service.PersonInput{Email: &email})
		return err
	}
	wantError(t, "setting the address of an account with a password", set(fern.caller()), define.ErrInvalid)
	over := s.call("POST", "/chat/change-chat-user-info/", fern.token, url.Values{"email": {email}})
	if !strings.Contains(over.body, `"code":400`) {
		t.Errorf("setting it over usersig: %d %s", over.status, over.body)
	}
	wantError(t, "a code for it", accounts.SendOwnPasswordCode(ctx, fern.caller()), define.ErrInvalid)

	own := got[service.Me](t)(accounts.Create(ctx, "127.0.0.1", service.CreateInput{Account: "own-" + s.suffix(), Trusted: true}))
	login := got[service.Login](t)(s.services.Sessions.OpenTrusted(ctx, own.Identity, "kiosk", "127.0.0.1"))
	kiosk := &user{server: s, identity: own.Identity, account: own.Account, token: login.Token.Token}
	must(t, set(kiosk.caller()))
	wantError(t, "a code for one without a password", accounts.SendOwnPasswordCode(ctx, kiosk.caller()), define.ErrInvalid)
	s.bind(kiosk, email)
	must(t, set(kiosk.caller())) // as it is
	must(t, accounts.SendOwnPasswordCode(ctx, kiosk.caller()))
	input := service.PasswordCodeInput{Code: shared.mails.code(t, email, 2), NewPassword: "a new password"}
	must(t, accounts.ChangePasswordByCode(ctx, kiosk.caller(), input))
	anyone{s}.post("/login", fields{"account": own.Account, "password": "a new password"}).ok(200)
}

func TestCancellationByASession(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("Left", bob)
	must(t, s.services.Accounts.CancelSession(t.Context(), alice.caller()))
	alice.get("/users/me").refused("unauthenticated")
	if r := bob.room(group); r.Owner != bob.identity {
		t.Errorf("the group is %+v", r)
	}
}
