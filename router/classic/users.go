package classic

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
)

// user is the whole of a user as he sees himself. Times are Unix seconds.
type user struct {
	Identity  string `json:"identity"`
	Account   string `json:"account"`
	Password  string `json:"password"` // always empty
	Nickname  string `json:"nickname"`
	Sex       int    `json:"sex"`
	Email     string `json:"email"`
	Avatar    string `json:"avatar"`
	CreatedAt int64  `json:"created_at"`
	UpdatedAt int64  `json:"updated_at"`
}

// registration is what /register takes, as JSON or as a form.
type registration struct {
	Account  string `json:"account"`
	Password string `json:"password"`
	Nickname string `json:"nickname"`
	Sex      int    `json:"sex"`
	Email    string `json:"email"`
	Avatar   string `json:"avatar"`
}

// readJSON reads the body into v. As in the original, fields that nobody knows don't matter.
func readJSON(c *gin.Context, v any) error {
	data, err := io.ReadAll(c.Request.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return define.ErrTooLarge.With(err)
	}
	if err != nil {
		return define.ErrMalformed.With(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return helper.DecodeError(err)
	}
	return nil
}

func readRegistration(c *gin.Context) (in registration, err error) {
	switch media, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")); media {
	case "application/x-www-form-urlencoded", "multipart/form-data":
		in = registration{
			Account: formField(c, "account"), Password: formField(c, "password"), Nickname: formField(c, "nickname"),
			Email: formField(c, "email"), Avatar: formField(c, "avatar"),
		}
		if sex := formField(c, "sex"); sex != "" {
			if in.Sex, err = strconv.Atoi(sex); err != nil {
				return in, define.Invalid("sex", "must be 0, 1 or 2", "必须是 0、1 或 2")
			}
		}
		return in, nil
	default:
		return in, readJSON(c, &in)
	}
}

// formField returns a field of a form. In forms, the original knew the fields as Account, Password and so on.
func formField(c *gin.Context, name string) string {
	return cmp.Or(c.PostForm(strings.ToUpper(name[:1])+name[1:]), c.PostForm(name))
}

func (f *Face) register(c *gin.Context) error {
	in, err := readRegistration(c)
	if err != nil {
		return err
	}
	// All of them are needed here, as in the original; the core could do without some.
	refusal := define.ErrInvalid
	for name, value := range map[string]string{"password": in.Password, "nickname": in.Nickname, "email": in.Email, "avatar": in.Avatar} {
		if value == "" {
			refusal = refusal.Field(name, define.Text{En: "is required", Zh: "为必填字段"})
		}
	}
	if len(refusal.Fields) > 0 {
		return refusal
	}
	account := service.CreateInput{Account: in.Account, Password: in.Password}
	account.Nickname, account.Sex, account.Email, account.AvatarAddress = &in.Nickname, &in.Sex, &in.Email, &in.Avatar
	if _, err := f.o.Accounts.Create(middleware.ContextOf(c), c.ClientIP(), account); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, done{Code: "000"})
	return nil
}

func (f *Face) login(c *gin.Context) error {
	var in struct {
		Account  string `json:"account"`
		Password string `json:"password"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Account == "" || in.Password == "" {
		c.PureJSON(http.StatusOK, failure{Status: "error", Message: "帐号或密码不能为空"})
		return nil
	}
	login, err := f.o.Accounts.Login(middleware.ContextOf(c), c.ClientIP(), service.LoginInput{Account: in.Account, Password: in.Password})
	if err != nil {
		return err
	}
	return write(c, gin.H{"token": login.Token.Token})
}

func (f *Face) info(c *gin.Context) error {
	me, err := f.o.Accounts.Me(middleware.ContextOf(c), middleware.CallerOf(c))
	if err != nil {
		return err
	}
	return write(c, user{
		Identity: me.Identity, Account: me.Account, Nickname: me.Nickname, Sex: me.Sex, Email: me.Email, Avatar: cmp.Or(me.AvatarAddress, me.Avatar),
		CreatedAt: me.CreatedAt / 1000, UpdatedAt: me.UpdatedAt / 1000,
	})
}

// addFriend asks somebody to be a friend, or accepts where he has asked.
func (f *Face) addFriend(c *gin.Context) error {
	var in struct {
		Account string `json:"account"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Account == "" {
		return define.Invalid("account", "is required", "为必填字段")
	}
	connection, err := f.o.Friends.Connect(middleware.ContextOf(c), middleware.CallerOf(c), service.ConnectInput{To: in.Account})
	switch {
	case err != nil:
		return err
	case connection.Friend == nil:
		return write(c, "已发送好友申请，对方也添加您后即可聊天")
	case !connection.Created:
		c.PureJSON(http.StatusOK, failure{Status: "error", Message: "互为好友，不可重复添加", RoomIdentity: connection.Friend.RoomIdentity})
	default:
		c.PureJSON(http.StatusOK, success{Status: "success", Data: "添加成功", RoomIdentity: connection.Friend.RoomIdentity})
	}
	return nil
}

func (f *Face) deleteFriend(c *gin.Context) error {
	var in struct {
		Identity string `json:"identity"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if err := f.o.Friends.Remove(middleware.ContextOf(c), middleware.CallerOf(c), in.Identity); err != nil {
		return err
	}
	return write(c, "删除成功")
}
