package router_test

// recordedInstant is what the conversations with seed 001's system have in common.
func recordedInstant() recordedFace {
	return recordedFace{masks: masks{fields: map[string]string{
		"roomid": "room", "room_id": "room", "chatroom_id": "room",
		"msg_id": "message", "father_id": "message", "reply_id": "message", "combine_list": "message", "read_message_list": "message",
		"avatar": maskAddress, "file_url": maskAddress, "token": "token", "msg_time": maskTime,
	}}}
}
