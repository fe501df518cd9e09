package embedded

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
)

const (
	mechanism = "SCRAM-SHA-256"
	// scramIterations is mongod's default.
	scramIterations = 15000
	authDB          = "admin"
)

// authenticator checks the one user that the server may have.
type authenticator struct {
	user  string
	scram *scram.Server
}

func newAuthenticator(user, password string) (*authenticator, error) {
	a := &authenticator{user: user}
	if !a.required() {
		return a, nil
	}
	client, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		return nil, fmt.Errorf("user and password: %w", err)
	}
	salt := make([]byte, 28)
	rand.Read(salt) // never fails
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: scramIterations})
	if err != nil {
		return nil, fmt.Errorf("user and password: %w", err)
	}
	a.scram, err = scram.SHA256.NewServer(func(name string) (scram.StoredCredentials, error) {
		if subtle.ConstantTimeCompare([]byte(name), []byte(user)) != 1 {
			return scram.StoredCredentials{}, errors.New("no such user")
		}
		return stored, nil
	})
	return a, err
}

func (a *authenticator) required() bool { return a.user != "" }

// conversation is a SASL exchange under way on one connection.
type conversation struct {
	scram *scram.ServerConversation
	// skipEmpty leaves out the empty exchange at the end.
	skipEmpty bool
}

func authenticationFailed() error {
	return mongoerr.AuthenticationFailed.Errorf("Authentication failed.")
}

// start answers the first message of a conversation.
func (c *conn) startSASL(db, mech string, payload []byte, skipEmpty bool) ([]byte, error) {
	if mech != mechanism {
		return nil, mongoerr.MechanismUnavailable.Errorf("Received authentication for mechanism %s which is unknown or not enabled", mech)
	}
	if c.server.auth.scram == nil || db != authDB {
		return nil, authenticationFailed()
	}
	c.conversation = &conversation{scram: c.server.auth.scram.NewConversation(), skipEmpty: skipEmpty}
	return c.stepSASL(payload)
}

func (c *conn) stepSASL(payload []byte) ([]byte, error) {
	answer, err := c.conversation.scram.Step(string(payload))
	if err != nil {
		c.conversation = nil
		return nil, authenticationFailed()
	}
	return []byte(answer), nil
}

func (r *request) saslFields() (mech string, payload []byte, skipEmpty bool, err error) {
	for _, f := range r.fields {
		switch f.name {
		case "mechanism":
			mech, _ = f.v.StringValueOK()
		case "payload":
			if _, data, ok := f.v.BinaryOK(); ok {
				payload = data
			} else if s, ok := f.v.StringValueOK(); ok {
				payload = []byte(s)
			}
		case "options":
			if doc, ok := f.v.DocumentOK(); ok {
				skipEmpty, _ = doc.Lookup("skipEmptyExchange").BooleanOK()
			}
		case "autoAuthorize", "conversationId", "db":
		default:
			return "", nil, false, r.unknown(f)
		}
	}
	return mech, payload, skipEmpty, nil
}

func runSaslStart(_ context.Context, r *request, out []byte) ([]byte, error) {
	mech, payload, skipEmpty, err := r.saslFields()
	if err != nil {
		return nil, err
	}
	answer, err := r.conn.startSASL(r.db, mech, payload, skipEmpty)
	if err != nil {
		return nil, err
	}
	return appendSASL(out, answer, false), nil
}

func runSaslContinue(_ context.Context, r *request, out []byte) ([]byte, error) {
	_, payload, _, err := r.saslFields()
	if err != nil {
		return nil, err
	}
	if r.conn.conversation == nil {
		return nil, mongoerr.ProtocolError.Errorf("No SASL session state found")
	}
	if r.conn.conversation.scram.Done() {
		return r.conn.finishSASL(out, nil)
	}
	answer, err := r.conn.stepSASL(payload)
	if err != nil {
		return nil, err
	}
	if r.conn.conversation.scram.Done() && r.conn.conversation.skipEmpty {
		return r.conn.finishSASL(out, answer)
	}
	return appendSASL(out, answer, false), nil
}

// finishSASL ends a conversation; the connection is authenticated if it is valid.
func (c *conn) finishSASL(out, answer []byte) ([]byte, error) {
	valid := c.conversation.scram.Valid()
	c.conversation = nil
	if !valid {
		return nil, authenticationFailed()
	}
	c.authenticated = true
	return appendSASL(out, answer, true), nil
}

func appendSASL(out, payload []byte, done bool) []byte {
	out = bsoncore.AppendInt32Element(out, "conversationId", 1)
	out = bsoncore.AppendBooleanElement(out, "done", done)
	return bsoncore.AppendBinaryElement(out, "payload", bson.TypeBinaryGeneric, payload)
}

func runLogout(_ context.Context, r *request, out []byte) ([]byte, error) {
	if r.s.auth.required() && r.conn.overTCP() {
		r.conn.authenticated = false
	}
	return out, nil
}

func (c *conn) overTCP() bool { return c.net.RemoteAddr().Network() != pipeAddr{}.Network() }

// speculative answers the authentication that a driver sends with its hello. A
// failure is left out of the reply: the driver then authenticates as usual.
func (r *request) speculative(out []byte, doc bson.Raw) []byte {
	mech, _ := doc.Lookup("mechanism").StringValueOK()
	db, _ := doc.Lookup("db").StringValueOK()
	_, payload, ok := doc.Lookup("payload").BinaryOK()
	if !ok || !r.s.auth.required() {
		return out
	}
	skipEmpty, _ := doc.Lookup("options", "skipEmptyExchange").BooleanOK()
	answer, err := r.conn.startSASL(db, mech, payload, skipEmpty)
	if err != nil {
		return out
	}
	index, out := bsoncore.AppendDocumentElementStart(out, "speculativeAuthenticate")
	return endDocument(appendSASL(out, answer, false), index)
}

// mechanisms appends the mechanisms of a user as hello's saslSupportedMechs asks.
func (r *request) mechanisms(out []byte, user string) []byte {
	if !r.s.auth.required() || user != authDB+"."+r.s.auth.user {
		return out
	}
	index, out := bsoncore.AppendArrayElementStart(out, "saslSupportedMechs")
	return endDocument(bsoncore.AppendStringElement(out, "0", mechanism), index)
}
