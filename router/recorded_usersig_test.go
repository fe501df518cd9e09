package router_test

import (
	"crypto/md5"
	"encoding/hex"
	"time"

	"parlor/define"
)

// recordedUsersig is what the conversations with seed 003's system have in common.
func recordedUsersig() recordedFace {
	return recordedFace{
		masks: masks{fields: map[string]string{
			"session_id": "session", "chat_log.id": "message", "recently_chat_log.id": "message", "chat_log_info_list.id": "message",
			"chat_file.id": "file", "url": maskAddress, "user_sig": "signature",
			"create_time": maskTime, "read_time": maskTime, "login_time": maskTime,
		}},
		// {minute:alice} is the token that the published rule asks for at this minute.
		values: map[string]func(string) string{"minute": func(user string) string {
			sum := md5.Sum([]byte(user + time.Now().In(time.FixedZone("CST", 8*60*60)).Format("-2006-01-02-15-04")))
			return hex.EncodeToString(sum[:])
		}},
		configure: func(c *define.Config) { c.Faces.Usersig.MinuteRule = true },
	}
}
