package router_test

import "regexp"

// recordedCotalk is what the conversations with seed 000's system have in common.
func recordedCotalk() recordedFace {
	return recordedFace{masks: masks{
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
		},
	}}
}
