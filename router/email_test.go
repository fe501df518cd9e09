package router_test

import (
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
)

// ageCodes lets the codes of an address have been made a while ago.
func (s *server) ageCodes(codes *mongo.Collection, email string, age time.Duration) {
	s.t.Helper()
	cursor, err := codes.Find(s.t.Context(), bson.D{})
	must(s.t, err)
	var all []struct {
		Identity  string    `bson:"_id"`
		CreatedAt int64     `bson:"created_at"`
		ExpiresAt time.Time `bson:"expires_at"`
	}
	must(s.t, cursor.All(s.t.Context(), &all))
	aged := 0
	for _, code := range all {
		if strings.HasSuffix(code.Identity, ":"+email) {
			aged++
			set(s.t, codes, bson.D{{Key: "_id", Value: code.Identity}}, bson.D{
				{Key: "created_at", Value: code.CreatedAt - age.Milliseconds()}, {Key: "expires_at", Value: code.ExpiresAt.Add(-age)},
			})
		}
	}
	if aged == 0 {
		s.t.Fatalf("%s has no codes", email)
	}
}

func TestBindEmail(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	database := s.openDatabase()
	email := alice.account + "@example.com"
	bind := func(u *user, code string) *answer {
		t.Helper()
		return u.put("/users/me/email", fields{"email": strings.ToUpper(email), "code": code})
	}
	bind(alice, "123456").refused("gone") // nothing was sent
	alice.post("/users/me/email/code", fields{"email": email}).ok(202)
	code := shared.mails.code(t, email, 1)
	letter := shared.mails.expect(t, email, 1)
	text, err := io.ReadAll(quotedprintable.NewReader(letter.Body))
	must(t, err)
	kind, parameters, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil || kind != "text/plain" || !strings.EqualFold(parameters["charset"], "utf-8") || letter.Header.Get("From") != `"Parlor" <chat@example.com>` ||
		strings.Count(string(text), code) != 2 || !strings.Contains(string(text), "您的验证码是") {
		t.Errorf("the mail is %v %s", letter.Header, text)
	}
	if places := placesOf(t, database, code); len(places) > 0 {
		t.Errorf("the code stands in %q", places)
	}

	// One a minute.
	a := alice.post("/users/me/email/code", fields{"email": email})
	a.refused("rate_limited")
	if seconds := a.header.Get("Retry-After"); seconds == "" || len(seconds) > 2 {
		t.Errorf("Retry-After is %q", seconds)
	}
	bind(bob, code).refused("gone") // it was sent to her, and is good for her alone
	bind(alice, wrong(code)).refused("invalid", "code")
	bind(alice, "12345").refused("invalid", "code")
	if me := into[ownPerson](bind(alice, code).ok(200)); me.Email != email {
		t.Errorf("alice's address is %q", me.Email)
	}
	bind(alice, code).refused("gone") // it was used
	anyone{s}.post("/login", fields{"email": email, "password": password}).ok(200)
	bob.post("/users/me/email/code", fields{"email": email}).refused("conflict")
	anyone{s}.post("/register", fields{"account": "x" + s.suffix(), "password": password, "email": strings.ToUpper(email)}).refused("conflict")
}

// Several who ask for the same address don't fill its mailbox together.
func TestCodesOfOneAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Listen, c.Limits.Factor = "127.0.0.1:8080", 1 })
	alice, bob := s.user("alice"), s.user("bob")
	alice.post("/users/me/email/code", fields{"email": "a@example.com"}).ok(202)
	bob.post("/users/me/email/code", fields{"email": "A@example.com"}).refused("rate_limited")
	bob.post("/users/me/email/code", fields{"email": "b@example.com"}).ok(202)
}

// Who has proven an address hears at it that the account has another one now.
func TestOldEmailIsTold(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	addresses := []string{alice.account + "@example.com", alice.account + "@example.org"}
	for _, email := range addresses {
		alice.post("/users/me/email/code", fields{"email": email}).ok(202)
		alice.put("/users/me/email", fields{"email": email, "code": shared.mails.code(t, email, 1)}).ok(200)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(shared.mails.expect(t, addresses[0], 2).Body))
	must(t, err)
	if told := string(text); !strings.Contains(told, "The account "+alice.account+" has another") || strings.Contains(told, addresses[1]) {
		t.Errorf("the old address was told %s", told)
	}
}

// A code that was tried too often is good for nobody, even for who knows it, nor is one after ten minutes.
func TestCodeEnds(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	bob := s.user("bob")
	codes := s.openDatabase().Collection("code")
	email := bob.account + "@example.com"
	bind := func(code string) *answer {
		return bob.put("/users/me/email", fields{"email": email, "code": code})
	}
	bob.post("/users/me/email/code", fields{"email": email}).ok(202)
	code := shared.mails.code(t, email, 1)
	for range 5 {
		bind(wrong(code)).refused("invalid", "code")
	}
	bind(code).refused("gone")
	s.ageCodes(codes, email, 61*time.Second)
	bob.post("/users/me/email/code", fields{"email": email}).ok(202)
	second := shared.mails.code(t, email, 2)
	s.ageCodes(codes, email, 10*time.Minute)
	bind(second).refused("gone")
	bob.post("/users/me/email/code", fields{"email": email}).ok(202)
	third := shared.mails.code(t, email, 3)
	if third != second {
		bind(second).refused("invalid", "code") // the newest one alone is good
	}
	bind(third).ok(200)
}

// Of several who prove the same address at the same moment one gets it, and a code is good once.
func TestBindEmailTogether(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	users := []*user{s.user("one"), s.user("two"), s.user("three")}
	email := users[0].account + "@example.com"
	codes := make([]string, len(users))
	for i, u := range users {
		u.post("/users/me/email/code", fields{"email": email}).ok(202)
		codes[i] = shared.mails.code(t, email, i+1)
	}
	answers := make([]*answer, 2*len(users))
	together(len(answers), func(i int) {
		answers[i] = users[i/2].put("/users/me/email", fields{"email": email, "code": codes[i/2]})
	})
	bound := 0
	for _, a := range answers {
		switch a.status {
		case 200:
			bound++
		case 409, 410:
		default:
			t.Errorf("%s: %d %s", a.call, a.status, a.body)
		}
	}
	if bound != 1 {
		t.Errorf("it was bound %d times", bound)
	}
}

// A new password by mail ends all sessions, and nobody learns from the answers which addresses are known.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	codes := s.openDatabase().Collection("code")
	email, unknown := alice.account+"@example.com", "nobody-"+s.suffix()+"@example.com"
	anyone{s}.post("/password/code", fields{"email": email}).ok(202) // it is not hers yet
	s.bind(alice, email)
	if n := shared.mails.count(email); n != 1 {
		t.Errorf("%d mails came before it was hers", n-1)
	}
	s.ageCodes(codes, email, time.Hour)
	phone := alice.login("phone")
	desk := alice.socket()
	const better = "a better password"
	reset := func(to, code string) *answer {
		return anyone{s}.post("/password/reset", fields{"email": to, "code": code, "new_password": better})
	}

	code := ""
	for _, to := range []string{email, unknown} {
		reset(to, "123456").refused("gone") // none was asked for
		a := anyone{s}.post("/password/code", fields{"email": to}).ok(202)
		again := anyone{s}.post("/password/code", fields{"email": to}).ok(202)
		if len(a.body) > 0 || len(again.body) > 0 {
			t.Errorf("%s: %s %s", to, a.body, again.body)
		}
		bad := "123456"
		if to == email {
			code = shared.mails.code(t, email, 2)
			bad = wrong(code)
		}
		if refused := reset(to, bad).refused("invalid", "code"); refused.Message == "" {
			t.Error("no message")
		}
	}
	if n := shared.mails.count(email); n != 2 {
		t.Errorf("%d mails were sent, within the minute", n)
	}
	if n := shared.mails.count(unknown); n != 0 {
		t.Errorf("%d mails to nobody", n)
	}
	for range 4 {
		reset(unknown, "123456").refused("invalid", "code")
	}
	reset(unknown, "123456").refused("gone")
	anyone{s}.post("/password/reset", fields{"email": email, "code": code, "new_password": "short"}).refused("invalid", "new_password")
	reset(email, code).ok(204)
	desk.expectEnd("password_changed", define.CloseSessionEnded)
	alice.get("/users/me").refused("unauthenticated")
	phone.get("/users/me").refused("unauthenticated")
	reset(email, code).refused("gone")
	anyone{s}.post("/login", fields{"account": alice.account, "password": password}).refused("unauthenticated")
	anyone{s}.post("/login", fields{"email": email, "password": better}).ok(200)
}

// bind binds an address to an account.
func (s *server) bind(u *user, email string) {
	s.t.Helper()
	before := shared.mails.count(email)
	u.post("/users/me/email/code", fields{"email": email}).ok(202)
	u.put("/users/me/email", fields{"email": email, "code": shared.mails.code(s.t, email, before+1)}).ok(200)
}

// A code for one thing is good for nothing else.
func TestCodesApart(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	codes := s.openDatabase().Collection("code")
	email := alice.account + "@example.com"
	s.bind(alice, email)
	anyone{s}.post("/password/code", fields{"email": email}).ok(202)
	code := shared.mails.code(t, email, 2)
	alice.put("/users/me/email", fields{"email": email, "code": code}).refused("gone")
	alice.post("/users/me/email/code", fields{"email": email}).ok(202)
	other := shared.mails.code(t, email, 3)
	if other != code {
		anyone{s}.post("/password/reset", fields{"email": email, "code": other, "new_password": password}).refused("invalid", "code")
	}
	if n, err := codes.CountDocuments(t.Context(), bson.D{{Key: "user_identity", Value: alice.identity}}); err != nil || n != 2 {
		t.Errorf("%d codes are kept, %v", n, err)
	}
}

// An address that nobody has proved is nobody's, and one of a cancelled account is free again.
func TestEmailOfTheCancelled(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	email := alice.account + "@example.com"
	s.bind(alice, email)
	alice.delete("/users/me", fields{"password": password}).ok(204)
	anyone{s}.post("/login", fields{"email": email, "password": password}).refused("unauthenticated")
	anyone{s}.post("/password/code", fields{"email": email}).ok(202)
	s.bind(bob, email)
	if in := into[login](anyone{s}.post("/login", fields{"email": email, "password": password}).ok(200)); in.User.Identity != bob.identity {
		t.Errorf("it is %s", in.User.Account)
	}
	if n := shared.mails.count(email); n != 2 {
		t.Errorf("%d mails, one of them to who has gone", n)
	}
}

// Without a mail server codes are refused. On loopback they are for development, and go to the log.
func TestNoMailServer(t *testing.T) {
	t.Parallel()
	for listen, code := range map[string]string{":8080": "unavailable", "127.0.0.1:8080": ""} {
		s := newServer(t, func(c *define.Config) { c.Listen = listen })
		alice := s.user("alice")
		a := alice.post("/users/me/email/code", fields{"email": "a@example.com"})
		if code == "" {
			a.ok(202)
		} else {
			a.refused(code)
		}
		anyone{s}.post("/password/code", fields{"email": "a@example.com"}).ok(202) // the same for everybody
	}
}
