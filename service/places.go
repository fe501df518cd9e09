package service

import "context"

// Places is the number of a room and who is in it, in the order of arrival.
type Places struct {
	Number  int64
	Members []User
}

// Places returns who is in a room, to its members. It costs nothing for a room that is known. Refusals: ErrRoomNotFound,
// ErrRoomDissolved.
func (s *Rooms) Places(ctx context.Context, c Caller, identity string) (Places, error) {
	state, err := s.memberOf(ctx, c.User, identity)
	if err != nil {
		return Places{}, err
	}
	users, err := s.usersByID(ctx, state.ids)
	if err != nil {
		return Places{}, err
	}
	places := Places{Number: state.room.Number, Members: make([]User, len(state.ids))}
	for i, id := range state.ids {
		places.Members[i] = users[id]
	}
	return places, nil
}
