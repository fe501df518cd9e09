package embedded

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

const (
	// maintainEvery is mongod's ttlMonitorSleepSecs.
	maintainEvery = time.Minute
	// expireBatch is how many documents one round of the reaper deletes before it
	// lets other writers in.
	expireBatch = 1000
)

// maintain removes expired documents and cursors until the server stops.
func (s *Server) maintain() {
	tick := s.clock.tick(s.stop, maintainEvery)
	for {
		select {
		case <-s.stop.Done():
			return
		case <-tick:
		}
		s.sessions.expire(s.clock.now().Add(-sessionTimeout))
		if err := s.cursors.expire(s.clock.now(), s.sessions); err != nil {
			s.log.Error("closing idle cursors failed", "error", err)
		}
		if err := s.reap(s.stop); err != nil && s.stop.Err() == nil {
			s.log.Error("removing expired documents failed", "error", err)
		}
	}
}

// reap deletes what the TTL indexes say has expired.
func (s *Server) reap(ctx context.Context) error {
	var failed error
	for _, c := range s.store.Collections("") {
		for _, x := range c.Indexes() {
			if x.Spec.ExpireAfter >= 0 {
				failed = errors.Join(failed, s.reapIndex(ctx, c, x))
			}
		}
	}
	return failed
}

// reapIndex deletes the documents whose date in the index's field, or earliest
// date in an array there, is older than the index allows.
func (s *Server) reapIndex(ctx context.Context, c *storage.Collection, x *storage.Index) error {
	limit := s.clock.now().Add(-time.Duration(x.Spec.ExpireAfter) * time.Second)
	expired := bson.D{{Key: x.Spec.Fields[0].Path, Value: bson.D{{Key: "$lte", Value: limit}}}}
	if x.Spec.Partial != nil {
		expired = bson.D{{Key: "$and", Value: bson.A{expired, x.Spec.Partial}}}
	}
	raw, err := bson.Marshal(expired)
	if err != nil {
		return err
	}
	filter, err := query.ParseFilter(raw, nil)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		w, err := c.Begin()
		if err != nil {
			return err
		}
		q := storage.Query{Filter: filter, Limit: expireBatch}
		if !x.Spec.Hidden {
			q.Hint = asValue(x.Spec.Name)
		}
		n, _, err := remove(ctx, c, w, q, false)
		if err := errors.Join(err, w.Commit(false)); err != nil || n < expireBatch {
			return err
		}
	}
	return ctx.Err()
}
