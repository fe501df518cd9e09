package cotalk

import (
	"errors"

	"parlor/define"
	"parlor/service"
)

// chat returns a chat to one of its members, in the words that this face has for everybody else.
func (f *Face) chat(r *request, caller service.Caller, number int64, outside error) (service.Room, error) {
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, number)
	if errors.Is(err, define.ErrRoomNotFound) || errors.Is(err, define.ErrRoomDissolved) {
		return room, outside
	}
	return room, err
}

func (f *Face) listMembers(r *request) (any, error) {
	chat, in, err := r.about("chat", errChatID)
	if err != nil {
		return nil, err
	}
	number, err := in.asking()
	if err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, number)
	if err != nil {
		return nil, err
	}
	room, err := f.chat(r, caller, chat, errNotInChat)
	if err != nil {
		return nil, err
	}
	roster, err := f.o.Rooms.Roster(r.ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	members := make([]memberView, len(roster))
	for i, member := range roster {
		members[i] = memberView{userOf(member.User), privilege(room, member)}
	}
	return struct {
		success
		Members []memberView `json:"members"`
	}{done, members}, nil
}

// asking returns the number of who asks for members. This call has words of its own for it.
func (f fields) asking() (int64, error) {
	if !f.has("user_id") {
		return 0, errUserNeeded
	}
	number, ok := integerOf(f["user_id"])
	if !ok {
		return 0, errUserID
	}
	return number, nil
}

// memberChange is what is asked of a member of a chat.
type memberChange struct {
	chat, user, member int64
	approve            bool
	changeTo           string
}

func (r *request) memberChange() (m memberChange, in fields, err error) {
	if m.chat, in, err = r.about("chat", errChatID); err != nil {
		return m, nil, err
	}
	if m.user, err = in.integer("user_id"); err != nil {
		return m, nil, err
	}
	m.member, err = in.integer("member_id")
	return m, in, err
}

// changeMember invites, removes, and answers invitations: what it does follows from who is in the chat.
func (f *Face) changeMember(r *request) (any, error) {
	m, in, err := r.memberChange()
	if err != nil {
		return nil, err
	}
	if m.approve, err = in.optionalBoolean("approve", true); err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, m.user)
	if err != nil {
		return nil, err
	}
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, m.chat)
	if errors.Is(err, define.ErrRoomNotFound) {
		return done, f.answer(r, caller, m)
	}
	if err != nil {
		return nil, words{define.ErrRoomDissolved: errNotInChat}.in(err)
	}
	member, err := f.o.Accounts.ByNumber(r.ctx, m.member)
	if err != nil {
		return nil, words{define.ErrUserNotFound: errMember}.in(err)
	}
	roster, err := f.o.Rooms.Roster(r.ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	return done, f.change(r, caller, room, member, isIn(roster, member.Identity), m.approve)
}

func isIn(roster []service.Member, user string) bool {
	for _, member := range roster {
		if member.User.Identity == user {
			return true
		}
	}
	return false
}

// answer is what somebody can do with a chat that he is not in: answer an invitation of his own.
func (f *Face) answer(r *request, caller service.Caller, m memberChange) error {
	invitation, err := f.o.Rooms.Invited(r.ctx, caller, m.chat)
	switch {
	case err != nil:
		return words{define.ErrInvitationNotFound: errNotInChat}.in(err)
	case m.member != m.user:
		return errSituation
	case m.approve:
		_, err = f.o.Rooms.Approve(r.ctx, caller, invitation.Identity)
	default:
		_, err = f.o.Rooms.Decline(r.ctx, caller, invitation.Identity)
	}
	return err
}

func (f *Face) change(r *request, caller service.Caller, room service.Room, member service.User, isMember, approve bool) error {
	switch {
	case isMember && approve:
		return nil
	case isMember:
		err := f.o.Rooms.RemoveMember(r.ctx, caller, room.Identity, member.Identity)
		return words{
			define.ErrForbidden: errKick, define.ErrAdminOnly: errKick, define.ErrOwnerLeaves: errKick, define.ErrPrivateRoom: errKick,
			define.ErrMemberNotFound: errMemberChat,
		}.in(err)
	case !approve:
		return errSituation
	}
	_, err := f.o.Rooms.AddMembers(r.ctx, caller, room.Identity, service.MembersInput{Members: []string{member.Identity}, Ask: true, Once: true})
	if errors.Is(err, define.ErrAlreadyMember) || errors.Is(err, define.ErrInvitationOpen) {
		return errSituation // he is invited already
	}
	return err
}

// changePrivilege gives a member another role, or the chat another owner.
func (f *Face) changePrivilege(r *request) (any, error) {
	m, in, err := r.memberChange()
	if err != nil {
		return nil, err
	}
	if m.changeTo, err = in.text("change_to", ""); err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, m.user)
	if err != nil {
		return nil, err
	}
	room, err := f.chat(r, caller, m.chat, errNotInChat)
	if err != nil {
		return nil, err
	}
	member, err := f.o.Accounts.ByNumber(r.ctx, m.member)
	if err != nil {
		return nil, words{define.ErrUserNotFound: errMember}.in(err)
	}
	switch m.changeTo {
	case "member", "admin":
		_, err = f.o.Rooms.SetRole(r.ctx, caller, room.Identity, member.Identity, service.RoleInput{Role: m.changeTo, AdminsMax: adminsMax, Say: true})
	case "owner":
		if member.Identity == room.Owner {
			return nil, errPrivilege
		}
		_, err = f.o.Rooms.Transfer(r.ctx, caller, room.Identity, service.OwnerInput{User: member.Identity})
	default:
		return nil, badRequest("Invalid change_to parameter: " + m.changeTo)
	}
	return done, words{
		define.ErrMemberNotFound: errMemberChat, define.ErrOwnerOnly: errPrivilege, define.ErrForbidden: errPrivilege, define.ErrPrivateRoom: errPrivilege,
		define.ErrAdminsFull: precondition("There are already 3 admins"),
	}.in(err)
}
