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
		g.p.send(fields{"function": "fetch_room"})
		first, second := <-g.p.frames, <-g.p.frames
		g.o.next("read_message").is(t, fields(read))
		if first["function"] == "fetchroom" {
			second.is(t, fields(read))
			return
		}
	}
	t.Error("the receipt always comes before the rooms")
}
