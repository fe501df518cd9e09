package router_test

import (
	"crypto/md5"
	"encoding/hex"
	"regexp"
	"time"

	"parlor/define"
)

// recordedUsersig is what the conversations with seed 003's system have in common. {token:alice} is the proof that its
// clients show for a signature, by the rule that the original published.
func recordedUsersig() recordedFace {
	return recordedFace{
		masks: masks{fields: map[string]string{
			"session_id": "session", "chat_log.id": "log", "recently_chat_log.id": "log", "chat_log_info_list.id": "log", "user_sig": "signature", "url": "file",
			"create_time": maskTime, "login_time": maskTime, "read_time": maskTime,
		}, texts: []textIDs{{regexp.MustCompile(`(http://` + anyHost + `/media/chat_file/\S+)`), "file"}}},
		values: map[string]func(string) string{"token": func(user string) string {
			minute := time.Now().In(time.FixedZone("", 8*60*60)).Format("2006-01-02-15-04")
			sum := md5.Sum([]byte(user + "-" + minute))
			return hex.EncodeToString(sum[:])
		}},
		configure: func(c *define.Config) { c.Faces.Usersig.MinuteRule = true },
	}
}
