package instant

import (
	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// firstGroup is the group of friends that everybody has: what the core calls ungrouped.
const firstGroup = "我的好友"

// suspended stands for who has cancelled his account.
const suspended = "AccountSuspended"

// nameOf is how the clients know a user.
func nameOf(u *service.User) string {
	if u.Cancelled {
		return suspended
	}
	return u.Account
}

// groupName is how the core calls a group of friends.
func groupName(name string) string {
	if name == firstGroup {
		return define.GroupUngrouped
	}
	return name
}

// person is a user in lists.
type person struct {
	Username string `json:"username"`
	Avatar   string `json:"avatar"`
}

func personOf(u *service.User) person { return person{nameOf(u), avatarOf(u)} }

type searchInput struct {
	MyUsername     string `json:"my_username"`
	Token          token  `json:"token"`
	SearchUsername string `json:"search_username"`
	FriendUsername string `json:"friend_username"` // as the document calls it
}

type searched struct {
	outcome
	Users []person `json:"search_user_list"`
}

func (s *Server) searchUser(c *gin.Context, in searchInput) (any, error) {
	caller, err := s.caller(c, in.MyUsername, in.Token)
	if refusal(err) {
		return tokenError, nil
	}
	if err != nil {
		return nil, err
	}
	part := in.SearchUsername + in.FriendUsername
	users, err := s.o.Accounts.SearchPart(c.Request.Context(), caller, part, service.Page{Limit: define.PageMax})
	found := searched{done("Search Succeed"), []person{}}
	for i := range users.Items {
		if u := &users.Items[i]; u.Identity != caller.User {
			found.Users = append(found.Users, personOf(u))
		}
	}
	return found, err
}

type checkInput struct {
	MyUsername    string `json:"my_username"`
	Token         token  `json:"token"`
	CheckName     string `json:"check_name"`
	CheckUsername string `json:"check_username"` // as the document calls it
}

type checked struct {
	outcome
	Username string `json:"username"`
	IsFriend bool   `json:"is_friend"`
	Avatar   string `json:"avatar"`
}

func (s *Server) checkUser(c *gin.Context, in checkInput) (any, error) {
	name := in.CheckName + in.CheckUsername
	if name == in.MyUsername {
		return refused(-4, "The Query User Is The Same As User"), nil
	}
	ctx := c.Request.Context()
	if _, err := s.o.Accounts.ByAccount(ctx, in.MyUsername); err != nil {
		return as(err, define.ErrUserNotFound, -3, "User not found")
	}
	user, err := s.o.Accounts.ByAccount(ctx, name)
	if err != nil {
		return as(err, define.ErrUserNotFound, -20, name)
	}
	caller, err := s.caller(c, in.MyUsername, in.Token)
	if refusal(err) {
		return tokenError, nil
	}
	if err != nil {
		return nil, err
	}
	profile, err := s.o.Accounts.Profile(ctx, caller, user.Identity)
	return checked{done("User found"), nameOf(&user), profile.IsFriend, avatarOf(&user)}, err
}

type friendInput struct {
	signed
	Friend string `json:"friend_name"`
	Group  string `json:"fgroup_name"`
}

// withCaller asks for the token of a call about friends.
func (s *Server) withCaller(c *gin.Context, in friendInput, answer func(service.Caller) (any, error)) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	if refusal(err) {
		return tokenError, nil
	}
	if err != nil {
		return nil, err
	}
	return answer(caller)
}

var noFriend = refused(-1, "Friend Not Exists")

func (s *Server) deleteFriend(c *gin.Context, in friendInput) (any, error) {
	return s.withCaller(c, in, func(caller service.Caller) (any, error) {
		friend, err := s.o.Accounts.ByAccount(c.Request.Context(), in.Friend)
		if err == nil {
			err = s.o.Friends.Remove(c.Request.Context(), caller, friend.Identity)
		}
		if refusal(err) {
			return noFriend, nil
		}
		return done("Delete Friend Succeed"), err
	})
}

func (s *Server) createFriendGroup(c *gin.Context, in friendInput) (any, error) {
	return s.withCaller(c, in, func(caller service.Caller) (any, error) {
		_, err := s.o.Friends.CreateGroup(c.Request.Context(), caller, service.GroupInput{Name: groupName(in.Group)})
		if err != nil {
			return as(err, define.ErrGroupExists, -1, "Group Already Exists")
		}
		return done("CreateGroup Succeed"), nil
	})
}

func (s *Server) addToFriendGroup(c *gin.Context, in friendInput) (any, error) {
	return s.withCaller(c, in, func(caller service.Caller) (any, error) {
		ctx := c.Request.Context()
		friend, err := s.o.Accounts.ByAccount(ctx, in.Friend)
		if err != nil {
			return as(err, define.ErrUserNotFound, noFriend.Code, noFriend.Info)
		}
		group := groupName(in.Group)
		if _, err := s.o.Friends.Update(ctx, caller, friend.Identity, service.FriendInput{Group: &group}); err != nil {
			return as(err, define.ErrFriendNotFound, noFriend.Code, noFriend.Info)
		}
		return done("AddGroup Succeed"), nil
	})
}

func (s *Server) deleteFriendGroup(c *gin.Context, in friendInput) (any, error) {
	return s.withCaller(c, in, func(caller service.Caller) (any, error) {
		if in.Group == firstGroup {
			return refused(-6, "You cannot delete this"), nil
		}
		ctx := c.Request.Context()
		inside, err := s.o.Friends.List(ctx, caller, in.Group, service.Page{Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(inside.Items) > 0 {
			return refused(-5, "Number of Friend Not 0"), nil
		}
		if err := s.o.Friends.DeleteGroup(ctx, caller, in.Group); err != nil {
			return as(err, define.ErrGroupNotFound, -4, "Friend Not Exists")
		}
		return done("Delete Friend Group Succeed"), nil
	})
}
