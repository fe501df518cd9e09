package usersig

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/middleware"
	"parlor/service"
)

type userData struct {
	User user `json:"chat_user"`
}

// createUser opens an account of the deployment's own. Who proves to be the deployment, with the token of get-user-sig,
// may open as many as he likes.
func (f *Face) createUser(c *gin.Context) error {
	in, err := readForm(c)
	if err != nil {
		return err
	}
	id := in.text("user_id")
	if id == "" {
		return refuse(c, http.StatusBadRequest, "user_id不能为空")
	}
	person, err := in.person()
	if err != nil {
		return err
	}
	if person.Nickname != nil && *person.Nickname == "" {
		person.Nickname = nil
	}
	me, err := f.o.Accounts.Create(middleware.ContextOf(c), c.ClientIP(), service.CreateInput{
		Account: id, PersonInput: person, Trusted: f.provesSecret(id, in.text("token")),
	})
	if err != nil {
		return err
	}
	return write(c, "创建成功", userData{views{f, me.User}.ownUser(&me)})
}

// showUser shows a user: all of him to himself, to others what everybody may know.
func (f *Face) showUser(c *gin.Context) error {
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	found, err := f.o.Accounts.ByAccount(ctx, c.Query("user_id"))
	if err != nil {
		return err
	}
	if found.Identity != caller.User {
		return write(c, "获取成功", userData{views{face: f}.publicUser(&found)})
	}
	me, err := f.o.Accounts.Me(ctx, caller)
	if err != nil {
		return err
	}
	return write(c, "获取成功", userData{views{f, me.User}.ownUser(&me)})
}

// changeUser changes what the caller has sent of himself.
func (f *Face) changeUser(c *gin.Context) error {
	in, err := readForm(c)
	if err != nil {
		return err
	}
	person, err := in.person()
	if err != nil {
		return err
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	if person.Nickname != nil && *person.Nickname == "" {
		user, err := f.o.Accounts.Get(ctx, caller.User)
		if err != nil {
			return err
		}
		person.Nickname = &user.Account // by which he goes who has none
	}
	me, err := f.o.Accounts.UpdatePerson(ctx, caller, person)
	if err != nil {
		return err
	}
	return write(c, "更改成功", userData{views{f, me.User}.ownUser(&me)})
}
