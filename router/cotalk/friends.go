package cotalk

import (
	"parlor/define"
	"parlor/service"
)

// all reads a list to its end.
func all[T any](list func(service.Page) (service.List[T], error)) ([]T, error) {
	var items []T
	for page := (service.Page{Limit: define.PageMax}); ; {
		part, err := list(page)
		if err != nil {
			return nil, err
		}
		items = append(items, part.Items...)
		if page.Cursor = part.Next; page.Cursor == "" {
			return items, nil
		}
	}
}

func (f *Face) listFriends(r *request) (any, error) {
	caller, _, err := f.owner(r)
	if err != nil {
		return nil, err
	}
	friends, err := all(func(p service.Page) (service.List[service.Friend], error) {
		return f.o.Friends.List(r.ctx, caller, "", p)
	})
	if err != nil {
		return nil, err
	}
	views := make([]friendView, len(friends))
	for i, friend := range friends {
		views[i] = friendView{userOf(friend.User), friend.Group}
	}
	return struct {
		success
		Friends []friendView `json:"friends"`
	}{done, views}, nil
}

// changeFriend is every step of a friendship in one verb: what it does follows from how the two stand.
func (f *Face) changeFriend(r *request) (any, error) {
	caller, me, err := f.owner(r)
	if err != nil {
		return nil, err
	}
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	number, err := in.integer("friend_id")
	if err != nil {
		return nil, err
	}
	approve, err := in.optionalBoolean("approve", true)
	if err != nil {
		return nil, err
	}
	group, err := in.optionalText("group", "")
	if err != nil {
		return nil, err
	}
	if valueOf(group) == "" {
		group = nil
	}
	friend, err := f.o.Accounts.ByNumber(r.ctx, number)
	if err != nil {
		return nil, words{define.ErrUserNotFound: errFriend}.in(err)
	}
	if friend.Identity == me.Identity {
		return nil, badRequest("Invalid friend id : it is yours")
	}
	return done, f.befriend(r, caller, friend.Identity, approve, group)
}

func (f *Face) befriend(r *request, caller service.Caller, friend string, approve bool, group *string) error {
	relation, err := f.o.Friends.With(r.ctx, caller, friend)
	if err != nil {
		return err
	}
	switch {
	case relation.IsFriend && !approve:
		err = f.o.Friends.RemoveAndTell(r.ctx, caller, friend)
	case relation.IsFriend && group != nil:
		_, err = f.o.Friends.Update(r.ctx, caller, friend, service.FriendInput{Group: group})
	case relation.IsFriend:
	case relation.Asked != "" && !approve:
		_, err = f.o.Friends.Decline(r.ctx, caller, relation.Asked)
	case relation.Asked != "":
		if _, err = f.o.Friends.Accept(r.ctx, caller, relation.Asked); err == nil && group != nil {
			_, err = f.o.Friends.Update(r.ctx, caller, friend, service.FriendInput{Group: group})
		}
	case approve:
		_, err = f.o.Friends.Request(r.ctx, caller, service.FriendRequestInput{To: friend, Group: valueOf(group)})
	}
	return words{define.ErrFriendNotFound: errFriend, define.ErrUserNotFound: errFriend}.in(err)
}
