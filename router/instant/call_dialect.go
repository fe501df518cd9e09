package instant

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"parlor/define"
	"parlor/service"
	"parlor/service/hub"
)

// callDialect puts what happens to calls into the words of /ws/call/. Each connection keeps what it must know of its call,
// so that nothing here is the same for two of them.
type callDialect struct{ s *Server }

// Encode implements hub.Dialect.
func (d *callDialect) Encode(e hub.Event) (hub.Frame, error) {
	var tell func(ctx context.Context, k *caller) ([]any, error)
	switch data := e.Data.(type) {
	case service.Call:
		switch e.Op {
		case define.EventCallRinging:
			tell = func(ctx context.Context, k *caller) ([]any, error) { return k.rings(ctx, data) }
		case define.EventCallAccepted:
			tell = func(ctx context.Context, k *caller) ([]any, error) { return nil, k.taken(ctx, data) }
		case define.EventCallDeclined, define.EventCallEnded:
			if data.EndedAt > 0 {
				tell = func(_ context.Context, k *caller) ([]any, error) { return k.ended(data), nil }
			}
		}
	case service.CallSignalEvent:
		tell = func(_ context.Context, k *caller) ([]any, error) { return k.hears(data), nil }
	}
	if tell == nil {
		return nil, nil
	}
	return d.s.forViewer(func(ctx context.Context, viewer service.Caller) ([]any, error) {
		return tell(ctx, viewer.Conn.Value().(*caller))
	}), nil
}

// rings tells a client of a call. One that was not started over this face says nothing of itself that the client could
// answer: it is not told.
func (k *caller) rings(ctx context.Context, call service.Call) ([]any, error) {
	offer := k.server.offers.of(call.Caller)
	if offer.call != call.Identity || offer.message == nil {
		return nil, nil
	}
	who, err := k.server.o.Accounts.Get(ctx, call.Caller)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ringing[call.Caller] = call.Identity
	return []any{callFrame{"call_received", received{offer.from + nameOf(&who), offer.message}}}, nil
}

// taken sends what has waited for the other one to answer.
func (k *caller) taken(ctx context.Context, call service.Call) error {
	k.mu.Lock()
	if k.call != call.Identity || k.accepted {
		k.mu.Unlock()
		return nil
	}
	peer, offer, candidates := k.peer, k.offer, k.candidates
	k.accepted, k.offer, k.candidates = true, nil, nil
	k.mu.Unlock()
	// A client of this face has had it already, and passes over it.
	if err := k.signal(ctx, service.CallSignalInput{Call: call.Identity, To: peer, Description: offer}); err != nil {
		return err
	}
	for _, candidate := range candidates {
		if err := k.signal(ctx, service.CallSignalInput{Call: call.Identity, To: peer, Candidate: candidate}); err != nil {
			return err
		}
	}
	return nil
}

// ended tells a client whose call it is, or for whom it rang.
func (k *caller) ended(call service.Call) []any {
	k.mu.Lock()
	defer k.mu.Unlock()
	concerned := k.call == call.Identity
	if concerned {
		k.call = ""
	}
	if k.ringing[call.Caller] == call.Identity {
		delete(k.ringing, call.Caller)
		concerned = true
	}
	for _, user := range []string{call.Caller, k.conn.Caller().User} {
		k.server.offers.drop(user, call.Identity)
	}
	if !concerned {
		return nil
	}
	return []any{callFrame{"call_stopped", struct{}{}}}
}

// hears passes on what the other one sends.
func (k *caller) hears(e service.CallSignalEvent) []any {
	if e.Candidate != nil {
		return []any{callFrame{"ICEcandidate", relayed{faceCandidate(e.Candidate)}}}
	}
	if own := k.server.offers.of(k.conn.Caller().User); own.call == e.Call && own.message == nil {
		return nil // he has answered, and had the offer when it rang
	}
	var description struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(e.Description, &description) != nil || description.Type == "offer" {
		return nil
	}
	return []any{callFrame{"call_answered", relayed{e.Description}}}
}

// candidate is a candidate as the native API's clients send and take it, with what a client of this face has sent as it is.
type candidate struct {
	Candidate     string          `json:"candidate"`
	SDPMid        string          `json:"sdpMid"`
	SDPMLineIndex int             `json:"sdpMLineIndex"`
	Instant       json.RawMessage `json:"instant,omitempty"`
}

type shortCandidate struct {
	Label     int    `json:"label"`
	ID        string `json:"id"`
	Candidate string `json:"candidate"`
}

func nativeCandidate(message json.RawMessage) (json.RawMessage, error) {
	var short shortCandidate
	if !isObject(message) || json.Unmarshal(message, &short) != nil {
		return nil, define.ErrMalformed
	}
	return json.Marshal(candidate{short.Candidate, short.ID, short.Label, message})
}

// faceCandidate returns a candidate as the clients of this face take it, empty where it is none.
func faceCandidate(message json.RawMessage) json.RawMessage {
	var native candidate
	if json.Unmarshal(message, &native) == nil && native.Instant != nil {
		return native.Instant
	}
	short, err := json.Marshal(shortCandidate{native.SDPMLineIndex, native.SDPMid, native.Candidate})
	if err != nil {
		return json.RawMessage("{}")
	}
	return short
}

// offered is what a user has called with, or the call that he has answered.
type offered struct {
	call    string
	from    string          // the prefix of his name
	message json.RawMessage // nil where he has answered
	at      time.Time
}

// offersKept is for how long an offer is of use: longer than any call rings.
const offersKept = 10 * time.Minute

// offers are those of the users who are in a call over this face. The zero value is ready.
type offers struct {
	mu   sync.Mutex
	made map[string]offered // by user
}

func (o *offers) put(user string, offer offered) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil {
		o.made = map[string]offered{}
	}
	offer.at = time.Now()
	for other, old := range o.made {
		if offer.at.Sub(old.at) > offersKept && old.message != nil {
			old.message = nil
			o.made[other] = old
		}
	}
	o.made[user] = offer
}

func (o *offers) of(user string) offered {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.made[user]
}

func (o *offers) drop(user, call string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made[user].call == call {
		delete(o.made, user)
	}
}
