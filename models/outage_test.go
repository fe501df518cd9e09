package models

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"parlor/define"
)

// While the database is away a single call may wait for it.
func TestOutage(t *testing.T) {
	t.Parallel()
	var o outage
	change := func(kinds ...string) {
		var servers []event.ServerDescription
		for _, kind := range kinds {
			servers = append(servers, event.ServerDescription{Kind: kind})
		}
		o.monitor().TopologyDescriptionChanged(&event.TopologyDescriptionChangedEvent{NewDescription: event.TopologyDescription{Servers: servers}})
	}
	enter := func() func() {
		t.Helper()
		leave, err := o.Enter()
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	refused := func() {
		t.Helper()
		if _, err := o.Enter(); !errors.Is(err, define.ErrUnavailable) {
			t.Errorf("entered with %v", err)
		}
	}
	for _, there := range [][]string{{"Standalone"}, {"RSSecondary", "RSPrimary"}, {"Mongos", "Unknown"}, {"LoadBalancer"}} {
		change(there...)
		defer enter()()
		defer enter()()
	}
	for _, away := range [][]string{{"Unknown"}, {"RSSecondary", "Unknown"}, {}} {
		change(away...)
		leave := enter()
		refused()
		refused()
		leave()
		leave = enter()
		refused()
		leave()
	}
	change("Unknown")
	leave := enter()
	change("Standalone")
	enter()()
	leave()
	enter()()
}
