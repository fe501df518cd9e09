package instant

import (
	"context"
	"errors"
	"slices"
	"time"

	"parlor/define"
	"parlor/service"
)

// What of a user's friends a frame shows at most, and of the requests around them. The core has pages of a hundred.
const (
	friendsMost  = 5_000
	requestsMost = 500
)

// between names who asks and who is asked to be a friend; one of them is the caller.
type between struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Username string `json:"username"`
}

// apply asks somebody to be a friend. What both are told of it comes from the hub.
func apply(ctx context.Context, k *client, in between) ([]any, error) {
	const answered = "apply_friend"
	caller, err := k.self(ctx, in.From)
	if err != nil {
		return nil, err
	}
	other, err := k.server.o.Accounts.ByAccount(ctx, in.To)
	if err == nil {
		_, err = k.server.o.Friends.Request(ctx, caller, service.FriendRequestInput{To: other.Identity})
	}
	switch {
	case errors.Is(err, define.ErrAlreadyFriends):
		return []any{said{answered, "Is Already a Friend"}}, nil
	case errors.Is(err, define.ErrRequestOpen):
		return []any{said{answered, "List Has Been Sent"}}, nil
	case err != nil:
		return k.refusal(answered, err), nil
	}
	return nil, nil
}

// confirm makes the caller and who asked him friends.
func confirm(ctx context.Context, k *client, in between) ([]any, error) {
	caller, request, err := k.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	if _, err := k.server.o.Friends.Accept(ctx, caller, request.Identity); err != nil {
		return nil, err
	}
	at := time.Now()
	k.due(listFriends, at)
	k.due(listAsking, at)
	friends, err := k.server.friendList(ctx, caller)
	if err != nil {
		return nil, err
	}
	received, err := k.server.requestList(ctx, caller, "in")
	return append(append([]any{confirmed{"confirm"}}, friends...), received), err
}

func decline(ctx context.Context, k *client, in between) ([]any, error) {
	caller, request, err := k.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	if _, err := k.server.o.Friends.Decline(ctx, caller, request.Identity); err != nil {
		return nil, err
	}
	received, err := k.server.requestList(ctx, caller, "in")
	return []any{confirmed{"decline"}, received}, err
}

// asked finds the open request to the caller that a frame is about.
func (k *client) asked(ctx context.Context, in between) (service.Caller, service.FriendRequest, error) {
	caller, err := k.self(ctx, in.To)
	if err != nil {
		return caller, service.FriendRequest{}, err
	}
	other, err := k.server.o.Accounts.ByAccount(ctx, in.From)
	if err != nil {
		return caller, service.FriendRequest{}, err
	}
	requests, err := k.server.requests(ctx, caller, "in")
	for _, r := range requests {
		if r.From == other.Identity && r.State == define.RequestPending {
			return caller, r, nil
		}
	}
	if err == nil {
		err = define.ErrRequestNotFound
	}
	return caller, service.FriendRequest{}, err
}

func fetchApplyList(ctx context.Context, k *client, _ nameInput) ([]any, error) {
	list, err := k.server.requestList(ctx, k.caller(), "out")
	return []any{list}, err
}

func fetchReceiveList(ctx context.Context, k *client, _ nameInput) ([]any, error) {
	list, err := k.server.requestList(ctx, k.caller(), "in")
	return []any{list}, err
}

func fetchFriendList(ctx context.Context, k *client, _ nameInput) ([]any, error) {
	return k.server.friendList(ctx, k.caller())
}

// requests returns the newest friend requests to a caller ("in") or from him ("out"), newest first.
func (s *Server) requests(ctx context.Context, caller service.Caller, box string) ([]service.FriendRequest, error) {
	return collect(requestsMost, func(p service.Page) (service.List[service.FriendRequest], error) {
		return s.o.Friends.Requests(ctx, caller, box, p)
	})
}

// collect reads a list of the core page by page, and no further than most.
func collect[T any](most int, page func(service.Page) (service.List[T], error)) ([]T, error) {
	var all []T
	for p := (service.Page{Limit: define.PageMax}); len(all) < most; {
		list, err := page(p)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
		if p.Cursor = list.Next; p.Cursor == "" {
			break
		}
	}
	return all, nil
}

type (
	// asking is one request as the clients show it.
	asking struct {
		Username    string `json:"username"`
		IsConfirmed bool   `json:"is_confirmed"`
		MakeSure    bool   `json:"make_sure"` // it has been answered
	}
	applyList struct {
		Function string   `json:"function"`
		List     []asking `json:"applylist"`
	}
	receiveList struct {
		Function string   `json:"function"`
		List     []asking `json:"receivelist"`
	}
)

// requestList returns the requests to a caller or from him as a frame, oldest first. Those that have expired, and those of
// people who are gone, are left out.
func (s *Server) requestList(ctx context.Context, caller service.Caller, box string) (any, error) {
	requests, err := s.requests(ctx, caller, box)
	if err != nil {
		return nil, err
	}
	other := func(r service.FriendRequest) string {
		if box == "in" {
			return r.From
		}
		return r.To
	}
	list := []asking{}
	for _, r := range slices.Backward(requests) {
		u, err := s.o.Accounts.Get(ctx, other(r))
		if err != nil {
			return nil, err
		}
		if !u.Cancelled && r.State != define.RequestExpired {
			list = append(list, asking{nameOf(&u), r.State == define.RequestAccepted, r.State != define.RequestPending})
		}
	}
	if box == "in" {
		return receiveList{"receivelist", list}, nil
	}
	return applyList{"applylist", list}, nil
}

type (
	// whose comes before each list of friends. No client looks at it.
	whose struct {
		User string `json:"user"`
	}
	friendGroup struct {
		Name      string   `json:"groupname"`
		Usernames []string `json:"username"`
	}
	friendList struct {
		Function string        `json:"function"`
		Groups   []friendGroup `json:"friendlist"`
	}
)

// friendList returns the caller's friends by group: the frame that says whose they are, and the list.
func (s *Server) friendList(ctx context.Context, caller service.Caller) ([]any, error) {
	me, err := s.o.Accounts.Get(ctx, caller.User)
	if err != nil {
		return nil, err
	}
	groups, err := collect(friendsMost, func(p service.Page) (service.List[service.FriendGroup], error) {
		return s.o.Friends.Groups(ctx, caller, p)
	})
	if err != nil {
		return nil, err
	}
	friends, err := collect(friendsMost, func(p service.Page) (service.List[service.Friend], error) {
		return s.o.Friends.List(ctx, caller, "", p)
	})
	if err != nil {
		return nil, err
	}
	list := friendList{"friendlist", []friendGroup{{firstGroup, []string{}}}}
	at := map[string]int{define.GroupUngrouped: 0, firstGroup: 0}
	for _, g := range groups {
		if _, known := at[g.Name]; !known {
			at[g.Name] = len(list.Groups)
			list.Groups = append(list.Groups, friendGroup{g.Name, []string{}})
		}
	}
	for _, f := range friends {
		g := &list.Groups[at[f.Group]] // where a group was taken away meanwhile, the first
		g.Usernames = append(g.Usernames, nameOf(&f.User))
	}
	return []any{whose{nameOf(&me)}, list}, nil
}
