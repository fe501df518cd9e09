package models

import (
	"slices"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/event"

	"parlor/define"
)

// outage knows whether the database is away, as the driver's view of its servers tells.
type outage struct {
	away   atomic.Bool
	asking atomic.Bool // a call waits for the database
}

// writable are the kinds of servers that take writes: Server Discovery and Monitoring specification, "ServerType".
var writable = []string{"Standalone", "RSPrimary", "Mongos", "LoadBalancer"}

// monitor is what the driver tells of changes.
func (o *outage) monitor() *event.ServerMonitor {
	return &event.ServerMonitor{TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
		o.away.Store(!slices.ContainsFunc(e.NewDescription.Servers, func(s event.ServerDescription) bool {
			return slices.Contains(writable, s.Kind)
		}))
	}}
}

// Enter lets a call go on to the database; leave must be called once it has ended. While the database is away one call
// waits for it, and succeeds as soon as it is back. All others are refused at once with define.ErrUnavailable, so that
// nothing piles up.
func (o *outage) Enter() (leave func(), err error) {
	switch {
	case !o.away.Load():
		return func() {}, nil
	case o.asking.CompareAndSwap(false, true):
		return func() { o.asking.Store(false) }, nil
	}
	return nil, define.ErrUnavailable
}
