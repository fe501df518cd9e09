package router_test

import (
	"fmt"
	"testing"
)

// The published client asks for its rooms at each message, and at each receipt shows the room as the rooms say that it has
// drawn last. Where the receipt comes first, the message disappears from its page.
func TestInstantReceiptsFollowRooms(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.instantGroup()
	g.o.open(g.room)
	for i := range 20 { // a machine under load may pause for longer than a receipt waits
		said := g.o.say("text", fmt.Sprint("what is new ", i))
		for _, l := range []*line{g.m, g.p} {
			l.next("Msg")
		}
		read := g.m.ask("read_message", fields{
			"function": "read_message", "chatroom_id": g.room, "read_message_list": []int64{said.number("msg_id")},
		})
		inTime := 0
		for _, l := range []*line{g.p, g.o} {
			l.send(fields{"function": "fetch_room"})
		}
		for _, l := range []*line{g.p, g.o} {
			first, second := <-l.frames, <-l.frames
			if first["function"] == "fetchroom" {
				second.is(t, fields(read))
				inTime++
			}
		}
		if inTime == 2 {
			return
		}
	}
	t.Error("the receipt always comes before the rooms")
}

// Who leads a group is shown invitations among the messages, and says of both at once that he has read them.
func TestInstantReadsPastInvitations(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.instantGroup()
	g.p.open(g.room)
	said := g.p.say("text", "may she come in?").number("msg_id")
	invited := g.p.ask("Ack2", fields{"function": "send_message", "msg_type": "invite", "msg_body": g.stranger.name}).number("msg_id")
	g.settle()
	got := g.m.ask("read_message", fields{
		"function": "read_message", "chatroom_id": g.room, "read_message_list": []int64{said, invited},
	})
	got.is(t, fields{
		"function": "read_message", "read_user": g.manager.name, "chatroom_id": g.room, "read_message_list": []int64{said}, "index": got["index"],
	})
	g.p.until("read_message").is(t, fields(got))
}
