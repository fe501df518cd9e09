package service

import (
	"context"
	"errors"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Sessions is about logins: one a device.
type Sessions struct{ *core }

// seenEvery is how often the last use of a session is noted.
const seenEvery = int64(time.Minute / time.Millisecond)

// Authenticate finds out who a token belongs to, and until when. Refusals: ErrUnauthenticated for a token that is not
// ours, ErrSessionEnded for one whose session is over. Nothing of it is cached, so that a logout counts at once on every node.
func (s *Sessions) Authenticate(ctx context.Context, token, ip string) (Caller, time.Time, error) {
	if token == "" {
		return Caller{}, time.Time{}, define.ErrUnauthenticated
	}
	claims, err := s.tokens.Parse(token)
	if err != nil {
		return Caller{}, time.Time{}, define.ErrUnauthenticated.With(err)
	}
	leave, err := s.store.Enter()
	if err != nil {
		return Caller{}, time.Time{}, err
	}
	defer leave()
	session, err := s.store.Sessions.Get(ctx, claims.Session)
	if err != nil {
		return Caller{}, time.Time{}, notFound(err, define.ErrSessionEnded)
	}
	if session.UserIdentity != claims.User {
		return Caller{}, time.Time{}, define.ErrSessionEnded
	}
	return s.admit(ctx, &session, ip)
}

// admit makes a caller of who has shown that a session is his, unless it has expired.
func (s *Sessions) admit(ctx context.Context, session *models.Session, ip string) (Caller, time.Time, error) {
	if !session.ExpiresAt.After(time.Now()) {
		return Caller{}, time.Time{}, define.ErrSessionEnded
	}
	if at := now(); at-session.SeenAt > seenEvery {
		if err := s.store.Sessions.Seen(ctx, session.Identity, ip, at); err != nil {
			return Caller{}, time.Time{}, err
		}
	}
	return Caller{User: session.UserIdentity, Session: session.Identity, IP: ip, Unlocked: session.Unlocked}, session.ExpiresAt, nil
}

// Renew prolongs the caller's session and returns a new token for it.
func (s *Sessions) Renew(ctx context.Context, c Caller) (Token, error) {
	issued := time.Now()
	expires := issued.Add(s.config.Auth.TokenTTL)
	if _, err := s.store.Sessions.Renew(ctx, c.Session, expires); err != nil {
		return Token{}, notFound(err, define.ErrSessionEnded)
	}
	s.hub.Renew(c.User, c.Session, expires)
	return s.sign(c.User, c.Session, issued, expires)
}

// Logout ends the caller's session.
func (s *Sessions) Logout(ctx context.Context, c Caller) error {
	_, err := s.endSession(ctx, c.User, c.Session, define.EndedLogout)
	return err
}

// List returns the caller's devices, the oldest login first.
func (s *Sessions) List(ctx context.Context, c Caller, p Page) (List[Session], error) {
	open := map[string]bool{}
	for _, conn := range s.hub.Conns(c.User) {
		open[conn.Session()] = true
	}
	find := func(after string, limit int) ([]models.Session, error) {
		return s.store.Sessions.ByUser(ctx, c.User, after, limit)
	}
	show := func(d *models.Session) Session {
		return Session{
			Identity: d.Identity, Device: d.Device, IP: d.IP, Current: d.Identity == c.Session, Online: open[d.Identity],
			CreatedAt: d.CreatedAt, SeenAt: d.SeenAt, ExpiresAt: d.ExpiresAt.UnixMilli(),
		}
	}
	return pageAfter(p, find, each(show), func(d *models.Session) string { return d.Identity })
}

// End ends one of the caller's sessions; ErrSessionNotFound where it is not his.
func (s *Sessions) End(ctx context.Context, c Caller, identity string) error {
	ended, err := s.endSession(ctx, c.User, identity, define.EndedRevoked)
	if err == nil && !ended {
		return define.ErrSessionNotFound
	}
	return err
}

// EndOthers ends all of the caller's sessions but the one that asks.
func (s *Sessions) EndOthers(ctx context.Context, c Caller) error {
	return s.endSessions(ctx, c.User, c.Session, define.EndedRevoked)
}

func (c *core) sign(user, session string, issued, expires time.Time) (Token, error) {
	token, err := c.tokens.Sign(user, session, issued, expires)
	return Token{Token: token, ExpiresAt: expires.UnixMilli()}, err
}

// openSession logs a user in. A device has one session: a former one under the same name is replaced.
func (c *core) openSession(ctx context.Context, user *models.User, device, ip string) (Login, error) {
	if device != "" {
		defer c.locks.lock(user.Identity + "\n" + device)() // else two logins at once both find nothing to replace
		err := c.eachSession(ctx, user.Identity, func(old *models.Session) error {
			if old.Device != device {
				return nil
			}
			_, err := c.endSession(ctx, user.Identity, old.Identity, define.EndedReplaced)
			return err
		})
		if err != nil {
			return Login{}, err
		}
	}
	return c.newSession(ctx, user, device, ip)
}

func (c *core) newSession(ctx context.Context, user *models.User, device, ip string) (Login, error) {
	issued := time.Now()
	session := models.Session{
		Identity: helper.NewIdentity(), UserIdentity: user.Identity, Device: device, IP: ip,
		CreatedAt: issued.UnixMilli(), SeenAt: issued.UnixMilli(), ExpiresAt: issued.Add(c.config.Auth.TokenTTL),
	}
	if err := c.store.Sessions.Insert(ctx, &session); err != nil {
		return Login{}, err
	}
	token, err := c.sign(user.Identity, session.Identity, issued, session.ExpiresAt)
	return Login{User: ownUser(user), Token: token}, err
}

// endSession ends one session of a user, closes its sockets and reports whether it was there.
func (c *core) endSession(ctx context.Context, user, session, reason string) (bool, error) {
	ended, err := c.store.Sessions.Delete(ctx, user, session)
	if err != nil || !ended {
		return false, err
	}
	c.closeSockets(user, session, reason)
	return true, nil
}

func (c *core) closeSockets(user, session, reason string) {
	c.calls.endSession(user, session)
	code := define.CloseSessionEnded
	if reason == define.EndedReplaced {
		code = define.CloseReplaced
	}
	c.hub.End(user, session, hub.Event{Op: define.EventSessionEnded, Data: SessionEndedEvent{Reason: reason}}, hub.CloseReason{Code: code, Text: reason})
}

// expired ends a socket that has outlived its session. MongoDB deletes the session itself.
func (c *core) expired(conn *hub.Conn) {
	c.closeSockets(conn.User(), conn.Session(), define.EndedExpired)
}

// endSessions ends all sessions of a user but one.
func (c *core) endSessions(ctx context.Context, user, except, reason string) error {
	return c.eachSession(ctx, user, func(session *models.Session) error {
		if session.Identity == except {
			return nil
		}
		_, err := c.endSession(ctx, user, session.Identity, reason)
		return err
	})
}

func (c *core) eachSession(ctx context.Context, user string, f func(*models.Session) error) error {
	last := ""
	for {
		docs, err := c.store.Sessions.ByUser(ctx, user, last, define.PageMax)
		if err != nil || len(docs) == 0 {
			return err
		}
		var errs []error
		for i := range docs {
			errs = append(errs, f(&docs[i]))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		last = docs[len(docs)-1].Identity
	}
}
