// Package define is the vocabulary of Parlor: error codes, event names, roles, message types, limits and the
// configuration. It imports nothing of the project.
package define

import "time"

// Kinds of rooms.
const (
	RoomPrivate = "private"
	RoomGroup   = "group"
)

// Roles of a room's members.
const (
	RoleOwner  = "owner"
	RoleAdmin  = "admin"
	RoleMember = "member"
)

// How one gets into a group.
const (
	JoinInvite   = "invite"
	JoinApproval = "approval"
	JoinOpen     = "open"
)

// What a newcomer of a group sees of the time before him.
const (
	HistoryJoined = "joined"
	HistoryAll    = "all"
)

// Types of messages.
const (
	MessageText   = "text"
	MessageImage  = "image"
	MessageAudio  = "audio"
	MessageVideo  = "video"
	MessageFile   = "file"
	MessageMerged = "merged"
	MessageNotice = "notice"
	MessageSystem = "system"
)

// FormatJSON is the format of a message whose data is a JSON value: something that programs have agreed on, as against
// plain text.
const FormatJSON = "json"

// MentionAll stands in a message's mentions for every member.
const MentionAll = "all"

// States of a friend request.
const (
	RequestPending  = "pending"
	RequestAccepted = "accepted"
	RequestDeclined = "declined"
	RequestExpired  = "expired"
)

// States of an invitation.
const (
	InvitationPending  = "pending"
	InvitationApproved = "approved"
	InvitationDeclined = "declined"
)

// What an invitation waits for.
const (
	AwaitsApproval = "approval" // of the owner or an admin
	AwaitsConsent  = "consent"  // of the invitee
)

// Kinds of notifications.
const (
	NotifyFriendRequest   = "friend.requested"
	NotifyFriendAccepted  = "friend.accepted"
	NotifyFriendDeclined  = "friend.declined"
	NotifyInvitation      = "invitation.pending" // to owner and admins, or to the invitee: somebody waits for their approval, or for his consent
	NotifyFriendRemoved   = "friend.removed"     // of friendships that were ended over a way in that tells of it
	NotifyInvitationEnded = "invitation.decided" // to inviter and invitee
	NotifyAdded           = "member.joined"      // to who was added to a group
	NotifyRemoved         = "member.left"        // to who was removed from one
	NotifyRole            = "member.updated"     // to whose role was changed, the new owner among them
	NotifyDissolved       = "room.dissolved"
	NotifyAnnouncement    = "announcement.new"
	NotifyMention         = "message.mentioned"
)

// What a call carries.
const (
	MediaAudio = "audio"
	MediaVideo = "video"
)

// States of a call.
const (
	CallRinging = "ringing" // nobody has answered yet
	CallActive  = "active"
	CallEnded   = "ended"
)

// States of a call's participants.
const (
	ParticipantRinging  = "ringing"
	ParticipantJoined   = "joined"
	ParticipantDeclined = "declined"
	ParticipantBusy     = "busy"   // was in another call
	ParticipantMissed   = "missed" // did not answer while it rang
	ParticipantLeft     = "left"
)

// Why a call is over.
const (
	ReasonCompleted = "completed" // it was answered, and its participants have left
	ReasonNoAnswer  = "no_answer"
	ReasonDeclined  = "declined"
	ReasonBusy      = "busy"
	ReasonCancelled = "cancelled" // the caller has left before anybody answered
	ReasonFailed    = "failed"    // the connection was lost, or the server stopped
)

// How forwarding puts several messages into a room.
const (
	ForwardEach   = "each"
	ForwardMerged = "merged"
)

// What system messages tell beside Event….
const (
	SystemOwner   = "room.owner"   // somebody has handed the room over
	SystemRenamed = "room.renamed" // somebody has changed the room's name
	SystemRole    = "member.role"  // somebody has given a member another role, over a way in that tells of it
)

// GroupUngrouped is where a friend stands who is in no group (seed 000: Friendship.group).
const GroupUngrouped = "ungrouped"

// AccountSystem can't be taken: under this name clients of seed 000 know what the server itself has to say.
const AccountSystem = "system"

// DefaultDescription is what a user says of himself before he has said anything (seed 000: User.description).
const DefaultDescription = "这个人很懒,什么都没留下"

// Limits that are part of the contract.
const (
	PageDefault     = 50
	PageMax         = 100
	SyncPerRoom     = 200                 // messages of a room in one sync
	SyncTotal       = 2_000               // messages in one sync: the rest of the rooms say `more`
	SyncBytes       = 1 << 20             // bytes of their texts, likewise
	PasswordMin     = 8                   // characters of a new password
	PasswordFloor   = 6                   // of one that comes through a face whose own rule asks for less than PasswordMin
	BodyMax         = 1 << 20             // bytes of a JSON body
	FrameMax        = 64 << 10            // bytes of a frame on /ws
	BrokenFramesMax = 10                  // broken frames in a row before a socket is closed
	SocketsPerLogin = 16                  // sockets of one session; one more replaces the oldest
	RequestLifetime = 30 * 24 * time.Hour // after which an unanswered friend request has expired
	PreviewMax      = 100                 // characters of last_message.data and of what a reply quotes
	RoomMembersMax  = 2_000               // members of a group
	MentionedMax    = 1_000               // unread mentions of a member that are counted
	ReactionsMax    = 20                  // different emoji on one message
	MergedBytesMax  = 1 << 20             // bytes of what one merged forward copies
	PixelsMax       = 64_000_000          // of an image; more is taken for a decompression bomb
	ThumbPixels     = 320                 // on the longer side of a thumbnail
	AvatarPixels    = 512                 // on the longer side of an avatar
	UploadsAtOnce   = 16                  // of one user
	FileNameMax     = 200                 // characters
	FilePlacesMax   = 10_000              // messages with one file in the rooms of one user that are looked at
	UnlockLifetime  = 30 * time.Minute    // for which a session may read a room that its user has locked
	CallMax         = 8                   // participants that are in one call: each sends to each
	CallRoomMax     = 50                  // members of a group in which one can call
	DescriptionMax  = 48 << 10            // bytes of a session description in a call.signal
	CandidateMax    = 4 << 10             // bytes of a candidate likewise
	PingEvery       = 30 * time.Second
	SilenceMax      = 75 * time.Second // after which a silent socket is closed
)

// UnlockAll stands for every room in what a session has unlocked.
const UnlockAll = "all"

// What snapshots show, to clients that take whole histories at once.
const (
	SnapshotRooms    = 500
	SnapshotMessages = 4_000   // in all rooms together
	SnapshotMarks    = 100_000 // messages times members of one room, since such clients mark each message for each member
	SnapshotMost     = 200     // messages of one room
	SnapshotLeast    = 20      // messages of one room, however many rooms or members there are
)
