package service

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// AddMembers brings friends of the caller into a group: at once where he is its owner or an admin, or where the policy
// asks for no approval; else as invitations that wait for it. Where he wants them to be asked, and no approval is needed,
// the invitations wait for their consent, and anybody may be asked. Who is in the group already is passed over. Refusals:
// ErrPrivateRoom, ErrInvalid for who is no friend, ErrBlocked, ErrAlreadyMember where nobody is new, ErrRoomFull; where
// they are asked, ErrUserNotFound and ErrRateLimited as well.
func (s *Rooms) AddMembers(ctx context.Context, c Caller, room string, in MembersInput) (MembersResult, error) {
	if err := check(in); err != nil {
		return MembersResult{}, err
	}
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return MembersResult{}, err
	}
	newcomers := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(in.Members))), func(user string) bool {
		_, isMember := state.members[user]
		return isMember
	})
	if len(newcomers) == 0 {
		return MembersResult{}, define.ErrAlreadyMember
	}
	needsApproval := !state.leads(c.User) && state.room.JoinPolicy == define.JoinApproval
	if in.Once {
		if err := s.notInvited(ctx, room, newcomers); err != nil {
			return MembersResult{}, err
		}
	}
	if in.Ask && !needsApproval {
		if err := s.mayAsk(ctx, c, newcomers); err != nil {
			return MembersResult{}, err
		}
		return MembersResult{Added: []string{}, Pending: newcomers}, s.askConsent(ctx, c, state, newcomers)
	}
	if err := s.mayAdd(ctx, c.User, newcomers); err != nil {
		return MembersResult{}, err
	}
	if needsApproval {
		invitation := models.RoomInvitation{Inviter: c.User, Awaits: define.AwaitsApproval}
		invitations, err := s.invite(ctx, state, invitation, newcomers, state.leaders()...)
		return MembersResult{Added: []string{}, Pending: newcomers, Invitations: invitations}, err
	}
	message, err := s.addMembers(ctx, state, c.User, newcomers)
	if err != nil {
		return MembersResult{}, err
	}
	return MembersResult{Added: newcomers, Pending: []string{}, Message: message}, s.settle(ctx, state, c.User, newcomers)
}

// addMembers takes users into a group, tells everybody and returns the number of the message that says so. Stopped after
// the members are stored, the group is right but for member_count, which is counted anew at the next change. The caller holds the lock of the room.
func (s *Rooms) addMembers(ctx context.Context, state *roomState, by string, users []string) (int64, error) {
	if len(state.ids)+len(users) > define.RoomMembersMax {
		return 0, define.ErrRoomFull
	}
	identity := state.room.Identity
	room, err := s.store.Rooms.Get(ctx, identity)
	if err != nil {
		return 0, err
	}
	members := make([]models.UserRoom, len(users))
	var returned []string // who left while silenced
	for i, user := range users {
		members[i] = newMember(&room, user, define.RoleMember, room.LastSeq)
		if until, ok := room.Silenced[user]; ok {
			members[i].SilencedUntil = until
			returned = append(returned, user)
		}
		if room.History == define.HistoryAll {
			members[i].SinceSeq = 0
		}
	}
	if err := s.store.UserRooms.Ensure(ctx, members); err != nil {
		return 0, err
	}
	s.rooms.drop(identity)
	if len(returned) > 0 {
		if err := s.store.Rooms.ForgetSilence(ctx, identity, returned); err != nil {
			return 0, err
		}
	}
	if err := s.store.Rooms.SetMemberCount(ctx, identity, len(state.ids)+len(users), now()); err != nil {
		return 0, err
	}
	if err := s.announceRoom(ctx, define.EventRoomCreated, identity, users...); err != nil {
		return 0, err
	}
	known, err := s.usersByID(ctx, users)
	if err != nil {
		return 0, err
	}
	joined := MembersEvent{Room: identity, By: by}
	for i := range members {
		joined.Members = append(joined.Members, s.memberView(&members[i], known[members[i].UserIdentity]))
	}
	event := hub.Event{Op: define.EventMemberJoined, Data: joined}
	s.hub.Publish(hub.Delivery{Event: event, Users: slices.Concat(state.ids, users)})
	message, err := s.record(ctx, identity, SystemMessage{Event: define.EventMemberJoined, By: by, Users: users})
	if err != nil {
		return 0, err
	}
	return message, s.notify(ctx, define.NotifyAdded, by, models.NotificationContent{Room: identity}, users...)
}

// invite stores an invitation for each of the invitees, tells those who decide, passes over who has a pending one, and
// returns the new ones.
func (s *Rooms) invite(ctx context.Context, state *roomState, invitation models.RoomInvitation, invitees []string, deciders ...string) ([]Invitation, error) {
	var invitations []Invitation
	for _, invitee := range invitees {
		at := now()
		invitation.Identity, invitation.RoomIdentity, invitation.Invitee = helper.NewIdentity(), state.room.Identity, invitee
		invitation.State, invitation.CreatedAt, invitation.UpdatedAt = define.InvitationPending, at, at
		err := s.store.Invitations.Insert(ctx, &invitation)
		if errors.Is(err, models.ErrDuplicate) {
			continue
		}
		if err != nil {
			return nil, err
		}
		view, err := s.invitationView(ctx, &invitation)
		if err != nil {
			return nil, err
		}
		invitations = append(invitations, view)
		s.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventInvitationPending, Data: view}, Users: deciders})
		content := models.NotificationContent{Room: state.room.Identity, Invitation: invitation.Identity, Awaits: invitation.Awaits}
		if err := s.notify(ctx, define.NotifyInvitation, invitation.Inviter, content, deciders...); err != nil {
			return nil, err
		}
	}
	return invitations, nil
}

func (c *core) invitationView(ctx context.Context, d *models.RoomInvitation) (Invitation, error) {
	views, err := c.invitationViews(ctx, []models.RoomInvitation{*d})
	if err != nil {
		return Invitation{}, err
	}
	return views[0], nil
}

func (c *core) invitationViews(ctx context.Context, docs []models.RoomInvitation) ([]Invitation, error) {
	var people []string
	for i := range docs {
		people = append(people, docs[i].Inviter, docs[i].Invitee)
	}
	slices.Sort(people)
	users, err := c.usersByID(ctx, slices.Compact(people))
	if err != nil {
		return nil, err
	}
	views := make([]Invitation, len(docs))
	for i := range docs {
		d := &docs[i]
		views[i] = Invitation{
			Identity: d.Identity, RoomIdentity: d.RoomIdentity, Inviter: users[d.Inviter], Invitee: users[d.Invitee], Message: d.Message,
			Awaits: cmp.Or(d.Awaits, define.AwaitsApproval), State: d.State, DecidedBy: d.DecidedBy, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		}
		if d.Awaits == define.AwaitsConsent {
			state, err := c.rooms.get(ctx, d.RoomIdentity)
			if err != nil {
				return nil, err
			}
			views[i].RoomName = state.room.Name
		}
	}
	return views, nil
}

// Join brings the caller into the group of a number: at once where it is open, which returns the room; else his wish
// waits for approval, and is returned instead. Refusals: ErrRoomNotFound, ErrAlreadyMember, ErrInviteOnly, ErrConflict where
// he waits already, ErrRoomFull, ErrRateLimited.
func (s *Rooms) Join(ctx context.Context, c Caller, in JoinInput) (JoinResult, error) {
	if err := check(in); err != nil {
		return JoinResult{}, err
	}
	if err := limit(s.limits.request, c.User); err != nil {
		return JoinResult{}, err
	}
	found, err := s.store.Rooms.ByNumber(ctx, in.Number)
	if err != nil {
		return JoinResult{}, notFound(err, define.ErrRoomNotFound)
	}
	if err := s.join(ctx, c, found.Identity, in.Message); err != nil {
		return JoinResult{}, err
	}
	pending, err := s.store.Invitations.Pending(ctx, found.Identity, c.User)
	if errors.Is(err, models.ErrNotFound) {
		room, err := s.Get(ctx, c, found.Identity)
		return JoinResult{Room: &room}, err
	}
	if err != nil {
		return JoinResult{}, err
	}
	view, err := s.invitationView(ctx, &pending)
	return JoinResult{Invitation: &view}, err
}

func (s *Rooms) join(ctx context.Context, c Caller, room, message string) error {
	defer s.locks.lock(room)()
	state, err := s.rooms.get(ctx, room)
	if err != nil {
		return err
	}
	if state.room.Kind != define.RoomGroup || state.room.DissolvedAt > 0 {
		return define.ErrRoomNotFound
	}
	if _, ok := state.members[c.User]; ok {
		return define.ErrAlreadyMember
	}
	switch state.room.JoinPolicy {
	case define.JoinOpen:
		if _, err := s.addMembers(ctx, state, c.User, []string{c.User}); err != nil {
			return err
		}
		return s.settle(ctx, state, c.User, []string{c.User})
	case define.JoinApproval:
		if _, err := s.store.Invitations.Pending(ctx, room, c.User); !errors.Is(err, models.ErrNotFound) {
			return errors.Join(err, define.ErrInvitationOpen)
		}
		wish := models.RoomInvitation{Inviter: c.User, Message: message, Awaits: define.AwaitsApproval}
		_, err := s.invite(ctx, state, wish, []string{c.User}, state.leaders()...)
		return err
	}
	return define.ErrInviteOnly
}

// Invitations lists who waits for approval, and who has waited, newest first. Refusals: ErrPrivateRoom, ErrAdminOnly.
func (s *Rooms) Invitations(ctx context.Context, c Caller, room string, p Page) (List[Invitation], error) {
	if _, err := s.leaderOf(ctx, c.User, room); err != nil {
		return List[Invitation]{}, err
	}
	return s.invitationPage(ctx, p, func(before string, limit int) ([]models.RoomInvitation, error) {
		return s.store.Invitations.Page(ctx, room, before, limit)
	})
}

func (c *core) invitationPage(ctx context.Context, p Page, find func(before string, limit int) ([]models.RoomInvitation, error)) (List[Invitation], error) {
	show := func(docs []models.RoomInvitation) ([]Invitation, error) { return c.invitationViews(ctx, docs) }
	return pageAfter(p, find, show, func(d *models.RoomInvitation) string { return d.Identity })
}

// Approve lets in who waits: the owner and the admins somebody else, or the invitee himself, whoever's approval it waits
// for. Refusals: ErrInvitationNotFound where it does not concern the caller, ErrAdminOnly, ErrForbidden where it waits for
// the invitee's consent, ErrInvitationClosed, ErrBlocked where who waits has blocked who invited him, ErrRoomFull.
func (s *Rooms) Approve(ctx context.Context, c Caller, identity string) (Invitation, error) {
	return s.decide(ctx, c, identity, define.InvitationApproved, func(state *roomState, d *models.RoomInvitation) error {
		if _, ok := state.members[d.Invitee]; ok {
			return nil // he has come in another way since
		}
		if d.Awaits == define.AwaitsConsent {
			if _, ok := state.members[d.Inviter]; !ok {
				return define.ErrInvitationClosed // who has left can't bring anybody in
			}
			_, err := s.addMembers(ctx, state, d.Invitee, []string{d.Invitee})
			return err
		}
		if _, err := s.livingUser(ctx, d.Invitee); err != nil {
			return err
		}
		if blocked, err := s.store.Blocks.Exists(ctx, d.Invitee, d.Inviter); err != nil {
			return err
		} else if blocked {
			return define.ErrBlocked
		}
		_, err := s.addMembers(ctx, state, d.Inviter, []string{d.Invitee})
		return err
	})
}

// Decline turns away who waits. Refusals: as of Approve.
func (s *Rooms) Decline(ctx context.Context, c Caller, identity string) (Invitation, error) {
	return s.decide(ctx, c, identity, define.InvitationDeclined, func(*roomState, *models.RoomInvitation) error { return nil })
}

// decide carries out a decision before it is noted: stopped between the two, the invitation is still pending, and
// deciding again finishes the work.
func (s *Rooms) decide(ctx context.Context, c Caller, identity, decision string, carryOut func(*roomState, *models.RoomInvitation) error) (Invitation, error) {
	d, err := s.store.Invitations.Get(ctx, identity)
	if err != nil {
		return Invitation{}, notFound(err, define.ErrInvitationNotFound)
	}
	defer s.locks.lock(d.RoomIdentity)()
	state, err := s.deciderOf(ctx, c.User, &d)
	if err != nil {
		return Invitation{}, err
	}
	if d, err = s.store.Invitations.Get(ctx, identity); err != nil { // again: it may have been decided while the lock was somebody else's
		return Invitation{}, notFound(err, define.ErrInvitationNotFound)
	}
	if d.State != define.InvitationPending {
		return Invitation{}, define.ErrInvitationClosed
	}
	if err := carryOut(state, &d); err != nil {
		return Invitation{}, err
	}
	return s.end(ctx, state, identity, decision, c.User)
}

// end notes what was decided of an invitation and tells everybody concerned. Refusals: ErrInvitationClosed.
func (s *Rooms) end(ctx context.Context, state *roomState, identity, decision, by string) (Invitation, error) {
	d, err := s.store.Invitations.Decide(ctx, identity, decision, by, now())
	if err != nil {
		return Invitation{}, notFound(err, define.ErrInvitationClosed)
	}
	view, err := s.invitationView(ctx, &d)
	if err != nil {
		return Invitation{}, err
	}
	concerned := slices.Compact(slices.Sorted(slices.Values(append(state.leaders(), d.Inviter, d.Invitee))))
	s.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventInvitationDecided, Data: view}, Users: concerned})
	content := models.NotificationContent{Room: d.RoomIdentity, Invitation: identity, State: decision}
	asked := slices.Compact([]string{d.Inviter, d.Invitee})
	return view, s.notify(ctx, define.NotifyInvitationEnded, by, content, asked...)
}

// settle approves the invitations of those who have come into a room another way.
func (s *Rooms) settle(ctx context.Context, state *roomState, by string, users []string) error {
	pending, err := s.store.Invitations.PendingOf(ctx, state.room.Identity, users)
	if err != nil {
		return err
	}
	for i := range pending {
		if _, err := s.end(ctx, state, pending[i].Identity, define.InvitationApproved, by); err != nil && !errors.Is(err, define.ErrInvitationClosed) {
			return err
		}
	}
	return nil
}

// withdraw declines everything that a user waits for.
func (s *Rooms) withdraw(ctx context.Context, user string) error {
	pending, err := s.store.Invitations.Waiting(ctx, user)
	if err != nil {
		return err
	}
	for i := range pending {
		state, err := s.rooms.get(ctx, pending[i].RoomIdentity)
		if err != nil {
			return err
		}
		if _, err := s.end(ctx, state, pending[i].Identity, define.InvitationDeclined, user); err != nil && !errors.Is(err, define.ErrInvitationClosed) {
			return err
		}
	}
	return nil
}

// deciderOf returns the room of an invitation to one whom it waits for.
func (s *Rooms) deciderOf(ctx context.Context, user string, d *models.RoomInvitation) (*roomState, error) {
	if d.Awaits != define.AwaitsConsent {
		state, err := s.leaderOf(ctx, user, d.RoomIdentity)
		return state, hidden(err)
	}
	if user != d.Invitee {
		if _, err := s.memberOf(ctx, user, d.RoomIdentity); err != nil {
			return nil, hidden(err)
		}
		return nil, define.ErrForbidden
	}
	state, err := s.rooms.get(ctx, d.RoomIdentity)
	if err == nil && state.room.DissolvedAt > 0 {
		return nil, define.ErrRoomDissolved
	}
	return state, err
}

// hidden keeps from who is not in a room that there is an invitation into it.
func hidden(err error) error {
	if errors.Is(err, define.ErrRoomNotFound) {
		return define.ErrInvitationNotFound
	}
	return err
}
