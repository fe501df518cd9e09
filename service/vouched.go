package service

import (
	"context"
	"errors"
	"slices"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Users of the deployment are accounts without a password: nobody but the deployment opens their sessions, so that it
// answers for them, and for whom they talk to.

// vouched returns those of the users who are the deployment's own.
func (c *core) vouched(ctx context.Context, users ...string) (map[string]bool, error) {
	docs, err := c.store.Users.GetMany(ctx, users)
	own := make(map[string]bool, len(docs))
	for i := range docs {
		if u := &docs[i]; u.Password == "" && u.CancelledAt == 0 {
			own[u.Identity] = true
		}
	}
	return own, err
}

// addable tells apart whom a user may add to a group, friends and, among users of the deployment, each other, and whom he
// may only ask.
func (c *core) addable(ctx context.Context, user string, others []string) (may, strangers []string, err error) {
	if len(others) == 0 {
		return nil, nil, nil
	}
	friends, err := c.store.Friendships.Among(ctx, user, others)
	if err != nil {
		return nil, nil, err
	}
	for i := range friends {
		may = append(may, friends[i].FriendIdentity)
	}
	strangers = slices.DeleteFunc(slices.Clone(others), func(other string) bool { return slices.Contains(may, other) })
	if len(strangers) == 0 {
		return may, nil, nil
	}
	own, err := c.vouched(ctx, append([]string{user}, strangers...)...)
	if err != nil || !own[user] {
		return may, strangers, err
	}
	strangers = slices.DeleteFunc(strangers, func(other string) bool {
		if own[other] {
			may = append(may, other)
		}
		return own[other]
	})
	return may, strangers, nil
}

// ConnectInput names somebody to talk to, by identity or account, and a name for the room where one is made.
type ConnectInput struct {
	To   string `json:"to" validate:"required,max=100"`
	Name string `json:"name" validate:"omitempty,max=50,line"`
}

// Connection is the caller's friend, or the request that waits for the other's answer. Created says that they have just
// become friends.
type Connection struct {
	Friend  *Friend
	Request *FriendRequest
	Created bool
}

// Connect brings the caller together with somebody. Users of the deployment are friends from then on, since it answers
// for both (vouched); anybody else is asked, as by Request. Refusals: as of Request, but for ErrAlreadyFriends.
func (s *Friends) Connect(ctx context.Context, c Caller, in ConnectInput) (Connection, error) {
	if err := check(in); err != nil {
		return Connection{}, err
	}
	to, err := s.userByName(ctx, in.To)
	if err != nil {
		return Connection{}, err
	}
	friend, err := s.friendOf(ctx, c.User, to.Identity)
	if err == nil {
		return Connection{Friend: &friend}, nil
	}
	if !errors.Is(err, define.ErrFriendNotFound) {
		return Connection{}, err
	}
	own, err := s.vouched(ctx, c.User, to.Identity)
	if err != nil {
		return Connection{}, err
	}
	if own[c.User] && own[to.Identity] && to.Identity != c.User {
		return s.introduce(ctx, c, to.Identity, in.Name)
	}
	result, err := s.Request(ctx, c, FriendRequestInput{To: to.Identity})
	return Connection{Friend: result.Friend, Request: result.Request, Created: result.Friend != nil}, err
}

// introduce makes the caller and another user friends without asking. Stopped on the way, it is done again by the next
// call, as befriend is.
func (s *Friends) introduce(ctx context.Context, c Caller, to, name string) (Connection, error) {
	if err := limit(s.limits.request, c.User); err != nil {
		return Connection{}, err
	}
	pair := models.Pair(c.User, to)
	defer s.locks.lock(pair)()
	if friend, err := s.friendOf(ctx, c.User, to); err == nil { // of two calls at once the other was first
		return Connection{Friend: &friend}, nil
	} else if !errors.Is(err, define.ErrFriendNotFound) {
		return Connection{}, err
	}
	if blocked, err := s.store.Blocks.Exists(ctx, to, c.User); err != nil {
		return Connection{}, err
	} else if blocked {
		return Connection{}, define.ErrBlocked
	}
	at := now()
	request := models.FriendRequest{
		Identity: helper.NewIdentity(), From: c.User, To: to, Pair: pair, State: define.RequestPending, CreatedAt: at, UpdatedAt: at,
	}
	err := s.store.FriendRequests.Insert(ctx, &request)
	if errors.Is(err, models.ErrDuplicate) { // one of them has asked
		request, err = s.store.FriendRequests.Open(ctx, pair)
	}
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return Connection{}, err
	}
	if err := s.nameRoom(ctx, c.User, to, name); err != nil {
		return Connection{}, err
	}
	if err := s.befriend(ctx, &request); err != nil {
		return Connection{}, err
	}
	friend, err := s.friendOf(ctx, c.User, to)
	return Connection{Friend: &friend, Created: true}, err
}

// nameRoom gives the private room of a pair a name where it has none.
func (c *core) nameRoom(ctx context.Context, user, friend, name string) error {
	room, err := c.privateRoom(ctx, user, friend)
	if err != nil || name == "" || room.Name != "" {
		return err
	}
	return c.store.Rooms.Change(ctx, room.Identity, models.RoomChange{Name: &name}, now())
}

// Vouched reports whether a user is the deployment's own.
func (s *Accounts) Vouched(ctx context.Context, identity string) (bool, error) {
	own, err := s.vouched(ctx, identity)
	return own[identity], err
}
