package embedded

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// sessionTimeout is how long an unused session is known: mongod's
// localLogicalSessionTimeoutMinutes.
const sessionTimeout = 30 * time.Minute

// sessionLog knows which sessions clients use. A session holds nothing: it is a name
// that commands and cursors share, and that $listLocalSessions shows.
type sessionLog struct {
	mu   sync.Mutex
	used map[string]time.Time // by id
}

func newSessionLog() *sessionLog { return &sessionLog{used: map[string]time.Time{}} }

// touch notes the use of a session.
func (l *sessionLog) touch(id string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[id] = now
}

// end forgets a session.
func (l *sessionLog) end(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.used, id)
}

// known reports whether a session has been used of late.
func (l *sessionLog) known(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.used[id]
	return ok
}

// expire forgets the sessions that nobody has used since.
func (l *sessionLog) expire(since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, used := range l.used {
		if used.Before(since) {
			delete(l.used, id)
		}
	}
}

// list describes the sessions, that used last first.
func (l *sessionLog) list() ([]bson.Raw, error) {
	type session struct {
		id   string
		used time.Time
	}
	l.mu.Lock()
	var all []session
	for id, used := range l.used {
		all = append(all, session{id, used})
	}
	l.mu.Unlock()
	slices.SortFunc(all, func(a, b session) int { return cmp.Or(b.used.Compare(a.used), strings.Compare(a.id, b.id)) })
	nobody := sha256.Sum256(nil) // mongod's uid of a session without a user
	docs := make([]bson.Raw, len(all))
	for i, s := range all {
		var err error
		docs[i], err = bson.Marshal(bson.D{
			{Key: "_id", Value: bson.D{
				{Key: "id", Value: bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte(s.id)}},
				{Key: "uid", Value: bson.Binary{Data: nobody[:]}},
			}},
			{Key: "lastUse", Value: s.used},
		})
		if err != nil {
			return nil, err
		}
	}
	return docs, nil
}

func (l *sessionLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.used)
}
