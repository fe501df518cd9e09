package service

import (
	"context"
	"strconv"

	"parlor/define"
	"parlor/models"
)

// Invitations into a group that wait for the invitee's own consent.

// askConsent invites living users who have not blocked the caller. He may ask as many as he may ask to be friends.
func (s *Rooms) askConsent(ctx context.Context, c Caller, state *roomState, invitees []string) error {
	blockers, err := s.store.Blocks.Among(ctx, invitees, c.User)
	if err != nil {
		return err
	}
	if len(blockers) > 0 {
		return define.ErrBlocked
	}
	for _, invitee := range invitees {
		if _, err := s.livingUser(ctx, invitee); err != nil {
			return err
		}
		if err := limit(s.limits.request, c.User); err != nil {
			return err
		}
	}
	for _, invitee := range invitees {
		invitation := models.RoomInvitation{Inviter: c.User, Awaits: define.AwaitsConsent}
		if err := s.invite(ctx, state, invitation, []string{invitee}, invitee); err != nil {
			return err
		}
	}
	return nil
}

// Awaiting lists the invitations that wait for the caller's consent, newest first.
func (s *Rooms) Awaiting(ctx context.Context, c Caller, p Page) (List[Invitation], error) {
	var at after
	n, err := p.read(&at)
	if err != nil {
		return List[Invitation]{}, err
	}
	docs, err := s.store.Invitations.Awaiting(ctx, c.User, at.Key, n+1)
	if err != nil {
		return List[Invitation]{}, err
	}
	views, err := s.invitationViews(ctx, docs)
	if err != nil {
		return List[Invitation]{}, err
	}
	return listOf(views, n, func(v *Invitation) Invitation { return *v }, func(_ int, last *Invitation) any { return after{last.Identity} }), nil
}

// Invited returns the invitation into the room of a number that waits for the caller's consent; ErrInvitationNotFound.
func (s *Rooms) Invited(ctx context.Context, c Caller, number int64) (Invitation, error) {
	room, err := s.roomNumbers.get(ctx, strconv.FormatInt(number, 10))
	if err != nil {
		return Invitation{}, hidden(err)
	}
	d, err := s.store.Invitations.Pending(ctx, room, c.User)
	if err != nil {
		return Invitation{}, notFound(err, define.ErrInvitationNotFound)
	}
	if d.Awaits != define.AwaitsConsent {
		return Invitation{}, define.ErrInvitationNotFound
	}
	return s.invitationView(ctx, &d)
}
