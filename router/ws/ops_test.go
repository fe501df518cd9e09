package ws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

func TestOps(t *testing.T) {
	t.Parallel()
	h := open(t)
	var conn *hub.Conn
	h.read = func(_ context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error) {
		conn = c.Conn
		return service.RoomMe{Role: c.User + c.Session + room, ReadSeq: *in.Seq}, nil
	}
	h.submit = func(_ service.Caller, room string, in service.MessageInput, done func(service.Message, bool, error)) {
		done(service.Message{RoomIdentity: room, Data: in.Data, ClientID: in.ClientID}, true, nil)
	}
	c := h.dial(t, "alice.1")
	cases := []struct{ frame, op, data string }{
		{`{"id":"1","op":"message.send","data":{"room":"r","data":"<hi> & 你好","client_id":"c"}}`, "ok", `"data":"<hi> & 你好","client_id":"c"`},
		{`{"id":"2","op":"room.read","data":{"room":"r","seq":7}}`, "ok", `{"role":"alice1r","read_seq":7,`},
		{`{"id":"3","op":"sync","data":{"rooms":{"r":5}}}`, "ok", `{"rooms":[{"identity":"r","last_seq":5,`},
		{`{"id":"4","op":"presence.get","data":{"users":["bob"]}}`, "ok", `{"online":["bob"]}`},
		{`{"id":"5","op":"ping"}`, "ok", `{"server_time":`},
		{`{"id":"6","op":"room.typing","data":{"room":"r"}}`, "error", define.CodeNotFound},
		{`{"id":"7","op":"room.typing","data":{}}`, "error", define.CodeInvalid + " room"},
		{`{"id":"7","op":"message.edit","data":{"data":"x"}}`, "error", define.CodeInvalid + " message"},
		{`{"id":"7","op":"message.recall","data":{}}`, "error", define.CodeInvalid + " message"},
		{`{"id":"7","op":"message.delete","data":{"message":0}}`, "error", define.CodeInvalid + " message"},
		{`{"id":"7","op":"message.react"}`, "error", define.CodeInvalid + " message"},
		{`{"id":"8","op":"room.dance"}`, "error", define.CodeInvalid + " op"},
		{`{"id":"9","op":"ping","data":{"extra":1}}`, "error", define.CodeInvalid + " extra"},
		{`{"id":"10","op":"ping","extra":1}`, "error", define.CodeInvalid + " extra"},
		{`{"id":"12","op":"room.read","data":{"room":"r","seq":"x"}}`, "error", define.CodeInvalid + " seq"},
		{`{"id":"13","op":"message.send","data":{"data":"x"}}`, "error", define.CodeInvalid + " room"},
		{`{"id":"11","op":"sync","data":[]}`, "error", define.CodeInvalid},
		{`{"op":"ping"}`, "ok", `{"server_time":`},
	}
	for _, tc := range cases {
		var sent struct{ ID string }
		if err := json.Unmarshal([]byte(tc.frame), &sent); err != nil {
			t.Fatal(err)
		}
		r := c.ask(tc.frame)
		got := string(r.Data)
		if r.Error != nil {
			got = r.Error.Code
			for name := range r.Error.Fields {
				got += " " + name
			}
		}
		if r.ID != sent.ID || r.Op != tc.op || !strings.Contains(got, tc.data) {
			t.Errorf("%s\nwas answered %s %s %s", tc.frame, r.ID, r.Op, got)
		}
	}
	if conn == nil || conn.User() != "alice" {
		t.Error("the service was not told which socket asks")
	}
}

func TestBrokenFrames(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.dial(t, "alice.1")
	broken := []string{``, `x`, `[]`, `null`, `"ping"`, `{}`, `{"id":"1"}`, `{"op":5}`, `{"op":"ping"} {}`, "{\"op\":\"\xff\"}"}
	refused := func(text string) {
		t.Helper()
		if r := c.ask(text); r.Op != define.OpError || r.ID != "" || r.Error == nil || r.Error.Code != define.CodeInvalid {
			t.Errorf("%q was answered %+v", text, r)
		}
	}
	for _, text := range broken[1:] {
		refused(text)
	}
	if r := c.ask(`{"id":"good","op":"ping"}`); r.ID != "good" || r.Op != define.OpOK { // which starts the count anew
		t.Fatalf("answered %+v", r)
	}
	for _, text := range broken {
		refused(text)
	}
	if code := c.closed(); code != define.CloseProtocol {
		t.Errorf("closed with %d", code)
	}
}

func TestBinaryFramesAreBroken(t *testing.T) {
	t.Parallel()
	c := open(t).dial(t, "alice.1")
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(`{"id":"1","op":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if r := c.next(); r.Op != define.OpError || r.ID != "" {
		t.Errorf("answered %+v", r)
	}
}

func TestHugeFrames(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.CloseTimeout = 20 * time.Second }) // to send the rest
	frame := func(size int) []byte {
		const around = `{"id":"","op":"ping"}`
		return []byte(strings.Replace(around, `"",`, `"`+strings.Repeat("i", size-len(around))+`",`, 1))
	}
	t.Run("the largest", func(t *testing.T) {
		t.Parallel()
		c := h.dial(t, "alice.1")
		if r := c.ask(string(frame(define.FrameMax))); r.Op != define.OpOK {
			t.Errorf("answered %s", r.Op)
		}
	})
	for _, size := range []int{define.FrameMax + 1, 5 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			c := h.dial(t, "alice.1")
			c.send(string(frame(size)))
			if code := c.closed(); code != websocket.CloseMessageTooBig {
				t.Errorf("closed with %d", code)
			}
		})
	}
}

func TestErrorsSpeakTheLanguageOfTheHandshake(t *testing.T) {
	t.Parallel()
	c := open(t).dial(t, "alice.1", "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8", "X-Request-Id", "mine")
	r := c.ask(`{"id":"1","op":"room.typing","data":{"room":"r"}}`)
	if r.Error == nil || r.Error.Message != define.ErrRoomNotFound.Text.Zh || r.Error.RequestID != "mine" {
		t.Errorf("answered %+v", r.Error)
	}
}

func TestOurFaultsAreLoggedOnceAndNotShown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.read = func(context.Context, service.Caller, string, service.ReadInput) (service.RoomMe, error) {
		return service.RoomMe{}, errors.New("secret detail")
	}
	h.submit = func(service.Caller, string, service.MessageInput, func(service.Message, bool, error)) {
		panic("secret panic")
	}
	c := h.dial(t, "alice.1")
	for _, frame := range []string{`{"id":"1","op":"room.read","data":{"room":"r","seq":1}}`, `{"id":"1","op":"message.send","data":{"room":"r","data":"private words"}}`} {
		if r := c.ask(frame); r.ID != "1" || r.Error == nil || r.Error.Code != define.CodeInternal || strings.Contains(r.Error.Message, "secret") {
			t.Errorf("%s was answered %+v", frame, r)
		}
	}
	log := h.logged.String()
	for _, line := range []string{"op=room.read error=\"secret detail\"", "op=message.send error=\"panic: secret panic"} {
		if strings.Count(log, line) != 1 {
			t.Errorf("%q is not in the log once", line)
		}
	}
	if strings.Contains(log, "private words") {
		t.Error("the log holds what somebody wrote")
	}
	if r := c.ask(`{"id":"2","op":"ping"}`); r.Op != define.OpOK {
		t.Errorf("after the panic: %+v", r)
	}
}

func TestSendsArePipelined(t *testing.T) {
	t.Parallel()
	h := open(t)
	const most = 256 // unanswered at a time
	submitted := make(chan func(service.Message, bool, error), 2*most)
	h.submit = func(_ service.Caller, _ string, _ service.MessageInput, done func(service.Message, bool, error)) {
		submitted <- done
	}
	c := h.dial(t, "alice.1")
	for i := range most + 1 {
		c.send(fmt.Sprintf(`{"id":"%d","op":"message.send","data":{"room":"r","data":"x"}}`, i))
	}
	c.send(`{"id":"last","op":"ping"}`)
	var waiting []func(service.Message, bool, error)
	for range most {
		waiting = append(waiting, <-submitted)
	}
	select {
	case <-submitted:
		t.Fatal("more requests were taken than may be unanswered")
	default:
	}
	waiting[0](service.Message{Seq: 1}, true, nil)
	waiting = append(waiting, <-submitted)
	if r := c.next(); r.ID != "0" {
		t.Errorf("the first answer is for %q", r.ID)
	}
	for i, done := range waiting[1:] {
		done(service.Message{Seq: int64(i + 2)}, true, nil)
		done(service.Message{}, false, errors.New("a second answer"))
	}
	var order []string
	for range most + 1 {
		if r := c.next(); r.ID != "last" { // which comes when it is read
			order = append(order, r.ID)
		}
	}
	for i, id := range order {
		if id != strconv.Itoa(i+1) {
			t.Fatalf("the answers came in the order %q", order)
		}
	}
	if len(order) != most {
		t.Errorf("%d answers came, want %d", len(order), most)
	}
}

func TestAnAnswerComesBeforeWhatIsPublishedAfterIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.submit = func(c service.Caller, _ string, in service.MessageInput, done func(service.Message, bool, error)) {
		done(service.Message{Data: in.Data}, true, nil)
		event := hub.Event{Op: define.EventMessageNew, Data: service.Message{Data: in.Data}}
		h.hub.Publish(hub.Delivery{Event: event, Users: []string{"alice", "bob"}, Except: c.Conn})
		h.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventRoomRead, Data: service.RoomReadEvent{Seq: 1}}, Users: []string{"alice"}})
	}
	alice, tablet, bob := h.dial(t, "alice.1"), h.dial(t, "alice.2"), h.dial(t, "bob.3")
	alice.send(`{"id":"1","op":"message.send","data":{"room":"r","data":"hello"}}`)
	for who, want := range map[*client][]string{
		alice:  {define.OpOK, define.EventRoomRead},
		tablet: {define.EventMessageNew, define.EventRoomRead},
		bob:    {define.EventMessageNew},
	} {
		for _, op := range want {
			if r := who.next(); r.Op != op {
				t.Errorf("came %q, want %q", r.Op, op)
			}
		}
	}
}

func TestFramesAreLimitedPerUser(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.LimitsFactor = 0.01 }) // five at once, one in two seconds
	phone, laptop := h.dial(t, "alice.1"), h.dial(t, "alice.2")
	for range 5 {
		if r := phone.ask(`{"id":"1","op":"ping"}`); r.Op != define.OpOK {
			t.Fatalf("answered %+v", r)
		}
	}
	r := laptop.ask(`{"id":"2","op":"ping"}`)
	if r.ID != "2" || r.Error == nil || r.Error.Code != define.CodeRateLimited || !strings.Contains(r.Error.Message, " 2 s.") {
		t.Errorf("answered %+v, %+v", r, r.Error)
	}
	if r := h.dial(t, "bob.3").ask(`{"id":"1","op":"ping"}`); r.Op != define.OpOK {
		t.Errorf("somebody else was answered %+v", r)
	}
}
