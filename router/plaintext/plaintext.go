// Package plaintext says in words what messages and refusals are, for the ways in whose clients show texts and know of
// nothing else. The words are Chinese, as those clients are.
package plaintext

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"parlor/define"
	"parlor/service"
)

// Message returns what a client shows of a message: its text, or what stands for one of another type. A file goes by what
// fileText gives for it, by its name where fileText is nil.
func Message(m service.Message, fileText func(*service.File) string) string {
	switch {
	case m.RecalledAt > 0:
		return "[消息已撤回]"
	case m.Type == define.MessageSystem:
		return system(m.System())
	case m.Type == define.MessageMerged:
		return merged(m.Merged)
	case m.Type == define.MessageNotice:
		return "[群公告] " + m.Data
	case m.File != nil:
		return file(m, fileText)
	}
	return m.Data
}

// kinds are the words for messages with a file.
var kinds = map[string]string{define.MessageImage: "[图片]", define.MessageAudio: "[语音]", define.MessageVideo: "[视频]"}

// file words a message with a file: what it is, the file, and the caption.
func file(m service.Message, text func(*service.File) string) string {
	if text == nil {
		text = func(f *service.File) string { return f.Name }
	}
	words := cmp.Or(kinds[m.Type], "[文件]") + " " + text(m.File)
	if m.Data != "" {
		words += "\n" + m.Data
	}
	return words
}

// system words a message of the system. Who did it is its sender.
func system(what service.SystemMessage) string {
	switch {
	case what.Event == define.EventMemberJoined && what.Himself():
		return "[系统消息] 加入了群聊"
	case what.Event == define.EventMemberJoined:
		return fmt.Sprintf("[系统消息] 邀请了 %d 位成员加入群聊", len(what.Users))
	case what.Event == define.EventMemberLeft && what.Himself():
		return "[系统消息] 退出了群聊"
	case what.Event == define.EventMemberLeft:
		return fmt.Sprintf("[系统消息] 将 %d 位成员移出了群聊", len(what.Users))
	case what.Event == define.SystemOwner:
		return "[系统消息] 转让了群主"
	case what.Event == define.SystemRole && what.Role == define.RoleAdmin:
		return "[系统消息] 任命了管理员"
	case what.Event == define.SystemRole:
		return "[系统消息] 撤销了管理员"
	case what.Event == define.EventCallEnded && what.Seconds() > 0:
		return fmt.Sprintf("[通话] 时长 %d:%02d", what.Seconds()/60, what.Seconds()%60)
	case what.Event == define.EventCallEnded:
		return "[通话] 未接通"
	case what.Event == define.SystemRenamed:
		return "[系统消息] 修改了群名称"
	}
	return "[系统消息]"
}

// merged words a merged forward, a line for each message.
func merged(copies []service.MergedMessage) string {
	lines := []string{"[聊天记录]"}
	for i := range copies {
		m := &copies[i]
		text := m.Data
		if m.File != nil {
			text = strings.TrimSpace(cmp.Or(kinds[m.Type], "[文件]") + " " + text)
		}
		if m.Type == define.MessageMerged {
			text = "[聊天记录]"
		}
		lines = append(lines, m.Sender.Nickname+": "+text)
	}
	return strings.Join(lines, "\n")
}

// Refusal returns what a refusal says, with the wrong fields by the names that the client knows: names holds those that
// differ from the core's, empty where the text says enough.
func Refusal(refusal *define.Error, names map[string]string) string {
	if len(refusal.Fields) == 0 {
		return strings.TrimSuffix(refusal.Text.Zh, "。")
	}
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(refusal.Fields)) {
		name, renamed := names[field]
		if !renamed {
			name = field
		}
		parts = append(parts, name+strings.TrimPrefix(refusal.Fields[field].Zh, field))
	}
	return strings.Join(parts, "；")
}
