package service

// The shapes in which the API shows things (api.md). Times are Unix milliseconds.

// List is one page of anything. Next is the cursor of the following page, empty on the last one.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// User is what everybody may see of a user.
type User struct {
	Identity    string `json:"identity"`
	Number      int64  `json:"number"`
	Account     string `json:"account"`
	Nickname    string `json:"nickname"`
	Sex         int    `json:"sex"`
	Avatar      string `json:"avatar"`
	Description string `json:"description"`
	CreatedAt   int64  `json:"created_at"`
	// AvatarAddress is that of an avatar which is kept elsewhere. It is for ways in whose clients have nothing else: others
	// should not be made to ask a server that somebody names for them.
	AvatarAddress string `json:"-"`
	Cancelled     bool   `json:"cancelled,omitempty"`
}

// Me is what a user sees of himself.
type Me struct {
	User
	Email     string `json:"email"`
	Phone     string `json:"phone"`
	Name      string `json:"name"`
	Birthday  string `json:"birthday"`
	Username  string `json:"username,omitempty"`
	IDCardNum string `json:"id_card_num"`
	Province  string `json:"province"`
	City      string `json:"city"`
	UpdatedAt int64  `json:"updated_at"`
	LoginAt   int64  `json:"login_at"`
}

// Profile is a user as seen by one caller. RoomIdentity, Remark and Online are there for friends only.
type Profile struct {
	User
	IsFriend     bool    `json:"is_friend"`
	RoomIdentity *string `json:"room_identity,omitempty"`
	Remark       *string `json:"remark,omitempty"`
	Online       *bool   `json:"online,omitempty"`
}

// Token is a session's proof and the moment at which it stops being good.
type Token struct {
	Token     string `json:"token"`
	ExpiresAt int64  `json:"expires_at"`
}

// Login is the answer to a registration or login.
type Login struct {
	User Me `json:"user"`
	Token
}

// Session is one device of a user.
type Session struct {
	Identity  string `json:"identity"`
	Device    string `json:"device"`
	IP        string `json:"ip"`
	Current   bool   `json:"current"` // the session that asks
	Online    bool   `json:"online"`  // it has an open socket
	CreatedAt int64  `json:"created_at"`
	SeenAt    int64  `json:"seen_at"`
	ExpiresAt int64  `json:"expires_at"`
}

// Friend is a friend of the caller.
type Friend struct {
	User         User   `json:"user"`
	Group        string `json:"group"`
	Remark       string `json:"remark"`
	RoomIdentity string `json:"room_identity"`
	Online       bool   `json:"online"`
	CreatedAt    int64  `json:"created_at"`
}

// FriendRequest is somebody's wish to be friends; From and To are identities.
type FriendRequest struct {
	Identity  string `json:"identity"`
	From      string `json:"from"`
	To        string `json:"to"`
	Message   string `json:"message"`
	State     string `json:"state"`
	CreatedAt int64  `json:"created_at"`
	UpdatedAt int64  `json:"updated_at"`
}

// FriendRequestResult holds the new request, or the friend where the other's open request was accepted instead.
type FriendRequestResult struct {
	Request *FriendRequest
	Friend  *Friend
}

// FriendGroup is a name under which a user keeps friends.
type FriendGroup struct {
	Name      string `json:"name"`
	CreatedAt int64  `json:"created_at"`
	UpdatedAt int64  `json:"updated_at"`
}

// Room is a room as seen by one member.
type Room struct {
	Identity    string       `json:"identity"`
	Number      int64        `json:"number"`
	Kind        string       `json:"kind"`
	Name        string       `json:"name"`
	Info        string       `json:"info"`
	Avatar      string       `json:"avatar"`
	Owner       string       `json:"owner"`
	LastSeq     int64        `json:"last_seq"`
	LastMessage *LastMessage `json:"last_message"`
	MemberCount int          `json:"member_count"`
	JoinPolicy  string       `json:"join_policy"`
	History     string       `json:"history"`
	CreatedAt   int64        `json:"created_at"`
	UpdatedAt   int64        `json:"updated_at"`
	Me          *RoomMe      `json:"me,omitempty"`
	Peer        *User        `json:"peer,omitempty"`
	Closed      bool         `json:"-"` // private rooms: the two are friends no more
}

// LastMessage is the short copy of a room's newest message. Data holds at most define.PreviewMax characters.
type LastMessage struct {
	Identity   int64  `json:"identity"`
	Seq        int64  `json:"seq"`
	Sender     User   `json:"sender"`
	Type       string `json:"type"`
	Data       string `json:"data"`
	Format     string `json:"format,omitempty"`
	File       *File  `json:"file,omitempty"`
	RecalledAt int64  `json:"recalled_at,omitempty"`
	CreatedAt  int64  `json:"created_at"`
}

// RoomMe is the caller's own side of a room.
type RoomMe struct {
	Role          string `json:"role"`
	ReadSeq       int64  `json:"read_seq"`
	Unread        int64  `json:"unread"`
	Mentioned     int64  `json:"mentioned"`
	Pinned        bool   `json:"pinned"`
	Muted         bool   `json:"muted"`
	Locked        bool   `json:"locked"`
	Nickname      string `json:"nickname"`
	SilencedUntil int64  `json:"silenced_until"`
	SinceSeq      int64  `json:"since_seq"`
	ClearedSeq    int64  `json:"cleared_seq"`
}

// Member is one member of a room.
type Member struct {
	User          User   `json:"user"`
	Role          string `json:"role"`
	Nickname      string `json:"nickname"`
	ReadSeq       int64  `json:"read_seq"`
	ReadAt        int64  `json:"-"` // when ReadSeq last moved, 0 for never
	SilencedUntil int64  `json:"silenced_until"`
	Online        bool   `json:"online"`
	CreatedAt     int64  `json:"created_at"`
}

// Message is a message as its readers see it. ClientID is filled for its sender alone. A recalled one is written as
// RecalledMessage.
type Message struct {
	Identity      int64           `json:"identity"`
	RoomIdentity  string          `json:"room_identity"`
	Seq           int64           `json:"seq"`
	Sender        User            `json:"sender"`
	Type          string          `json:"type"`
	Data          string          `json:"data"`
	Format        string          `json:"format,omitempty"` // of the data: define.FormatJSON, or empty for plain text
	File          *File           `json:"file,omitempty"`
	ReplyTo       int64           `json:"reply_to,omitempty"`
	Reply         *Quote          `json:"reply,omitempty"`
	Merged        []MergedMessage `json:"merged,omitempty"`
	ForwardedFrom *ForwardedFrom  `json:"forwarded_from,omitempty"`
	Mentions      []string        `json:"mentions,omitempty"`
	ClientID      string          `json:"client_id,omitempty"`
	Reactions     []Reaction      `json:"reactions,omitempty"`
	EditedAt      int64           `json:"edited_at,omitempty"`
	RecalledAt    int64           `json:"recalled_at,omitempty"`
	RecalledBy    string          `json:"recalled_by,omitempty"`
	CreatedAt     int64           `json:"created_at"`
	UpdatedAt     int64           `json:"updated_at"`
}

// File is something that was uploaded, also as the short copy in a message. Width and Height are in pixels, as it is
// shown, Duration is in seconds; each is left out where it is not known. Thumb says whether there is a small picture.
type File struct {
	Identity string  `json:"identity"`
	Name     string  `json:"name"`
	Size     int64   `json:"size"`
	Mime     string  `json:"mime"`
	SHA256   string  `json:"sha256"`
	Width    int     `json:"width,omitempty"`
	Height   int     `json:"height,omitempty"`
	Duration float64 `json:"duration,omitempty"`
	Thumb    bool    `json:"thumb"`
}

// RecalledMessage is what is left of a recalled message.
type RecalledMessage struct {
	Identity     int64  `json:"identity"`
	RoomIdentity string `json:"room_identity"`
	Seq          int64  `json:"seq"`
	Sender       User   `json:"sender"`
	RecalledAt   int64  `json:"recalled_at"`
	RecalledBy   string `json:"recalled_by"`
}

// Quote is the short form of what a message replies to. Data holds at most define.PreviewMax characters, and none of a
// recalled message.
type Quote struct {
	Identity   int64  `json:"identity"`
	Seq        int64  `json:"seq"`
	Sender     User   `json:"sender"`
	Type       string `json:"type"`
	Data       string `json:"data"`
	File       *File  `json:"file,omitempty"`
	RecalledAt int64  `json:"recalled_at,omitempty"`
}

// MergedMessage is a message as it was when it was forwarded together with others.
type MergedMessage struct {
	Sender    User            `json:"sender"`
	Type      string          `json:"type"`
	Data      string          `json:"data"`
	File      *File           `json:"file,omitempty"`
	Merged    []MergedMessage `json:"merged,omitempty"`
	CreatedAt int64           `json:"created_at"`
}

// ForwardedFrom says which message a forwarded one repeats, and who said it first.
type ForwardedFrom struct {
	Identity int64 `json:"identity"`
	Sender   User  `json:"sender"`
}

// Reaction is an emoji with the identities of who has set it.
type Reaction struct {
	Emoji string   `json:"emoji"`
	Users []string `json:"users"`
}

// LockedMessage is what is pushed of a message to a user who has locked its room: only that something came.
type LockedMessage struct {
	Identity     int64  `json:"identity"`
	RoomIdentity string `json:"room_identity"`
	Seq          int64  `json:"seq"`
	Locked       bool   `json:"locked"`
	CreatedAt    int64  `json:"created_at"`
}

// MembersResult says who was added to a group, and whose invitation waits, for approval or for his consent.
type MembersResult struct {
	Added   []string `json:"added"`
	Pending []string `json:"pending"`

	Message     int64        `json:"-"` // the message of the system that tells of those added, 0 for none
	Invitations []Invitation `json:"-"` // the new ones of those pending
}

// Invitation is somebody's way into a group that waits for approval, or for his consent (define.Awaits…). Who asks to join
// is both inviter and invitee.
type Invitation struct {
	Identity     string `json:"identity"`
	RoomIdentity string `json:"room_identity"`
	RoomName     string `json:"room_name,omitempty"` // where it waits for the invitee's consent
	Inviter      User   `json:"inviter"`
	Invitee      User   `json:"invitee"`
	Message      string `json:"message"`
	Awaits       string `json:"awaits"`
	State        string `json:"state"`
	DecidedBy    string `json:"decided_by"`
	CreatedAt    int64  `json:"created_at"`
	UpdatedAt    int64  `json:"updated_at"`
}

// JoinResult holds the room, or the invitation where approval is needed.
type JoinResult struct {
	Room       *Room
	Invitation *Invitation
}

// Announcement is what the owner or an admin wants every member to know.
type Announcement struct {
	Identity        string `json:"identity"`
	RoomIdentity    string `json:"room_identity"`
	Sender          User   `json:"sender"`
	MessageIdentity int64  `json:"message_identity"` // the notice in the room
	Content         string `json:"content"`
	CreatedAt       int64  `json:"created_at"`
}

// Readers says who has read a message and who has not.
type Readers struct {
	Read   []User `json:"read"`
	Unread []User `json:"unread"`
}

// ForwardResult holds the messages that forwarding has made, room by room.
type ForwardResult struct {
	Items []Message `json:"items"`
}

// Notification tells the caller what has happened to him. Kind is one of define.Notify….
type Notification struct {
	Identity  int64               `json:"identity"`
	Sender    User                `json:"sender"`
	Kind      string              `json:"kind"`
	Content   NotificationContent `json:"content"`
	IsRead    bool                `json:"is_read"`
	CreatedAt int64               `json:"created_at"`
}

// NotificationContent names what a notification is about; which fields are there follows from its kind.
type NotificationContent struct {
	Room         string `json:"room,omitempty"`
	Message      int64  `json:"message,omitempty"`
	Request      string `json:"request,omitempty"`
	Invitation   string `json:"invitation,omitempty"`
	Announcement string `json:"announcement,omitempty"`
	Role         string `json:"role,omitempty"`
	State        string `json:"state,omitempty"`
	Awaits       string `json:"awaits,omitempty"`
}

// SyncResult is what a returning client has missed.
type SyncResult struct {
	Rooms []SyncRoom `json:"rooms"`
}

// SyncRoom holds the missed messages of one room, oldest first. More says that there are others behind them.
type SyncRoom struct {
	Identity string    `json:"identity"`
	LastSeq  int64     `json:"last_seq"`
	Items    []Message `json:"items"`
	More     bool      `json:"more"`
	Locked   bool      `json:"locked,omitempty"` // the caller must unlock it first
}

// PresenceResult names those of the users asked for who are friends and online.
type PresenceResult struct {
	Online []string `json:"online"`
}

// Call is a call in a room, under way or over.
type Call struct {
	Identity     string        `json:"identity"`
	RoomIdentity string        `json:"room_identity"`
	Caller       string        `json:"caller"` // identity of who started it
	Media        string        `json:"media"`
	State        string        `json:"state"`
	Reason       string        `json:"reason,omitempty"` // once it is over
	Participants []Participant `json:"participants"`
	CreatedAt    int64         `json:"created_at"`
	AnsweredAt   int64         `json:"answered_at,omitempty"`
	EndedAt      int64         `json:"ended_at,omitempty"`
}

// Participant is somebody who is called, or has joined a call by himself.
type Participant struct {
	User     User   `json:"user"`
	State    string `json:"state"`
	JoinedAt int64  `json:"joined_at,omitempty"`
	LeftAt   int64  `json:"left_at,omitempty"`
}

// ICEServers are the servers through which devices find and reach each other, as RTCPeerConnection takes them.
type ICEServers struct {
	ICEServers []ICEServer `json:"ice_servers"`
}

// ICEServer is one of them. Username and Credential are good for a while only.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Transcription is what is said in a recording. Language is a BCP 47 code, or empty where nobody knows it.
type Transcription struct {
	Text     string `json:"text"`
	Language string `json:"language"`
}

// Translation is a text in the language To. From is the language it was in, or empty where nobody knows it.
type Translation struct {
	Text string `json:"text"`
	From string `json:"from"`
	To   string `json:"to"`
}
