package service

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"strconv"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// The proofs of a session besides the token that its login got, for ways in whose clients need others.

// Sign returns another token of the caller's session, good for ttl and never longer than the session, with more claims
// for its clients to read (nil for none). ErrSessionEnded where the session is over.
func (s *Sessions) Sign(ctx context.Context, c Caller, ttl time.Duration, more map[string]any) (Token, error) {
	session, err := s.store.Sessions.Get(ctx, c.Session)
	if err != nil {
		return Token{}, notFound(err, define.ErrSessionEnded)
	}
	issued := time.Now()
	expires := issued.Add(ttl)
	if session.ExpiresAt.Before(expires) {
		expires = session.ExpiresAt
	}
	token, err := s.tokens.SignMore(c.User, c.Session, issued, expires, more)
	return Token{Token: token, ExpiresAt: expires.UnixMilli()}, err
}

// OpenTrusted logs a user in whom somebody else vouches for: the caller of it must have made sure of that. The session of
// the device is used again where there is one, and prolonged. ErrUserNotFound where there is no such user any more.
func (s *Sessions) OpenTrusted(ctx context.Context, user, device, ip string) (Login, error) {
	doc, err := s.store.Users.Get(ctx, user)
	if err != nil {
		return Login{}, notFound(err, define.ErrUserNotFound)
	}
	if doc.CancelledAt > 0 {
		return Login{}, define.ErrUserNotFound
	}
	defer s.locks.lock(user + "\n" + device)()
	var open *models.Session
	err = s.eachSession(ctx, user, func(session *models.Session) error {
		if session.Device == device && session.ExpiresAt.After(time.Now()) {
			open = session
		}
		return nil
	})
	if err != nil {
		return Login{}, err
	}
	if open != nil {
		token, err := s.Renew(ctx, Caller{User: user, Session: open.Identity})
		if !errors.Is(err, define.ErrSessionEnded) { // it may just have
			return Login{User: ownUser(&doc), Token: token}, err
		}
	}
	return s.newSession(ctx, &doc, device, ip)
}

// Numeric tokens have 12 digits.
const (
	numberLeast = 100_000_000_000
	numberMost  = 999_999_999_999
)

// TakeNumber gives the caller's session a numeric token; the one before it is not good any more. A number is easier to
// guess than a token: it is for ways in whose clients can't keep anything else. ErrSessionEnded where the session is over.
func (s *Sessions) TakeNumber(ctx context.Context, c Caller) (int64, error) {
	random, err := rand.Int(rand.Reader, big.NewInt(numberMost-numberLeast+1))
	if err != nil {
		return 0, err
	}
	number := numberLeast + random.Int64()
	err = s.store.Sessions.SetNumber(ctx, c.Session, s.hashNumber(c.User, number))
	return number, notFound(err, define.ErrSessionEnded)
}

func (c *core) hashNumber(user string, number int64) string {
	return c.tokens.HashCode("number:"+user, strconv.FormatInt(number, 10))
}

// AuthenticateNumber finds out which session of an account a numeric token belongs to, and until when. Refusals:
// ErrUnauthenticated, ErrSessionEnded, ErrRateLimited after too many wrong ones, which are counted by account and address.
func (s *Sessions) AuthenticateNumber(ctx context.Context, account string, number int64, ip string) (Caller, time.Time, error) {
	address := helper.AddressKey(ip)
	login := helper.FoldAccount(account) + "\n" + address
	// Counted before it is known, so that many guesses at once are not more than many after each other.
	if err := limit(s.limits.numberByLogin, login); err != nil {
		return Caller{}, time.Time{}, err
	}
	if err := limit(s.limits.numberByAddress, address); err != nil {
		return Caller{}, time.Time{}, err
	}
	caller, expires, err := s.byNumber(ctx, account, number, ip)
	if !errors.Is(err, define.ErrUnauthenticated) {
		s.limits.numberByLogin.Return(login, time.Now())
		s.limits.numberByAddress.Return(address, time.Now())
	}
	return caller, expires, err
}

func (s *Sessions) byNumber(ctx context.Context, account string, number int64, ip string) (Caller, time.Time, error) {
	user, err := s.store.Users.ByAccount(ctx, helper.FoldAccount(account))
	if err != nil {
		return Caller{}, time.Time{}, notFound(err, define.ErrUnauthenticated)
	}
	session, err := s.store.Sessions.ByNumber(ctx, user.Identity, s.hashNumber(user.Identity, number))
	if err != nil {
		return Caller{}, time.Time{}, notFound(err, define.ErrUnauthenticated)
	}
	return s.admit(ctx, &session, ip)
}
