package define

// What the server pushes over /ws.
const (
	EventReady           = "ready"
	EventMessageNew      = "message.new"
	EventRoomRead        = "room.read"
	EventRoomTyping      = "room.typing"
	EventRoomCreated     = "room.created"
	EventRoomUpdated     = "room.updated"
	EventRoomDissolved   = "room.dissolved"
	EventMemberLeft      = "member.left"
	EventMemberUpdated   = "member.updated"
	EventFriendRequested = "friend.requested"
	EventFriendAccepted  = "friend.accepted"
	EventFriendDeclined  = "friend.declined"
	EventFriendRemoved   = "friend.removed"
	EventPresence        = "presence"
	EventSessionEnded    = "session.ended"
)

// What a client asks over /ws.
const (
	OpMessageSend = "message.send"
	OpRoomRead    = "room.read"
	OpRoomTyping  = "room.typing"
	OpSync        = "sync"
	OpPresenceGet = "presence.get"
	OpPing        = "ping"
	OpOK          = "ok"
	OpError       = "error"
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
