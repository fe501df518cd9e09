package service

import (
	"context"
	"errors"
	"strconv"

	"parlor/define"
	"parlor/models"
)

// Invitations into a group that wait for the invitee's own consent.

// Ask says which members of a new group are asked for their consent instead of being added.
type Ask int

const (
	AskNobody    Ask = iota // who may not be added is refused
	AskStrangers            // who may not be added is asked
	AskAll                  // everybody is
)

// divide tells apart whom the caller adds to a new group and whom he asks. Refusals: those of mayAdd and mayAsk.
func (s *Rooms) divide(ctx context.Context, c Caller, ask Ask, others []string) (added, asked []string, err error) {
	switch ask {
	case AskAll:
		asked = others
	case AskStrangers:
		if added, asked, err = s.addable(ctx, c.User, others); err != nil {
			return nil, nil, err
		}
	default:
		added = others
	}
	return added, asked, errors.Join(s.mayAdd(ctx, c.User, added), s.mayAsk(ctx, c, asked))
}

// askConsent invites users of whom mayAsk approves.
func (s *Rooms) askConsent(ctx context.Context, c Caller, state *roomState, invitees []string) error {
	for _, invitee := range invitees {
		invitation := models.RoomInvitation{Inviter: c.User, Awaits: define.AwaitsConsent}
		if _, err := s.invite(ctx, state, invitation, []string{invitee}, invitee); err != nil {
			return err
		}
	}
	return nil
}

// mayAsk allows living users who have not blocked the caller, as many as he may ask to be friends.
func (s *Rooms) mayAsk(ctx context.Context, c Caller, invitees []string) error {
	if len(invitees) == 0 {
		return nil
	}
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
	return nil
}

// notInvited refuses users whose invitation into a room waits already.
func (s *Rooms) notInvited(ctx context.Context, room string, invitees []string) error {
	for _, invitee := range invitees {
		if _, err := s.store.Invitations.Pending(ctx, room, invitee); err == nil {
			return define.ErrInvitationOpen
		} else if !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Awaiting lists the invitations that wait for the caller's consent, newest first.
func (s *Rooms) Awaiting(ctx context.Context, c Caller, p Page) (List[Invitation], error) {
	return s.invitationPage(ctx, p, func(before string, limit int) ([]models.RoomInvitation, error) {
		return s.store.Invitations.Awaiting(ctx, c.User, before, limit)
	})
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
