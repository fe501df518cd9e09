package define

// What the server pushes over /ws.
const (
	EventReady             = "ready"
	EventMessageNew        = "message.new"
	EventMessageEdited     = "message.edited"
	EventMessageRecalled   = "message.recalled"
	EventMessageReacted    = "message.reacted"
	EventMessageDeleted    = "message.deleted"
	EventRoomRead          = "room.read"
	EventRoomTyping        = "room.typing"
	EventRoomCreated       = "room.created"
	EventRoomUpdated       = "room.updated"
	EventRoomDissolved     = "room.dissolved"
	EventRoomMe            = "room.me"
	EventMemberJoined      = "member.joined"
	EventMemberLeft        = "member.left"
	EventMemberUpdated     = "member.updated"
	EventFriendRequested   = "friend.requested"
	EventFriendAccepted    = "friend.accepted"
	EventFriendDeclined    = "friend.declined"
	EventFriendRemoved     = "friend.removed"
	EventInvitationPending = "invitation.pending"
	EventInvitationDecided = "invitation.decided"
	EventAnnouncementNew   = "announcement.new"
	EventNotificationNew   = "notification.new"
	EventNotificationRead  = "notification.read"
	EventPresence          = "presence"
	EventCallRinging       = "call.ringing"
	EventCallAccepted      = "call.accepted"
	EventCallDeclined      = "call.declined"
	EventCallEnded         = "call.ended"
	EventCallSignal        = "call.signal"
	EventSessionEnded      = "session.ended"
)

// What a client asks over /ws.
const (
	OpMessageSend   = "message.send"
	OpMessageEdit   = "message.edit"
	OpMessageRecall = "message.recall"
	OpMessageDelete = "message.delete"
	OpMessageReact  = "message.react"
	OpRoomRead      = "room.read"
	OpRoomTyping    = "room.typing"
	OpSync          = "sync"
	OpPresenceGet   = "presence.get"
	OpCallStart     = "call.start"
	OpCallAccept    = "call.accept"
	OpCallDecline   = "call.decline"
	OpCallEnd       = "call.end"
	OpCallSignal    = "call.signal"
	OpPing          = "ping"
	OpOK            = "ok"
	OpError         = "error"
)

// Why a session ended, as session.ended says it.
const (
	EndedLogout    = "logout"
	EndedRevoked   = "revoked"
	EndedReplaced  = "replaced"
	EndedPassword  = "password_changed"
	EndedCancelled = "account_cancelled"
	EndedExpired   = "expired"
)
