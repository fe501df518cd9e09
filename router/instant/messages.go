package instant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// bodyMax is how many bytes of text a message holds: what the published server could keep.
const bodyMax = 375

// errNoRoom is for what is said while no room is open.
const errNoRoom = refusedWith("No chat is open")

type chatInput struct {
	RoomName string `json:"room_name"`
	RoomID   number `json:"room_id"`
}

// addChat opens a room: what is sent from now on goes there. Where it cannot be opened, none is open.
func addChat(ctx context.Context, k *client, in chatInput) ([]any, error) {
	k.room = ""
	room, err := k.server.o.Rooms.Find(ctx, k.caller(), int64(in.RoomID))
	if err == nil {
		k.room = room
	}
	if refusal(err) {
		err = silence
	}
	return nil, err
}

func leaveChat(_ context.Context, k *client, _ chatInput) ([]any, error) {
	k.room = ""
	return nil, nil
}

// acknowledgeMessage is what the clients say to each message. It moves nothing: read_message does.
func acknowledgeMessage(context.Context, *client, struct{}) ([]any, error) { return nil, nil }

type sendInput struct {
	Type        string   `json:"msg_type"`
	Body        string   `json:"msg_body"`
	ReplyID     number   `json:"reply_id"`
	CombineList []number `json:"combine_list"`
	TransroomID number   `json:"transroom_id"`
}

// sendMessage says something in the open room.
func sendMessage(ctx context.Context, k *client, in sendInput) ([]any, error) {
	switch {
	case k.room == "":
		return nil, errNoRoom
	case len(in.Body) > bodyMax:
		return nil, define.Invalid("msg_body", fmt.Sprintf("holds at most %d bytes", bodyMax), fmt.Sprintf("最多 %d 字节", bodyMax))
	}
	switch in.Type {
	case typeText:
		return k.store(ctx, service.MessageInput{Data: in.Body})
	case typeReply:
		return k.store(ctx, service.MessageInput{Data: in.Body, ReplyTo: int64(in.ReplyID)})
	case define.MessageImage, define.MessageAudio, define.MessageVideo, define.MessageFile:
		return k.storeFile(ctx, in)
	case typeCombine:
		return k.combine(ctx, in)
	case typeNotice:
		return k.announce(ctx, in)
	case typeInvite:
		return k.invite(ctx, in.Body)
	}
	return nil, define.Invalid("msg_type", "is not a type of message", "不是支持的消息类型")
}

// store stores a message and answers with its number. The message itself takes its place among what the connection is
// sent at the moment at which it takes its place in the room.
func (k *client) store(ctx context.Context, in service.MessageInput) ([]any, error) {
	type outcome struct {
		message service.Message
		err     error
	}
	told := make(chan outcome, 1)
	k.server.o.Messages.Submit(ctx, k.caller(), k.room, in, func(m service.Message, _ bool, err error) {
		if err == nil {
			k.conn.Send(k.server.messageFrame(define.EventMessageNew, m))
		}
		told <- outcome{m, err}
	})
	sent := <-told
	if sent.err != nil {
		return nil, sent.err
	}
	return []any{acknowledged{"Ack2", sent.message.Identity}}, nil
}

// storeFile sends a file that was uploaded before; the body is its address. Whatever is not of the type that the client
// says it is, is sent as a file.
func (k *client) storeFile(ctx context.Context, in sendInput) ([]any, error) {
	file := fileOf(in.Body)
	if file == "" {
		return nil, define.Invalid("msg_body", "must be the address of a file that was uploaded", "必须是已上传文件的地址")
	}
	answers, err := k.store(ctx, service.MessageInput{Type: in.Type, File: file})
	if errors.Is(err, define.ErrInvalid) && in.Type != define.MessageFile {
		return k.store(ctx, service.MessageInput{Type: define.MessageFile, File: file})
	}
	return answers, err
}

// combine forwards messages together, into any room of the caller's.
func (k *client) combine(ctx context.Context, in sendInput) ([]any, error) {
	caller := k.caller()
	room, err := k.server.o.Rooms.Find(ctx, caller, int64(in.TransroomID))
	if err != nil {
		return nil, err
	}
	forward := service.ForwardInput{Rooms: []string{room}, Mode: define.ForwardMerged}
	for _, n := range in.CombineList {
		forward.Messages = append(forward.Messages, int64(n))
	}
	result, err := k.server.o.Messages.Forward(ctx, caller, forward)
	if err != nil {
		return nil, err
	}
	return []any{acknowledged{"Ack2", result.Items[0].Identity}}, nil
}

func (k *client) announce(ctx context.Context, in sendInput) ([]any, error) {
	announcement, err := k.server.o.Rooms.Announce(ctx, k.caller(), k.room, service.AnnouncementInput{Content: in.Body})
	if errors.Is(err, define.ErrPrivateRoom) {
		err = errPermission
	}
	if err != nil {
		return nil, err
	}
	return []any{acknowledged{"Ack2", announcement.MessageIdentity}}, nil
}

type readInput struct {
	ChatroomID number   `json:"chatroom_id"`
	Messages   []number `json:"read_message_list"`
	ReadUser   string   `json:"read_user"`
}

// readMessage moves the caller's read position up to the newest of the messages that he names. The room hears of it from
// the hub; where nothing has moved, the caller alone has his answer.
func readMessage(ctx context.Context, k *client, in readInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := s.o.Rooms.ByNumber(ctx, caller, int64(in.ChatroomID))
	if refusal(err) {
		return nil, silence // the clients ask this of room 0 before they have opened one
	}
	if err != nil {
		return nil, err
	}
	newest, err := s.newestOf(ctx, caller, room.Identity, in.Messages)
	if err != nil {
		return nil, err
	}
	if newest > room.Me.ReadSeq {
		_, err := s.o.Rooms.Read(ctx, caller, room.Identity, service.ReadInput{Seq: &newest})
		return nil, err
	}
	places, err := s.o.Rooms.Places(ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	read := make([]int64, len(in.Messages))
	for i, n := range in.Messages {
		read[i] = int64(n)
	}
	return []any{readBy{"read_message", s.namer(ctx)(caller.User), room.Number, read, indexOf(places.Members, caller.User)}}, nil
}

// newestOf returns the place in a room of the newest of some messages, 0 where none of them can be read there. Numbers of
// messages rise with their places but where several processes hand them out, and the clients name them in order. They name
// invitations, too, which have no place.
func (s *Server) newestOf(ctx context.Context, caller service.Caller, room string, messages []number) (int64, error) {
	messages = slices.DeleteFunc(slices.Clone(messages), func(n number) bool { return n >= firstInvitation })
	if len(messages) == 0 {
		return 0, nil
	}
	newest := int64(0)
	for _, n := range []number{slices.Max(messages), messages[len(messages)-1]} {
		m, err := s.o.Messages.Get(ctx, caller, int64(n))
		if err != nil && !refusal(err) {
			return 0, err
		}
		if err == nil && m.RoomIdentity == room {
			newest = max(newest, m.Seq)
		}
	}
	return newest, nil
}

type messageInput struct {
	MsgID    number `json:"msg_id"`
	FatherID number `json:"father_id"`
}

// withdrawMessage recalls a message. What the client says of its own rights counts for nothing.
func withdrawMessage(ctx context.Context, k *client, in messageInput) ([]any, error) {
	m, err := k.server.o.Messages.Recall(ctx, k.caller(), int64(in.MsgID))
	if errors.Is(err, define.ErrPastRecall) {
		return []any{aboutMessage{"withdraw_overtime", int64(in.MsgID)}}, nil
	}
	if err != nil {
		return nil, err
	}
	places, err := k.server.o.Rooms.Places(ctx, k.caller(), m.RoomIdentity)
	return []any{withdrawn{"withdraw_message", m.Identity, places.Number}}, err
}

func deleteMessage(ctx context.Context, k *client, in messageInput) ([]any, error) {
	if err := k.server.o.Messages.Delete(ctx, k.caller(), int64(in.MsgID)); err != nil {
		return nil, err
	}
	return []any{aboutMessage{"delete_message", int64(in.MsgID)}}, nil
}

type (
	// part is a message of a forward, or a part of one that was forwarded.
	part struct {
		MsgID       int64   `json:"msg_id"`
		Type        string  `json:"msg_type"`
		Time        string  `json:"msg_time"`
		Body        string  `json:"msg_body"`
		Sender      string  `json:"sender"`
		ReadList    []bool  `json:"read_list"`
		DeleteList  []bool  `json:"delete_list"`
		CombineList []int64 `json:"combine_list"`
		ReplyID     int64   `json:"reply_id"`

		avatar string
	}
	forwarded struct {
		Function string `json:"function"` // fetchmessage
		FatherID int64  `json:"father_id"`
		Parts    []part `json:"message_info_list"`
	}
)

// fetchMessage returns the parts of a forward that the caller can read.
func fetchMessage(ctx context.Context, k *client, in messageInput) ([]any, error) {
	father := int64(cmp.Or(in.FatherID, in.MsgID))
	m, err := k.server.o.Messages.Get(ctx, k.caller(), father)
	if err != nil {
		return nil, err
	}
	parts := []part{}
	for i, id := range partsOf(&m) {
		parts = append(parts, partOfMerged(&m.Merged[i], id))
	}
	return []any{forwarded{"fetchmessage", father, parts}}, nil
}

// nested is what is shown of a forward inside a forward, which the clients cannot open.
const nested = "[聊天记录]"

func partOfMerged(m *service.MergedMessage, id int64) part {
	body := m.Data
	if m.File != nil {
		body = fileAddress(m.File)
	}
	p := part{
		MsgID: id, Type: m.Type, Time: clock(m.CreatedAt), Body: body, Sender: nameOf(&m.Sender),
		ReadList: []bool{}, DeleteList: []bool{}, CombineList: []int64{}, avatar: avatarOf(&m.Sender),
	}
	if m.Type == define.MessageMerged {
		p.Type, p.Body = typeCombine, nested
	}
	return p
}

// part returns a message, or a part of a forward, by its number, to whoever may read it.
func (s *Server) part(ctx context.Context, caller service.Caller, id int64) (part, error) {
	father, place, isPart := partOf(id)
	if !isPart {
		father = id
	}
	m, err := s.o.Messages.Get(ctx, caller, father)
	if err != nil {
		return part{}, err
	}
	if isPart {
		if place >= len(m.Merged) {
			return part{}, define.ErrMessageNotFound
		}
		return partOfMerged(&m.Merged[place], id), nil
	}
	c, shown := shownAs(&m, s.namer(ctx))
	if !shown {
		return part{}, define.ErrMessageNotFound
	}
	return part{
		MsgID: m.Identity, Type: c.kind, Time: clock(m.CreatedAt), Body: c.body, Sender: nameOf(&m.Sender), avatar: avatarOf(&m.Sender),
	}, nil
}

type partsInput struct {
	signed
	CombineList []number `json:"combine_list"`
}

type (
	fetched struct {
		outcome
		MsgID  int64  `json:"msg_id"`
		Body   string `json:"msg_body"`
		Time   string `json:"msg_time"`
		Type   string `json:"msg_type"`
		Sender string `json:"msg_sender"`
		Avatar string `json:"avatar"`
	}
	fetchedList struct {
		Code     int       `json:"code"`
		Messages []fetched `json:"msg_list"`
	}
	noMessage struct {
		outcome
		MsgID int64 `json:"msg_id"`
	}
)

// partsMost is how many messages one call shows: as many as a forward has.
const partsMost = 100

// message answers POST /user/message: messages, or parts of forwards, by their numbers. One that the caller may not read
// is no message.
func (s *Server) message(c *gin.Context, in partsInput) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	if refusal(err) {
		return tokenError, nil
	}
	if err != nil {
		return nil, err
	}
	if in.CombineList == nil {
		return nil, define.Invalid("combine_list", "is needed", "为必填字段")
	}
	list := fetchedList{Messages: []fetched{}}
	for _, n := range in.CombineList[:min(len(in.CombineList), partsMost)] {
		p, err := s.part(c.Request.Context(), caller, int64(n))
		if refusal(err) {
			return noMessage{refused(-2, "no message"), int64(n)}, nil
		}
		if err != nil {
			return nil, err
		}
		list.Messages = append(list.Messages, fetched{done("fetch a message"), p.MsgID, p.Body, p.Time, p.Type, p.Sender, p.avatar})
	}
	return list, nil
}
