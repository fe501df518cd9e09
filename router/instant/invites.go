package instant

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"parlor/define"
	"parlor/service"
	"parlor/service/hub"
)

// invitationsMost is how many invitations of one room are looked through, the newest.
const invitationsMost = 1_000

// What has become of an invitation.
const (
	answerNone     = -1
	answerDeclined = 0
	answerApproved = 1
)

type (
	// invited is an invitation, which these clients know as a message.
	invited struct {
		Body        string  `json:"msg_body"` // whom
		MsgID       int64   `json:"msg_id"`
		Type        string  `json:"msg_type"`
		Time        string  `json:"msg_time"`
		Sender      string  `json:"sender"`
		Avatar      string  `json:"avatar"` // of who is invited
		CombineList []int64 `json:"combine_list"`
		ReadList    []bool  `json:"read_list"`
		DeleteList  []bool  `json:"delete_list"`
		Answer      int     `json:"msg_answer"`
	}
	invitedRoom struct {
		RoomID     int64     `json:"roomid"`
		Name       string    `json:"roomname"`
		IsNotice   bool      `json:"is_notice"`
		IsTop      bool      `json:"is_top"`
		Messages   []invited `json:"message_list"`
		IsPrivate  bool      `json:"is_private"`
		IsSpecific bool      `json:"is_specific"`
	}
	inviteList struct {
		Function string        `json:"function"` // fetchinvitelist
		Rooms    []invitedRoom `json:"room_list"`
	}
	// invitation is the answer to who has invited somebody.
	invitation struct {
		said
		MessageID int64 `json:"message_id"`
	}
)

// firstInvitation is below the number of every invitation and above that of every message.
const firstInvitation = 1 << 50

// invitationNumber is how the clients know an invitation: the moment at which it was made, and ten bits that keep apart
// those of one millisecond. Both come from its identity (RFC 9562, 5.7). No message has such a number, nor a part of one.
func invitationNumber(identity string) int64 {
	raw, err := hex.DecodeString(strings.ReplaceAll(identity, "-", ""))
	if err != nil || len(raw) != 16 {
		return 0
	}
	number := int64(0)
	for _, b := range raw[:6] {
		number = number<<8 | int64(b)
	}
	return number<<10 | int64(raw[14])<<2&0x3fc | int64(raw[15])&0x3
}

// invite asks somebody into the open room. Who leads the room brings him in at once, and the message that says so is his
// invitation; anybody else's waits for those who do.
func (k *client) invite(ctx context.Context, name string) ([]any, error) {
	const answered = "send_message_invite"
	s, caller := k.server, k.caller()
	user, err := s.o.Accounts.ByAccount(ctx, name)
	if err != nil {
		return k.refusal(answered, err), nil
	}
	added, err := s.o.Rooms.AddMembers(ctx, caller, k.room, service.MembersInput{Members: []string{user.Identity}})
	if errors.Is(err, define.ErrPrivateRoom) {
		err = errPermission
	}
	if err != nil {
		return k.refusal(answered, err), nil
	}
	success := said{answered, "Invite Member Success"}
	switch {
	case added.Message != 0:
		return []any{acknowledged{"Ack2", added.Message}, invitation{success, added.Message}}, nil
	case len(added.Invitations) == 0:
		return k.refusal(answered, define.ErrInvitationOpen), nil
	}
	asked := added.Invitations[0]
	places, err := s.o.Rooms.Places(ctx, caller, k.room)
	if err != nil {
		return nil, err
	}
	number := invitationNumber(asked.Identity)
	return []any{acknowledged{"Ack2", number}, invitation{success, number}, pushedInvitation(&asked, places)}, nil
}

// pushedInvitation shows an invitation as a new message.
func pushedInvitation(i *service.Invitation, places service.Places) pushed {
	return pushed{
		Function: "Msg", MsgID: invitationNumber(i.Identity), Body: nameOf(&i.Invitee), Time: clock(i.CreatedAt), Type: typeInvite,
		Sender: nameOf(&i.Inviter), ReplyID: -1, CombineList: []int64{}, RoomID: places.Number, Avatar: avatarOf(&i.Inviter),
		ReadList: marks(places.Members, i.Inviter.Identity), DeleteList: make([]bool, len(places.Members)),
	}
}

// marks is a read list of which one member alone has read.
func marks(members []service.User, reader string) []bool {
	list := make([]bool, len(members))
	if i := indexOf(members, reader); i >= 0 {
		list[i] = true
	}
	return list
}

// invitationFrame tells those who lead a room of somebody who waits.
func (s *Server) invitationFrame(i service.Invitation) hub.Frame {
	return s.forViewer(func(ctx context.Context, viewer service.Caller) ([]any, error) {
		places, err := s.o.Rooms.Places(ctx, viewer, i.RoomIdentity)
		if err != nil {
			return nil, err
		}
		list, err := s.inviteList(ctx, viewer)
		return []any{pushedInvitation(&i, places), list}, err
	})
}

func fetchInviteList(_ context.Context, k *client, _ nameInput) ([]any, error) {
	return []any{k.server.fresh(listInvites)}, nil
}

// inviteList returns the invitations of the groups that a caller leads, the oldest first.
func (s *Server) inviteList(ctx context.Context, caller service.Caller) (any, error) {
	rooms, err := collect(define.SnapshotRooms, func(p service.Page) (service.List[service.Room], error) {
		return s.o.Rooms.List(ctx, caller, p)
	})
	if err != nil {
		return nil, err
	}
	list := inviteList{"fetchinvitelist", []invitedRoom{}}
	for i := range rooms {
		room := &rooms[i]
		if room.Kind == define.RoomPrivate || room.Me.Role == define.RoleMember {
			continue
		}
		messages, err := s.invitedInto(ctx, caller, room.Identity)
		if refusal(err) {
			continue // leads it no more
		}
		if err != nil {
			return nil, err
		}
		list.Rooms = append(list.Rooms, invitedRoom{
			RoomID: room.Number, Name: room.Name, IsNotice: !room.Me.Muted, IsTop: room.Me.Pinned, Messages: messages, IsSpecific: room.Me.Locked,
		})
	}
	return list, nil
}

func (s *Server) invitedInto(ctx context.Context, caller service.Caller, room string) ([]invited, error) {
	page, err := s.o.Rooms.Invitations(ctx, caller, room, service.Page{Limit: define.PageMax})
	if err != nil {
		return nil, err
	}
	places, err := s.o.Rooms.Places(ctx, caller, room)
	if err != nil {
		return nil, err
	}
	messages := []invited{}
	for _, i := range slices.Backward(page.Items) {
		if i.Awaits != define.AwaitsApproval {
			continue // its invitee decides, on another way in
		}
		messages = append(messages, invited{
			Body: nameOf(&i.Invitee), MsgID: invitationNumber(i.Identity), Type: typeInvite, Time: clock(i.CreatedAt), Sender: nameOf(&i.Inviter),
			Avatar: avatarOf(&i.Invitee), CombineList: []int64{}, ReadList: marks(places.Members, i.Inviter.Identity),
			DeleteList: make([]bool, len(places.Members)), Answer: answerOf(&i),
		})
	}
	return messages, nil
}

func answerOf(i *service.Invitation) int {
	switch i.State {
	case define.InvitationPending:
		return answerNone
	case define.InvitationApproved:
		return answerApproved
	}
	return answerDeclined
}

type replyInput struct {
	ChatroomID number `json:"chatroom_id"`
	MessageID  number `json:"message_id"`
	Answer     *truth `json:"answer"` // 1 or 0
}

// replyAddGroup decides who comes in.
func replyAddGroup(ctx context.Context, k *client, in replyInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.group(ctx, in.ChatroomID)
	if err != nil {
		return nil, err
	}
	approved, err := in.Answer.given("answer")
	if err != nil {
		return nil, err
	}
	if m, err := s.o.Messages.Get(ctx, caller, int64(in.MessageID)); err == nil {
		if c, shown := shownAs(&m, s.namer(ctx)); shown && c.kind == typeInvite {
			return nil, define.ErrInvitationClosed // whom it is about came in with it
		}
		return nil, refusedWith("Message Type Error")
	} else if !refusal(err) {
		return nil, err
	}
	asked, err := s.invitation(ctx, caller, room.Identity, int64(in.MessageID))
	if err != nil {
		return nil, err
	}
	decide := s.o.Rooms.Decline
	if approved {
		decide = s.o.Rooms.Approve
	}
	if _, err := decide(ctx, caller, asked.Identity); err != nil {
		return nil, err
	}
	return []any{said{"reply_add_group", "Reply Add Group Success"}}, nil
}

// invitation finds an invitation into a room by its number, for those who lead it.
func (s *Server) invitation(ctx context.Context, caller service.Caller, room string, number int64) (service.Invitation, error) {
	all, err := collect(invitationsMost, func(p service.Page) (service.List[service.Invitation], error) {
		return s.o.Rooms.Invitations(ctx, caller, room, p)
	})
	if err != nil {
		return service.Invitation{}, err
	}
	for _, i := range all {
		if i.Awaits == define.AwaitsApproval && invitationNumber(i.Identity) == number {
			return i, nil
		}
	}
	return service.Invitation{}, refusedWith("Message Type Error")
}
