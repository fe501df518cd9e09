package instant

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/middleware"
	"parlor/service"
)

// function serves one frame and returns what the client is answered.
type function func(ctx context.Context, k *client, frame []byte) ([]any, error)

// functions are all that a client of /wsconnect can ask for, by the names that the published server and its document give
// them.
var functions = map[string]function{
	"heartbeat":              with(heartbeat),
	"add_channel":            with(addChannel),
	"apply":                  with(apply),
	"confirm":                with(confirm),
	"decline":                with(decline),
	"fetchapplylist":         with(fetchApplyList),
	"fetchreceivelist":       with(fetchReceiveList),
	"fetchfriendlist":        with(fetchFriendList),
	"fetch_room":             with(fetchRooms),
	"fetchRoomList":          with(fetchRooms),
	"fetch_roominfo":         with(fetchRoomInfo),
	"fetch_invite_list":      with(fetchInviteList),
	"fetch_message":          with(fetchMessage),
	"add_chat":               with(addChat),
	"leave_chat":             with(leaveChat),
	"send_message":           with(sendMessage),
	"acknowledge_message":    with(acknowledgeMessage),
	"read_message":           with(readMessage),
	"withdraw_message":       with(withdrawMessage),
	"delete_message":         with(deleteMessage),
	"create_group":           with(createGroup),
	"delete_chat_group":      with(deleteGroup),
	"appoint_manager":        with(appointManager),
	"remove_manager":         with(removeManager),
	"transfer_master":        with(transferMaster),
	"add_group_member":       with(addGroupMember),
	"remove_group_member":    with(removeGroupMember),
	"leave_group":            with(leaveGroup),
	"reply_add_group":        with(replyAddGroup),
	"revise_is_top":          with(reviseIsTop),
	"revise_is_notice":       with(reviseIsNotice),
	"revise_is_specific":     with(reviseIsSpecific),
	"examine_password_twice": with(examinePassword),
	"refresh":                with(refresh),
}

// forStrangers are the functions for which a client need not have said who it is.
var forStrangers = map[string]bool{"heartbeat": true, "add_channel": true, "acknowledge_message": true}

// with makes a function of one that takes its frame decoded.
func with[In any](f func(context.Context, *client, In) ([]any, error)) function {
	return func(ctx context.Context, k *client, frame []byte) ([]any, error) {
		var in In
		if err := decode(frame, &in); err != nil {
			return nil, err
		}
		return f(ctx, k, in)
	}
}

// said is an answer in words.
type said struct {
	Function string `json:"function"`
	Message  string `json:"message"`
}

// refusedWith is a refusal in the words of one function.
type refusedWith string

func (r refusedWith) Error() string { return string(r) }

// silence is a refusal of which a client hears nothing.
const silence = refusedWith("")

// What several functions refuse with.
const (
	errStranger   = refusedWith("Token Error")
	errPermission = refusedWith("Permission denied")
	errNoUser     = refusedWith("User not found")
	errNotMaster  = refusedWith("You are not the group master")
)

// words are those of the published server for what the core refuses.
var words = []struct {
	err error
	say refusedWith
}{
	{define.ErrRoomNotFound, "Group not found"},
	{define.ErrRoomDissolved, "Group not found"},
	{define.ErrPrivateRoom, silence},
	{define.ErrOwnerOnly, errNotMaster},
	{define.ErrAdminOnly, errPermission},
	{define.ErrForbidden, errPermission},
	{define.ErrMemberNotFound, "User is not in the group"},
	{define.ErrUserNotFound, errNoUser},
	{define.ErrAlreadyMember, "User is already in the group"},
	{define.ErrInvitationClosed, "Message Already Replied"},
}

// refusal words an error for a client. What is our fault is logged here and nowhere else.
func (k *client) refusal(function string, err error) []any {
	own := refusedWith("")
	if errors.As(err, &own) {
		if own == silence {
			return nil
		}
		return []any{said{function, string(own)}}
	}
	for _, w := range words {
		if errors.Is(err, w.err) {
			return k.refusal(function, w.say)
		}
	}
	refusal, expected := middleware.Refusal(err)
	if !expected {
		caller := k.caller()
		k.server.o.Log.Error("a function failed",
			"function", function, "error", err, "user", caller.User, "session", caller.Session, "request_id", k.conn.RequestID)
	}
	return []any{said{function, worded(refusal, k.conn.Language)}}
}

type (
	heartbeatInput struct{}
	confirmed      struct {
		Function string `json:"function"`
	}
)

func heartbeat(context.Context, *client, heartbeatInput) ([]any, error) {
	return []any{confirmed{"heartbeatconfirm"}}, nil
}

type nameInput struct {
	Username string `json:"username"`
	Token    token  `json:"token"`
}

// addChannel says who is there. A socket stays whose it is.
func addChannel(ctx context.Context, k *client, in nameInput) ([]any, error) {
	if k.known() {
		if _, err := k.self(ctx, in.Username); err != nil {
			return nil, err
		}
		return nil, nil
	}
	return nil, k.join(ctx, in)
}

// self returns the caller where a name is his, or is not given.
func (k *client) self(ctx context.Context, name string) (service.Caller, error) {
	caller := k.caller()
	if name == "" {
		return caller, nil
	}
	user, err := k.server.o.Accounts.ByAccount(ctx, name)
	if err == nil && user.Identity != caller.User {
		err = errStranger
	}
	return caller, err
}
