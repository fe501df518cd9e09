package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

func requestView(r *models.FriendRequest) FriendRequest {
	return FriendRequest{
		Identity: r.Identity, From: r.From, To: r.To, Message: r.Message, State: r.State,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// Request asks somebody to be friends. Where he has an open request to the caller, that one is accepted instead.
// Refusals: ErrUserNotFound, ErrAlreadyFriends, ErrRequestOpen, ErrBlocked, ErrRateLimited.
func (s *Friends) Request(ctx context.Context, c Caller, in FriendRequestInput) (FriendRequestResult, error) {
	if err := check(in); err != nil {
		return FriendRequestResult{}, err
	}
	if err := limit(s.limits.request, c.User); err != nil {
		return FriendRequestResult{}, err
	}
	to, err := s.userByName(ctx, in.To)
	if err != nil {
		return FriendRequestResult{}, err
	}
	if to.Identity == c.User {
		return FriendRequestResult{}, define.Invalid("to", "must be somebody else", "不能添加自己为好友")
	}
	defer s.locks.lock(models.Pair(c.User, to.Identity))()
	if _, err := s.store.Friendships.Get(ctx, c.User, to.Identity); err == nil {
		return FriendRequestResult{}, define.ErrAlreadyFriends
	} else if !errors.Is(err, models.ErrNotFound) {
		return FriendRequestResult{}, err
	}
	if blocked, err := s.store.Blocks.Exists(ctx, to.Identity, c.User); err != nil {
		return FriendRequestResult{}, err
	} else if blocked {
		return FriendRequestResult{}, define.ErrBlocked
	}
	return s.ask(ctx, c, to.Identity, in)
}

// ask stores a request, or accepts the one that stands in its way. The unique index on open pairs decides when both ask
// at the same moment, on whatever node.
func (s *Friends) ask(ctx context.Context, c Caller, to string, in FriendRequestInput) (FriendRequestResult, error) {
	at := now()
	request := models.FriendRequest{
		Identity: helper.NewIdentity(), From: c.User, To: to, Pair: models.Pair(c.User, to), Message: in.Message, Group: in.Group,
		State: define.RequestPending, CreatedAt: at, UpdatedAt: at,
	}
	err := s.store.FriendRequests.Insert(ctx, &request)
	if errors.Is(err, models.ErrDuplicate) {
		return s.meetOpen(ctx, c, to, in)
	}
	if err != nil {
		return FriendRequestResult{}, err
	}
	view := requestView(&request)
	s.publishRequest(define.EventFriendRequested, view)
	content := models.NotificationContent{Request: request.Identity}
	if err := s.notify(ctx, define.NotifyFriendRequest, c.User, content, to); err != nil {
		return FriendRequestResult{}, err
	}
	return FriendRequestResult{Request: &view}, nil
}

// meetOpen deals with the open request of a pair: the other's is accepted, one's own is a conflict, an old one expires.
func (s *Friends) meetOpen(ctx context.Context, c Caller, to string, in FriendRequestInput) (FriendRequestResult, error) {
	open, err := s.store.FriendRequests.Open(ctx, models.Pair(c.User, to))
	if errors.Is(err, models.ErrNotFound) {
		return s.ask(ctx, c, to, in) // answered just now
	}
	if err != nil {
		return FriendRequestResult{}, err
	}
	if isExpired(&open) {
		if _, err := s.store.FriendRequests.Answer(ctx, open.Identity, define.RequestExpired, now()); err != nil && !errors.Is(err, models.ErrNotFound) {
			return FriendRequestResult{}, err
		}
		return s.ask(ctx, c, to, in)
	}
	if open.From == c.User {
		return FriendRequestResult{}, define.ErrRequestOpen
	}
	if err := s.befriend(ctx, &open); err != nil {
		return FriendRequestResult{}, err
	}
	friend, err := s.friendOf(ctx, c.User, to)
	return FriendRequestResult{Friend: &friend}, err
}

func isExpired(r *models.FriendRequest) bool {
	return r.State == define.RequestPending && now()-r.CreatedAt > define.RequestLifetime.Milliseconds()
}

func (c *core) publishRequest(op string, view FriendRequest) {
	c.hub.Publish(hub.Delivery{Event: hub.Event{Op: op, Data: view}, Users: []string{view.From, view.To}})
}

// userByName finds a living user by identity or account.
func (c *core) userByName(ctx context.Context, name string) (User, error) {
	user, err := c.livingUser(ctx, name)
	if !errors.Is(err, define.ErrUserNotFound) {
		return user, err
	}
	doc, err := c.store.Users.ByAccount(ctx, helper.FoldAccount(name))
	if err != nil {
		return User{}, notFound(err, define.ErrUserNotFound)
	}
	if doc.CancelledAt > 0 {
		return User{}, define.ErrUserNotFound
	}
	return publicUser(&doc), nil
}

// Requests lists the requests to the caller (box "in", or empty) or from him ("out"), newest first.
func (s *Friends) Requests(ctx context.Context, c Caller, box string, p Page) (List[FriendRequest], error) {
	if box != "" && box != "in" && box != "out" {
		return List[FriendRequest]{}, define.Invalid("box", "must be 'in' or 'out'", "必须是 in 或 out")
	}
	find := func(before string, limit int) ([]models.FriendRequest, error) {
		return s.store.FriendRequests.Page(ctx, c.User, box != "out", before, limit)
	}
	show := func(d *models.FriendRequest) FriendRequest {
		view := requestView(d)
		if isExpired(d) {
			view.State = define.RequestExpired
		}
		return view
	}
	return pageAfter(p, find, each(show), func(d *models.FriendRequest) string { return d.Identity })
}

// Relation is how the caller stands with somebody else.
type Relation struct {
	IsFriend bool
	Asked    string // identity of the other's open request to him; empty for none
	Asking   string // identity of his own open request to the other; empty for none
}

// With returns how the caller stands with another user.
func (s *Friends) With(ctx context.Context, c Caller, user string) (Relation, error) {
	_, err := s.store.Friendships.Get(ctx, c.User, user)
	if err == nil {
		return Relation{IsFriend: true}, nil
	}
	if !errors.Is(err, models.ErrNotFound) {
		return Relation{}, err
	}
	open, err := s.store.FriendRequests.Open(ctx, models.Pair(c.User, user))
	switch {
	case errors.Is(err, models.ErrNotFound), err == nil && isExpired(&open):
		return Relation{}, nil
	case open.From == c.User:
		return Relation{Asking: open.Identity}, err
	}
	return Relation{Asked: open.Identity}, err
}

// Accept makes the caller and who asked him friends, in their private room.
// Refusals: ErrRequestNotFound where it was not sent to the caller, ErrRequestClosed, ErrBlocked.
func (s *Friends) Accept(ctx context.Context, c Caller, identity string) (Friend, error) {
	request, unlock, err := s.openRequest(ctx, c, identity)
	if err != nil {
		return Friend{}, err
	}
	defer unlock()
	if blocked, err := s.store.Blocks.Exists(ctx, request.From, c.User); err != nil {
		return Friend{}, err
	} else if blocked { // since he asked
		return Friend{}, define.ErrBlocked
	}
	if err := s.befriend(ctx, &request); err != nil {
		return Friend{}, err
	}
	return s.friendOf(ctx, c.User, request.From)
}

// Decline refuses a request to the caller.
func (s *Friends) Decline(ctx context.Context, c Caller, identity string) (FriendRequest, error) {
	request, unlock, err := s.openRequest(ctx, c, identity)
	if err != nil {
		return FriendRequest{}, err
	}
	defer unlock()
	request, err = s.store.FriendRequests.Answer(ctx, request.Identity, define.RequestDeclined, now())
	if err != nil {
		return FriendRequest{}, notFound(err, define.ErrRequestClosed)
	}
	view := requestView(&request)
	s.publishRequest(define.EventFriendDeclined, view)
	content := models.NotificationContent{Request: request.Identity, State: request.State}
	return view, s.notify(ctx, define.NotifyFriendDeclined, c.User, content, request.From)
}

// openRequest returns an open request to the caller with the lock of its pair.
func (s *Friends) openRequest(ctx context.Context, c Caller, identity string) (r models.FriendRequest, unlock func(), err error) {
	if r, err = s.store.FriendRequests.Get(ctx, identity); err != nil {
		return r, nil, notFound(err, define.ErrRequestNotFound)
	}
	if r.To != c.User {
		return r, nil, define.ErrRequestNotFound
	}
	unlock = s.locks.lock(r.Pair)
	// Read again: it may have been answered while the lock was somebody else's.
	r, err = s.store.FriendRequests.Get(ctx, identity)
	if err == nil && (r.State != define.RequestPending || isExpired(&r)) {
		err = define.ErrRequestClosed
	}
	if err != nil {
		unlock()
		return r, nil, err
	}
	return r, unlock, nil
}

// expireRequests closes the open requests to a user, or from him.
func (c *core) expireRequests(ctx context.Context, user string, in bool) error {
	before := ""
	for {
		docs, err := c.store.FriendRequests.Page(ctx, user, in, before, define.PageMax)
		if err != nil || len(docs) == 0 {
			return err
		}
		for i := range docs {
			before = docs[i].Identity
			if docs[i].State != define.RequestPending {
				continue
			}
			if _, err := c.store.FriendRequests.Answer(ctx, docs[i].Identity, define.RequestExpired, now()); err != nil && !errors.Is(err, models.ErrNotFound) {
				return err
			}
		}
	}
}
