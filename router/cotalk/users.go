package cotalk

import (
	"errors"
	"mime/multipart"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

	"parlor/define"
	"parlor/service"
)

var (
	emailForm = regexp.MustCompile(`^[a-zA-Z0-9_-]+@[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)+$`)
	phoneForm = regexp.MustCompile(`^[0-9]+$`)
)

var passwordRule = service.PasswordRule{PasswordMin: passwordMin}

// profile is what a user says of himself when he registers, and later; nil is left out.
type profile struct{ name, email, phone, description *string }

// profile reads the optional fields of a profile.
func (f fields) profile() (p profile, err error) {
	for name, into := range map[string]**string{
		"user_name": &p.name, "user_email": &p.email, "user_phone": &p.phone, "description": &p.description,
	} {
		if *into, err = f.optionalText(name, "Missing or error type of ["+name+"]"); err != nil {
			return p, err
		}
	}
	return p, nil
}

// check refuses what the seed refuses, in its order.
func (p profile) check() error {
	switch {
	case p.email != nil && !fits(*p.email, 1, emailMax):
		return errEmail
	case p.email != nil && !emailForm.MatchString(*p.email):
		return errEmailForm
	case p.phone != nil && !fits(*p.phone, 1, phoneMax):
		return errPhone
	case p.phone != nil && !phoneForm.MatchString(*p.phone):
		return errPhoneForm
	case p.description != nil && !fits(*p.description, 0, descriptionMax):
		return errDescription
	}
	return nil
}

func fits(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return n >= least && n <= most
}

// inputWords are the words for what the core refuses of accounts. Its own rules come behind those of the seed.
func inputWords(err error) error {
	refusal := (*define.Error)(nil)
	if !errors.As(err, &refusal) || !errors.Is(err, define.ErrInvalid) {
		return words{define.ErrAccountTaken: errUsernameTaken}.in(err)
	}
	for field, own := range map[string]*define.Error{
		"account": errUsername, "password": errPassword, "new_password": errPassword, "email": errEmailForm, "phone": errPhone,
		"description": errDescription,
	} {
		if _, wrong := refusal.Fields[field]; wrong {
			return own.With(err)
		}
	}
	return err
}

// credentials reads with what somebody registers, and logs in.
func (f fields) credentials() (name, password string, err error) {
	if name, err = f.text("user_name", "Missing or error type of [user_name]"); err != nil {
		return "", "", err
	}
	password, err = f.text("password", "Missing or error type of [password]")
	return name, password, err
}

func (f *Face) register(r *request) (any, error) {
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	name, password, err := in.credentials()
	if err != nil {
		return nil, err
	}
	profile, err := in.profile()
	if err != nil {
		return nil, err
	}
	switch {
	case !fits(name, 1, nameMax):
		return nil, errUsername
	case !fits(password, passwordMin, passwordMax):
		return nil, errPassword
	}
	if err := profile.check(); err != nil {
		return nil, err
	}
	picture, err := r.picture()
	if err != nil {
		return nil, err
	}
	login, err := f.o.Accounts.Register(r.ctx, r.ClientIP(), service.RegisterInput{
		Account: name, Password: password, PasswordRule: passwordRule, Email: valueOf(profile.email), Phone: valueOf(profile.phone),
		Description: valueOf(profile.description), Device: Device,
	})
	if err != nil {
		return nil, inputWords(err)
	}
	return f.welcome(r, login, picture)
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (f *Face) login(r *request) (any, error) {
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	name, password, err := in.credentials()
	if err != nil {
		return nil, err
	}
	login, err := f.o.Accounts.Login(r.ctx, r.ClientIP(), service.LoginInput{Account: name, Password: password, Device: Device})
	if errors.Is(err, define.ErrWrongCredentials) || errors.Is(err, define.ErrInvalid) {
		if _, err := f.o.Accounts.ByAccount(r.ctx, name); errors.Is(err, define.ErrUserNotFound) {
			return nil, notFound("User Not Found")
		}
		return nil, unauthorized("Unauthorized : Wrong password").With(err)
	}
	if err != nil {
		return nil, err
	}
	return f.welcome(r, login, nil)
}

// welcome answers a registration or login. Its token says whose it is, as the original's does. The cookie is for what the
// page reads without its token. A picture that can't be used after all is not worth an account: it is left out.
func (f *Face) welcome(r *request, login service.Login, picture *multipart.FileHeader) (any, error) {
	caller, expires, err := f.o.Sessions.Authenticate(r.ctx, login.Token.Token, r.ClientIP())
	if err != nil {
		return nil, err
	}
	if refusal := (*define.Error)(nil); picture != nil {
		if err := f.setPicture(r, caller, picture); err != nil && !errors.As(err, &refusal) {
			return nil, err
		}
	}
	more := map[string]any{"data": map[string]any{"user_id": login.User.Number}}
	token, err := f.o.Sessions.Sign(r.ctx, caller, time.Until(expires), more)
	if err != nil {
		return nil, err
	}
	http.SetCookie(r.Writer, &http.Cookie{
		Name: cookie, Value: token.Token, Path: "/api", Expires: expires, HttpOnly: true, Secure: r.Request.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return loginView{done, token.Token, ownUserOf(login.User)}, nil
}

func (f *Face) search(r *request) (any, error) {
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	text, err := in.optionalText("search_text", "")
	if err != nil {
		return nil, err
	}
	caller, err := f.reader(r)
	if err != nil {
		return nil, err
	}
	caller.IP = r.ClientIP()
	users := []userView{}
	for page := (service.Page{Limit: define.PageMax}); ; {
		found, err := f.o.Accounts.SearchPart(r.ctx, caller, valueOf(text), page)
		if err != nil {
			return nil, err
		}
		for _, user := range found.Items {
			users = append(users, userOf(user))
		}
		if page.Cursor = found.Next; page.Cursor == "" || len(users) >= usersMax {
			return struct {
				success
				Users []userView `json:"users"`
			}{done, users}, nil
		}
	}
}

// user shows anybody's profile to anybody: the page asks without a token. Only the user himself sees his address and phone.
func (f *Face) user(r *request) (any, error) {
	type answer struct {
		success
		userView
	}
	number, err := r.pathNumber("user", errUserID)
	if err != nil {
		return nil, err
	}
	if number == systemNumber {
		return answer{done, systemUser}, nil
	}
	user, err := f.o.Accounts.Numbered(r.ctx, number)
	if err != nil {
		return nil, words{define.ErrUserNotFound: errProfile}.in(err)
	}
	caller, err := f.reader(r)
	if err != nil {
		return nil, err
	}
	if caller.User != user.Identity {
		return answer{done, userOf(user)}, nil
	}
	me, err := f.o.Accounts.Me(r.ctx, caller)
	return answer{done, ownUserOf(me)}, err
}

// updateUser sets a new password with a code that was mailed, or else changes the profile against the old password.
func (f *Face) updateUser(r *request) (any, error) {
	caller, _, err := f.ownerOr(r, errUserID, errProfile)
	if err != nil {
		return nil, err
	}
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	password, err := in.optionalText("password", "")
	if err != nil {
		return nil, err
	}
	if password != nil {
		return done, f.resetPassword(r, caller, in, *password)
	}
	old, err := in.text("old_password", "")
	if err != nil {
		return nil, err
	}
	return done, f.updateProfile(r, caller, in, old)
}

func (f *Face) resetPassword(r *request, caller service.Caller, in fields, password string) error {
	if !fits(password, passwordMin, passwordMax) {
		return errPassword
	}
	code, err := in.text("code", "")
	if err != nil {
		return err
	}
	err = f.o.Accounts.ChangePasswordByCode(r.ctx, caller, service.PasswordCodeInput{Code: code, NewPassword: password, PasswordRule: passwordRule})
	if refusal := (*define.Error)(nil); errors.As(err, &refusal) && refusal.Fields["code"].En != "" {
		return unauthorized("Invalid verification code").With(err)
	}
	return inputWords(err)
}

func (f *Face) updateProfile(r *request, caller service.Caller, in fields, old string) error {
	profile, err := in.profile()
	if err != nil {
		return err
	}
	if profile.name != nil && !fits(*profile.name, 0, nameMax) {
		return errUsername
	}
	if err := profile.check(); err != nil {
		return err
	}
	change := service.ConfirmedInput{Password: old, Email: profile.email, Phone: profile.phone}
	// The page sends all fields; what is empty stays as it is.
	if valueOf(profile.name) != "" {
		change.Account = profile.name
	}
	if valueOf(profile.description) != "" {
		change.Description = profile.description
	}
	picture, err := r.picture()
	if err != nil {
		return err
	}
	if _, err := f.o.Accounts.UpdateConfirmed(r.ctx, caller, change); err != nil {
		return inputWords(words{define.ErrWrongPassword: unauthorized("Invalid password")}.in(err))
	}
	if picture == nil {
		return nil
	}
	return f.setPicture(r, caller, picture)
}

// cancel ends an account.
func (f *Face) cancel(r *request) (any, error) {
	caller, _, err := f.ownerOr(r, errUserID, errProfile)
	if err != nil {
		return nil, err
	}
	return done, f.o.Accounts.CancelSession(r.ctx, caller)
}

// sendCode mails the code with which the user sets a new password.
func (f *Face) sendCode(r *request) (any, error) {
	caller, _, err := f.ownerOr(r, errNoticesUserID, errUserUnknown)
	if err != nil {
		return nil, err
	}
	err = f.o.Accounts.SendOwnPasswordCode(r.ctx, caller)
	if errors.Is(err, define.ErrInvalid) { // there is no address
		return nil, general[define.ErrNoMail].With(err)
	}
	return done, err
}
