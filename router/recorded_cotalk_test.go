package router_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parlor/define"
)

// recordedCotalk is what the conversations with seed 000's system have in common.
//
// {mailed:alice@cotalk.example} is the code in the one mail to an address. While recording, it is what stands in the file
// of that name in the directory RECORD_MAIL, where the original's mail server must put it.
func recordedCotalk(t *testing.T) recordedFace {
	t.Helper()
	mails, config, err := startMailServer(t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, mails.close()) })
	return recordedFace{
		masks: masks{
			fields: map[string]string{
				"user_id": "user", "sender_id": "user", "owner_id": "user", "member_id": "user", "read_users": "user", "unable_to_see_users": "user",
				"chat_id": "chat", "msg_id": "message", "reply_to": "message", "notification_id": "notification",
				"msg_file_url": maskAddress, "token": "token", "content": maskLiteral,
				"create_time": maskTime, "update_time": maskTime, "register_time": maskTime,
			},
			texts: []textIDs{
				{regexp.MustCompile(`Private (\d+)&(\d+)`), "user"},
				{regexp.MustCompile(`\buser (\d+)`), "user"},
				{regexp.MustCompile(`\bchat (\d+)`), "chat"},
				{regexp.MustCompile(`\bfilter_user: (\d+)`), "user"},
				{regexp.MustCompile(`\bfilter_(?:before|after): (\d+\.\d+)`), "moment"},
			},
		},
		values: map[string]func(string) string{"mailed": func(to string) string {
			if dir := os.Getenv("RECORD_MAIL"); dir != "" {
				code, err := os.ReadFile(filepath.Join(dir, filepath.Base(to)))
				if err != nil {
					return err.Error()
				}
				return strings.TrimSpace(string(code))
			}
			return mails.code(t, to, 1)
		}},
		configure: func(c *define.Config) { c.SMTP = config },
	}
}
