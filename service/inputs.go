package service

import "encoding/json"

// What callers of the native ways in send. Each is checked by the service that takes it (validate.go); pointers are fields
// that may be left out, and `json:"-"` marks what only other ways in ask for. What they alone send stands beside the methods
// that take it.

// Page asks for a part of a list: Limit 1 to 100, 0 for the default of 50; Cursor is the Next of the page before.
type Page struct {
	Limit  int    `json:"limit" form:"limit" validate:"omitempty,min=1,max=100"`
	Cursor string `json:"cursor" form:"cursor" validate:"max=512"`
}

// PasswordRule goes with a new password.
type PasswordRule struct {
	// PasswordMin is how many characters it has at least: 0 is define.PasswordMin, and less than define.PasswordFloor is
	// that. It is for ways in whose clients were made for another rule.
	PasswordMin int `json:"-"`
}

// RegisterInput opens an account and its first session.
type RegisterInput struct {
	Account  string `json:"account" validate:"required,account"`
	Password string `json:"password" validate:"required,max=128"`
	PasswordRule
	Nickname string `json:"nickname" validate:"omitempty,max=50,line"`
	Email    string `json:"email" validate:"omitempty,email,max=100"`
	Device   string `json:"device" validate:"max=100"`
	// What some ways in ask for at once. Without a description it is define.DefaultDescription.
	Phone       string `json:"-" validate:"omitempty,max=32"`
	Description string `json:"-" validate:"omitempty,max=500"`
}

// LoginInput opens a session; one of Account and Email is needed.
type LoginInput struct {
	Account  string `json:"account" validate:"required_without=Email,max=100"`
	Email    string `json:"email" validate:"omitempty,email,max=100"`
	Password string `json:"password" validate:"required,max=128"`
	Device   string `json:"device" validate:"max=100"`
}

// ProfileInput changes what a user says of himself; what is left out stays.
type ProfileInput struct {
	Nickname    *string `json:"nickname" validate:"omitempty,min=1,max=50,line"`
	Sex         *int    `json:"sex" validate:"omitempty,oneof=0 1 2"`
	Phone       *string `json:"phone" validate:"omitempty,max=32"`
	Description *string `json:"description" validate:"omitempty,max=500"`
	Name        *string `json:"name" validate:"omitempty,max=64"`
	Birthday    *string `json:"birthday" validate:"omitempty,birthday"`
	Province    *string `json:"province" validate:"omitempty,max=32"`
	City        *string `json:"city" validate:"omitempty,max=32"`
	Avatar      *string `json:"avatar" validate:"omitempty,max=128"`
}

// AccountInput changes the name under which a user logs in.
type AccountInput struct {
	Account  string `json:"account" validate:"required,account"`
	Password string `json:"password" validate:"required,max=128"`
}

// PasswordInput changes a password.
type PasswordInput struct {
	OldPassword string `json:"old_password" validate:"required,max=128"`
	NewPassword string `json:"new_password" validate:"required,max=128"`
	PasswordRule
}

// EmailInput names an e-mail address.
type EmailInput struct {
	Email string `json:"email" validate:"required,email,max=100"`
}

// EmailCodeInput proves an e-mail address with the code that was sent to it.
type EmailCodeInput struct {
	Email string `json:"email" validate:"required,email,max=100"`
	Code  string `json:"code" validate:"required,len=6,numeric"`
}

// ResetInput sets a new password with a code that was sent to the account's e-mail address.
type ResetInput struct {
	Email       string `json:"email" validate:"required,email,max=100"`
	Code        string `json:"code" validate:"required,len=6,numeric"`
	NewPassword string `json:"new_password" validate:"required,max=128"`
	PasswordRule
}

// CancelInput confirms the end of an account.
type CancelInput struct {
	Password string `json:"password" validate:"required,max=128"`
}

// FriendRequestInput asks somebody, by identity or account, to be a friend.
type FriendRequestInput struct {
	To      string `json:"to" validate:"required,max=100"`
	Message string `json:"message" validate:"max=200"`
	Group   string `json:"-" validate:"omitempty,max=50,line"` // in which the caller wants the friend to stand
}

// FriendInput changes where a friend stands and what the caller calls him.
type FriendInput struct {
	Group  *string `json:"group" validate:"omitempty,min=1,max=50,line"`
	Remark *string `json:"remark" validate:"omitempty,max=50,eq=|line"`
}

// GroupInput names a group of friends.
type GroupInput struct {
	Name string `json:"name" validate:"required,min=1,max=50,line"`
}

// RoomInput makes a group.
type RoomInput struct {
	Name       string   `json:"name" validate:"required,min=1,max=50,line"`
	Info       string   `json:"info" validate:"max=500"`
	Members    []string `json:"members" validate:"max=500,dive,required,max=100"`
	JoinPolicy string   `json:"join_policy" validate:"omitempty,oneof=invite approval open"`
	History    string   `json:"history" validate:"omitempty,oneof=joined all"`
	Unique     bool     `json:"-"` // refuse a name that one of the caller's groups has already
	Ask        Ask      `json:"-"` // whom to ask for consent, who need not be a friend, instead of adding him
}

// RoomUpdateInput changes a group's profile and rules; what is left out stays.
type RoomUpdateInput struct {
	Name       *string `json:"name" validate:"omitempty,min=1,max=50,line"`
	Info       *string `json:"info" validate:"omitempty,max=500"`
	Avatar     *string `json:"avatar" validate:"omitempty,max=128"`
	JoinPolicy *string `json:"join_policy" validate:"omitempty,oneof=invite approval open"`
	History    *string `json:"history" validate:"omitempty,oneof=joined all"`
}

// MembersInput names who is to come into a group. Ask asks each of them for his consent instead of adding him.
type MembersInput struct {
	Members []string `json:"members" validate:"required,min=1,max=500,dive,required,max=100"`
	Ask     bool     `json:"ask"`
	Once    bool     `json:"-"` // refuse who is invited already, instead of passing over him
}

// RoleInput is a member's new role.
type RoleInput struct {
	Role      string `json:"role" validate:"required,oneof=admin member"`
	AdminsMax int    `json:"-"` // refuse one admin more than that; 0 for any number
	Say       bool   `json:"-"` // leave a system message in the room
}

// OwnerInput names a group's new owner.
type OwnerInput struct {
	User string `json:"user" validate:"required,max=100"`
}

// SilenceInput says for how many seconds a member can't write, 30 days at most; 0 ends it.
type SilenceInput struct {
	Seconds *int64 `json:"seconds" validate:"required,min=0,max=2592000"`
}

// JoinInput is the number of a group, and a word to those who decide.
type JoinInput struct {
	Number  int64  `json:"number" validate:"required,min=1"`
	Message string `json:"message" validate:"max=200"`
}

// AnnouncementInput is something to announce.
type AnnouncementInput struct {
	Content  string `json:"content" validate:"required,min=1,max=2000"`
	ClientID string `json:"client_id" validate:"omitempty,max=64,line"`
}

// RoomMeInput changes the caller's own side of a room; what is left out stays. Locked: false needs the password.
type RoomMeInput struct {
	Pinned   *bool   `json:"pinned"`
	Muted    *bool   `json:"muted"`
	Locked   *bool   `json:"locked"`
	Nickname *string `json:"nickname" validate:"omitempty,max=50,eq=|line"`
	Password string  `json:"password" validate:"max=128"`
	// Unlocked: a session that has the room unlocked unlocks it for good without the password, since its client has asked for it.
	Unlocked bool `json:"-"`
}

// UnlockInput is the caller's password.
type UnlockInput struct {
	Password string `json:"password" validate:"required,max=128"`
}

// ReadInput says how far the caller has read: 0 is nothing yet, as in a room in which nothing was said.
type ReadInput struct {
	Seq *int64 `json:"seq" validate:"required,min=0"`
}

// MessageInput is something to say. Data holds 1 to 8000 characters of plain text, or of what Format says; with a File, the
// identity of one of the caller's own, it is its caption and may be empty. Type then follows from the file where it is left out.
type MessageInput struct {
	Type     string   `json:"type" validate:"omitempty,oneof=text image audio video file"`
	Data     string   `json:"data" validate:"max=8000"`
	Format   string   `json:"format" validate:"omitempty,oneof=json"`
	File     string   `json:"file" validate:"max=100"`
	ReplyTo  int64    `json:"reply_to" validate:"omitempty,min=1"`
	Mentions []string `json:"mentions" validate:"max=500,dive,required,max=100"`
	ClientID string   `json:"client_id" validate:"omitempty,max=64,line"`
}

// EditInput is the new text of a message, or the caption of its file, which may be empty.
type EditInput struct {
	Data *string `json:"data" validate:"required,max=8000"`
}

// ForwardInput says which messages go into which rooms, one by one (`each`, the default) or `merged` into one.
type ForwardInput struct {
	Messages []int64  `json:"messages" validate:"required,min=1,max=100,unique,dive,min=1"`
	Rooms    []string `json:"rooms" validate:"required,min=1,max=20,dive,required,max=100"`
	Mode     string   `json:"mode" validate:"omitempty,oneof=each merged"`
	ClientID string   `json:"client_id" validate:"omitempty,max=64,line"`
}

// HistoryQuery asks for a page of a room: newest first below BeforeSeq (without it from the newest), or oldest first
// above AfterSeq.
type HistoryQuery struct {
	BeforeSeq *int64 `json:"before_seq" form:"before_seq" validate:"omitempty,min=1"`
	AfterSeq  *int64 `json:"after_seq" form:"after_seq" validate:"omitempty,min=0"`
	// The filters. Mentions can be "me".
	Sender   string   `json:"sender" validate:"max=100"`
	Type     []string `json:"type" validate:"max=8,dive,oneof=text image audio video file merged notice system"`
	From     *int64   `json:"from" validate:"omitempty,min=0"`
	To       *int64   `json:"to" validate:"omitempty,min=0"`
	Q        string   `json:"q" validate:"max=200"`
	Mentions string   `json:"mentions" validate:"omitempty,oneof=me"`
	Page
}

// SearchQuery asks for messages in all of the caller's rooms, or in one.
type SearchQuery struct {
	Q      string   `json:"q" validate:"required,max=200"`
	Room   string   `json:"room" validate:"max=100"`
	Sender string   `json:"sender" validate:"max=100"`
	Type   []string `json:"type" validate:"max=8,dive,oneof=text image audio video file merged notice system"`
	From   *int64   `json:"from" validate:"omitempty,min=0"`
	To     *int64   `json:"to" validate:"omitempty,min=0"`
	Page
}

// SyncInput says which message of each room a client saw last.
type SyncInput struct {
	Rooms map[string]int64 `json:"rooms" validate:"max=5000,dive,min=0"`
}

// NotificationsReadInput names the notifications to mark as read, or all of them.
type NotificationsReadInput struct {
	Identities []int64 `json:"identities" validate:"max=500,dive,min=1"`
	All        bool    `json:"all"`
}

// CallStartInput calls the members of a room.
type CallStartInput struct {
	Room  string `json:"room" validate:"required,max=100"`
	Media string `json:"media" validate:"required,oneof=audio video"`
}

// CallInput names a call.
type CallInput struct {
	Call string `json:"call" validate:"required,max=100"`
}

// CallSignalInput is a session description or a candidate of WebRTC for somebody in the same call. The server does not
// look into either; each is an object, of define.DescriptionMax and define.CandidateMax bytes at most.
type CallSignalInput struct {
	Call        string          `json:"call" validate:"required,max=100"`
	To          string          `json:"to" validate:"required,max=100"`
	Description json.RawMessage `json:"description"`
	Candidate   json.RawMessage `json:"candidate"`
}

// PresenceInput names friends.
type PresenceInput struct {
	Users []string `json:"users" validate:"required,max=500,dive,required,max=100"`
}

// TranslationInput asks for a text in another language. Without From the provider finds out which one the text is in.
type TranslationInput struct {
	Text string `json:"text" validate:"required,max=8000"`
	To   string `json:"to" validate:"required,language"`
	From string `json:"from" validate:"omitempty,language"`
}

// MessageTranslationInput asks for a message in another language.
type MessageTranslationInput struct {
	To   string `json:"to" validate:"required,language"`
	From string `json:"from" validate:"omitempty,language"`
}
