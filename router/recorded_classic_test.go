package router_test

// recordedClassic is what the conversations with seed 002's system have in common.
func recordedClassic() recordedFace {
	return recordedFace{masks: masks{fields: map[string]string{
		"identity": "user", "UserIdentity": "user", "RoomIdentity": "room", "room_identity": "room", "data.Identity": "message",
		"token": "token", "created_at": maskTime, "updated_at": maskTime, "CreatedAt": maskTime, "UpdatedAt": maskTime,
	}}}
}
