package router_test

// recordedInstant is what the conversations with seed 001's system have in common. The parts of a forward have numbers of
// their own here, where the original named the messages themselves.
func recordedInstant() recordedFace {
	return recordedFace{
		masks: masks{fields: map[string]string{
			"roomid": "room", "room_id": "room", "chatroom_id": "room",
			"msg_id": "message", "message_id": "message", "father_id": "message", "reply_id": "message", "read_message_list": "message",
			"combine_list": "part", "message_info_list.msg_id": "part", "msg_list.msg_id": "part",
			"avatar": maskAddress, "file_url": maskAddress, "token": "token", "msg_time": maskTime,
		}},
	}
}
