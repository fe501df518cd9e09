package embedded

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
)

func runStartSession(_ context.Context, r *request, out []byte) ([]byte, error) {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	r.s.sessions.touch(string(id), r.started)
	index, out := bsoncore.AppendDocumentElementStart(out, "id")
	out = bsoncore.AppendBinaryElement(out, "id", bson.TypeBinaryUUID, id)
	out = endDocument(out, index)
	return bsoncore.AppendInt32Element(out, "timeoutMinutes", int32(sessionTimeout/time.Minute)), nil
}

// sessionList reads the command's own field, a list of sessions.
func (r *request) sessionList() ([]string, error) {
	for _, f := range r.fields {
		return nil, r.unknown(f)
	}
	docs, err := documentsOf(r.name+"."+r.name, r.arg)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(docs))
	for i, doc := range docs {
		if ids[i], err = sessionID(doc); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func runRefreshSessions(_ context.Context, r *request, out []byte) ([]byte, error) {
	ids, err := r.sessionList()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r.s.sessions.touch(id, r.started)
	}
	return out, nil
}

func runEndSessions(_ context.Context, r *request, out []byte) ([]byte, error) {
	ids, err := r.sessionList()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r.s.sessions.end(id)
	}
	_, err = r.s.cursors.killIf(func(c *cursor) bool { return slices.Contains(ids, c.session) })
	return out, err
}

func runKillSessions(_ context.Context, r *request, out []byte) ([]byte, error) {
	ids, err := r.sessionList()
	if err != nil {
		return nil, err
	}
	return out, r.killSessions(func(id string) bool { return len(ids) == 0 || slices.Contains(ids, id) })
}

// runKillAllSessions serves killAllSessions. There is one user at most, so a user
// that is named is everybody or nobody.
func runKillAllSessions(_ context.Context, r *request, out []byte) ([]byte, error) {
	users, err := documentsOf("killAllSessions.killAllSessions", r.arg)
	if err != nil {
		return nil, err
	}
	all := len(users) == 0
	for _, doc := range users {
		user, _ := doc.Lookup("user").StringValueOK()
		db, _ := doc.Lookup("db").StringValueOK()
		all = all || r.s.auth.required() && user == r.s.auth.user && db == authDB
	}
	return out, r.killSessions(func(string) bool { return all })
}

func runKillAllSessionsByPattern(_ context.Context, r *request, out []byte) ([]byte, error) {
	patterns, err := documentsOf("killAllSessionsByPattern.killAllSessionsByPattern", r.arg)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, doc := range patterns {
		lsid, ok := doc.Lookup("lsid").DocumentOK()
		if !ok {
			return nil, mongoerr.NotImplemented.Errorf("killAllSessionsByPattern takes lsid patterns only")
		}
		id, err := sessionID(lsid)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return out, r.killSessions(func(id string) bool { return len(ids) == 0 || slices.Contains(ids, id) })
}

// killSessions ends the cursors of sessions, and the commands that run in them but
// for this one.
func (r *request) killSessions(which func(id string) bool) error {
	for _, c := range r.s.connections() {
		c.interrupt(errInterrupted(), func(other *request) bool {
			return other != r && other.session != "" && which(other.session)
		})
	}
	_, err := r.s.cursors.killIf(func(c *cursor) bool { return c.session != "" && which(c.session) })
	return err
}

func errInterrupted() error { return mongoerr.Interrupted.Errorf("operation was interrupted") }
