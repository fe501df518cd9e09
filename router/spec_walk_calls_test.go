package router_test

import (
	"encoding/json"

	"parlor/define"
)

// callOverSocket makes one call that is answered, and one that is not.
func callOverSocket(alices, bobs *checkedSocket, bob *user, room string) {
	alices.t.Helper()
	start := fields{"room": room, "media": "video"}
	alices.ask(define.OpCallStart, start, define.OpOK)
	c := fields{"call": identityOf(alices)}
	bobs.until(define.EventCallRinging)
	bobs.ask(define.OpCallDecline, c, define.OpOK)
	alices.until(define.EventCallDeclined)
	alices.until(define.EventCallEnded)

	alices.ask(define.OpCallStart, start, define.OpOK)
	c = fields{"call": identityOf(alices)}
	bobs.ask(define.OpCallAccept, c, define.OpOK)
	alices.until(define.EventCallAccepted)
	offer := fields{"call": c["call"], "to": bob.identity, "description": fields{"type": "offer", "sdp": "v=0"}}
	alices.ask(define.OpCallSignal, offer, define.OpOK)
	bobs.until(define.EventCallSignal)
	alices.ask(define.OpCallSignal, fields{"call": c["call"], "to": "nobody", "candidate": fields{}}, define.OpError)
	alices.ask(define.OpCallEnd, c, define.OpOK)
	bobs.until(define.EventCallEnded)
}

// identityOf returns the identity in the data of the last frame.
func identityOf(c *checkedSocket) string {
	c.t.Helper()
	var f struct{ Data struct{ Identity string } }
	must(c.t, json.Unmarshal(c.last, &f))
	return f.Data.Identity
}
