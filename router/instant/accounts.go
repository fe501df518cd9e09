package instant

import (
	"cmp"
	"errors"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// rule is that the shortest password of seed 001 has 6 characters.
var rule = service.PasswordRule{PasswordMin: 6}

// named is what the names and the passwords of seed 001 look like.
var named = regexp.MustCompile(`^[a-zA-Z0-9]{6,20}$`)

// addressed is what the addresses look like that seed 001 logs in with.
var addressed = regexp.MustCompile(`^[a-zA-Z0-9._]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,5}$`)

type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Email    string `json:"email"`
}

// signed is what a call carries that the user's token proves.
type signed struct {
	Username string `json:"username"`
	Token    token  `json:"token"`
}

var tokenError = refused(-2, "Token Error")

func (s *Server) register(c *gin.Context, in credentials) (any, error) {
	if !named.MatchString(in.Username) || !named.MatchString(in.Password) {
		return refused(-2, "Invalid Userdata"), nil
	}
	if strings.EqualFold(in.Username, suspended) {
		return refused(-3, "User already exists"), nil
	}
	_, err := s.o.Accounts.Register(c.Request.Context(), c.ClientIP(), service.RegisterInput{
		Account: in.Username, Password: in.Password, Device: device, PasswordRule: rule,
	})
	if err != nil {
		return as(err, define.ErrAccountTaken, -3, "User already exists")
	}
	return done("Register Succeed"), nil
}

type loggedIn struct {
	outcome
	Username string `json:"username"`
	Token    int64  `json:"token"`
	Avatar   string `json:"avatar"`
	// Password is what the client has just sent. It keeps it, and compares with it before it opens a locked room.
	Password string `json:"password"`
}

func (s *Server) login(c *gin.Context, in credentials) (any, error) {
	if in.Username == "" && in.Email == "" {
		return refused(codeOther, infoOther), nil
	}
	ctx, ip := c.Request.Context(), c.ClientIP()
	login, err := s.o.Accounts.Login(ctx, ip, service.LoginInput{
		Account: in.Username, Email: in.Email, Password: in.Password, Device: device,
	})
	if errors.Is(err, define.ErrWrongCredentials) || errors.Is(err, define.ErrInvalid) {
		return s.noLogin(c, in)
	}
	if err != nil {
		return nil, err
	}
	caller, expires, err := s.o.Sessions.Authenticate(ctx, login.Token.Token, ip)
	if err != nil {
		return nil, err
	}
	// Its client compares with the password that it has just sent before it shows a locked room, and asks nobody else.
	if err := s.o.Rooms.UnlockAtLogin(ctx, caller); err != nil {
		return nil, err
	}
	number, err := s.o.Sessions.TakeNumber(ctx, caller)
	if err != nil {
		return nil, err
	}
	setCookie(c, login.Token.Token, expires)
	return loggedIn{done("Login Succeed"), login.User.Account, number, avatarOf(&login.User.User), in.Password}, nil
}

// noLogin says why a login was refused. Names can be asked for by registering, so that telling an unknown one from a
// wrong password gives nothing away; addresses cannot.
func (s *Server) noLogin(c *gin.Context, in credentials) (any, error) {
	switch {
	case in.Username == "" && !addressed.MatchString(in.Email):
		return refused(-2, "Invalid Userdata"), nil
	case in.Username == "":
		return refused(-2, "Wrong Password"), nil
	}
	_, err := s.o.Accounts.ByAccount(c.Request.Context(), in.Username)
	switch {
	case err == nil:
		return refused(-2, "Wrong Password"), nil
	case !named.MatchString(in.Username):
		return refused(-2, "Invalid Userdata"), nil
	}
	return as(err, define.ErrUserNotFound, -4, "User not exists")
}

func (s *Server) logout(c *gin.Context, in signed) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	if refusal(err) {
		return refused(-1, "Token Error"), nil
	}
	if err == nil {
		err = s.o.Sessions.Logout(c.Request.Context(), caller)
	}
	dropCookie(c)
	return done("Logout Succeed"), err
}

type cancelInput struct {
	Username      string `json:"username"`
	InputPassword string `json:"input_password"`
	Password      string `json:"password"` // as the document calls it
}

// cancel ends an account by its password alone: it is a login, counted as one, and the last.
func (s *Server) cancel(c *gin.Context, in cancelInput) (any, error) {
	ctx, ip := c.Request.Context(), c.ClientIP()
	if _, err := s.o.Accounts.ByAccount(ctx, in.Username); err != nil {
		return as(err, define.ErrUserNotFound, -1, "User not Exists")
	}
	login, err := s.o.Accounts.Login(ctx, ip, service.LoginInput{Account: in.Username, Password: cmp.Or(in.InputPassword, in.Password)})
	if errors.Is(err, define.ErrInvalid) {
		err = define.ErrWrongCredentials
	}
	if err != nil {
		return as(err, define.ErrWrongCredentials, -1, "Wrong Password")
	}
	caller, _, err := s.o.Sessions.Authenticate(ctx, login.Token.Token, ip)
	if err != nil {
		return nil, err
	}
	others, err := s.around(ctx, caller)
	if err != nil {
		return nil, err
	}
	if err := s.o.Accounts.CancelSession(ctx, caller); err != nil {
		return nil, err
	}
	s.lookAgain(others) // the client would ask for it, but its socket has ended with the account
	dropCookie(c)
	return done("User Canceled"), nil
}

type emailInput struct {
	signed
	Email string `json:"email"`
	Code  string `json:"code"`
}

// sendEmail sends a code for an address to bind. The request does not say whose; the cookie does.
func (s *Server) sendEmail(c *gin.Context, in emailInput) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	if err == nil {
		err = s.o.Accounts.SendEmailCode(c.Request.Context(), caller, service.EmailInput{Email: in.Email})
	}
	if refusal(err) {
		return refused(-1, "发送失败"), nil
	}
	return done("验证码已发送"), err
}

func (s *Server) bindEmail(c *gin.Context, in emailInput) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	if err == nil {
		_, err = s.o.Accounts.BindEmail(c.Request.Context(), caller, service.EmailCodeInput{Email: in.Email, Code: in.Code})
	}
	if refusal(err) {
		return refused(-1, "验证码错误"), nil
	}
	return done("绑定成功"), err
}

type reviseInput struct {
	cancelInput
	Token   token  `json:"token"`
	Field   string `json:"revise_field"`
	Content string `json:"revise_content"`
}

func (s *Server) revise(c *gin.Context, in reviseInput) (any, error) {
	ctx := c.Request.Context()
	if _, err := s.o.Accounts.ByAccount(ctx, in.Username); err != nil {
		return as(err, define.ErrUserNotFound, -1, "User Not exists or Login State Error")
	}
	caller, err := s.caller(c, in.Username, in.Token)
	if refusal(err) {
		return tokenError, nil
	}
	if err != nil {
		return nil, err
	}
	password := cmp.Or(in.InputPassword, in.Password)
	switch in.Field {
	case "username":
		if !named.MatchString(in.Content) || strings.EqualFold(in.Content, suspended) {
			return refused(-5, "Invalid Userdata"), nil
		}
		_, err = s.o.Accounts.ChangeAccount(ctx, caller, service.AccountInput{Account: in.Content, Password: password})
	case "password":
		err = s.o.Accounts.ChangePassword(ctx, caller, service.PasswordInput{OldPassword: password, NewPassword: in.Content, PasswordRule: rule})
	case "email":
		_, err = s.o.Accounts.UpdateConfirmed(ctx, caller, service.ConfirmedInput{Password: password, Email: &in.Content})
	default:
		return refused(-3, "Revise_field Error"), nil
	}
	switch {
	case err == nil:
		return done("Revise Succeed"), nil
	case errors.Is(err, define.ErrAccountTaken):
		return refused(-4, "User already exists"), nil
	case errors.Is(err, define.ErrInvalid):
		return refused(-5, "Invalid Userdata"), nil
	}
	return as(err, define.ErrWrongPassword, -1, "User Not exists or Login State Error")
}
