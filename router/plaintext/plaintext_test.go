package plaintext_test

import (
	"testing"

	"parlor/define"
	"parlor/router/plaintext"
	"parlor/service"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	system := func(data string) service.Message {
		return service.Message{Type: define.MessageSystem, Data: data}
	}
	tests := []struct {
		message service.Message
		want    string
	}{
		{service.Message{Type: define.MessageText, Data: "hello"}, "hello"},
		{service.Message{Type: define.MessageText, Data: `{"a":1}`, Format: define.FormatJSON}, `{"a":1}`},
		{service.Message{Type: define.MessageText, RecalledAt: 1}, "[消息已撤回]"},
		{service.Message{Type: define.MessageNotice, Data: "listen"}, "[群公告] listen"},
		{system(`{"event":"member.joined","by":"a","users":["a"]}`), "[系统消息] 加入了群聊"},
		{system(`{"event":"member.joined","by":"a","users":["b","c"]}`), "[系统消息] 邀请了 2 位成员加入群聊"},
		{system(`{"event":"member.left","by":"a","users":["a"]}`), "[系统消息] 退出了群聊"},
		{system(`{"event":"member.left","by":"a","users":["b"]}`), "[系统消息] 将 1 位成员移出了群聊"},
		{system(`{"event":"room.owner","by":"a","users":["b"]}`), "[系统消息] 转让了群主"},
		{system(`{"event":"room.renamed","by":"a","users":[]}`), "[系统消息] 修改了群名称"},
		{system(`{"event":"member.role","by":"a","users":["b"],"role":"admin"}`), "[系统消息] 任命了管理员"},
		{system(`{"event":"member.role","by":"a","users":["b"],"role":"member"}`), "[系统消息] 撤销了管理员"},
		{system(`{"event":"call.ended","by":"a","users":["b"],"duration":65}`), "[通话] 时长 1:05"},
		{system(`{"event":"call.ended","by":"a","users":["b"]}`), "[通话] 未接通"},
		{system(`{"event":"something.new","by":"a","users":[]}`), "[系统消息]"},
		{system(`not json`), "[系统消息]"},
		{service.Message{Type: define.MessageImage, File: &service.File{Name: "a.png"}}, "[图片] a.png"},
		{service.Message{Type: define.MessageVideo, File: &service.File{Name: "a.mp4"}, Data: "look"}, "[视频] a.mp4\nlook"},
		{service.Message{Type: define.MessageFile, File: &service.File{Name: "a.pdf"}, Data: "{}", Format: define.FormatJSON}, "[文件] a.pdf\n{}"},
		{service.Message{Type: define.MessageMerged, Merged: []service.MergedMessage{{Sender: service.User{Nickname: "A"}, Type: define.MessageAudio, File: &service.File{}}}}, "[聊天记录]\nA: [语音]"},
		{service.Message{Type: define.MessageMerged, Merged: []service.MergedMessage{
			{Sender: service.User{Nickname: "A"}, Type: define.MessageText, Data: "one"}, {Sender: service.User{Nickname: "B"}, Type: define.MessageMerged},
		}}, "[聊天记录]\nA: one\nB: [聊天记录]"},
	}
	for _, test := range tests {
		if got := plaintext.Message(test.message, nil); got != test.want {
			t.Errorf("%+v: %q, want %q", test.message, got, test.want)
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	names := map[string]string{"account": "user_id"}
	tests := []struct {
		refusal *define.Error
		want    string
	}{
		{define.ErrUserNotFound, "用户不存在"},
		{define.Invalid("account", "", "account必须是文字"), "user_id必须是文字"},
		{define.Invalid("birthday", "", "必须是日期").Field("account", define.Text{Zh: "为必填字段"}), "user_id为必填字段；birthday必须是日期"},
	}
	for _, test := range tests {
		if got := plaintext.Refusal(test.refusal, names); got != test.want {
			t.Errorf("%v: %q, want %q", test.refusal, got, test.want)
		}
	}
}
