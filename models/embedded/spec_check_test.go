package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// specError is the error that an operation is expected to end with.
type specError struct {
	IsError       bool          `bson:"isError"`
	IsClientError *bool         `bson:"isClientError"`
	Contains      string        `bson:"errorContains"`
	Code          *int          `bson:"errorCode"`
	CodeName      string        `bson:"errorCodeName"`
	LabelsContain []string      `bson:"errorLabelsContain"`
	LabelsOmit    []string      `bson:"errorLabelsOmit"`
	Result        bson.RawValue `bson:"expectResult"`
	Response      bson.RawValue `bson:"errorResponse"`
	Unknown       specUnknown   `bson:",inline"`
}

func (r *specRun) checkError(want *specError, result any, err error) error {
	if err := want.Unknown.refuse(); err != nil {
		return err
	}
	if err == nil {
		return errors.New("no error")
	}
	var server mongo.ServerError
	fromServer := errors.As(err, &server) && !mongo.IsNetworkError(err)
	if want.IsClientError != nil && *want.IsClientError == fromServer {
		return fmt.Errorf("is a client's error: %v, want %v: %w", !fromServer, *want.IsClientError, err)
	}
	if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want.Contains)) {
		return fmt.Errorf("error without %q: %w", want.Contains, err)
	}
	if want.Code != nil && (!fromServer || !server.HasErrorCode(*want.Code)) {
		return fmt.Errorf("error without code %d: %w", *want.Code, err)
	}
	if want.CodeName != "" && !strings.Contains(err.Error(), want.CodeName) {
		return fmt.Errorf("error without code name %s: %w", want.CodeName, err)
	}
	for _, label := range want.LabelsContain {
		if !fromServer || !server.HasErrorLabel(label) {
			return fmt.Errorf("error without label %s: %w", label, err)
		}
	}
	for _, label := range want.LabelsOmit {
		if fromServer && server.HasErrorLabel(label) {
			return fmt.Errorf("error with label %s: %w", label, err)
		}
	}
	if !want.Response.IsZero() {
		reply, broken := rawValue(errorReply(err))
		if broken != nil {
			return broken
		}
		if err := r.match("errorResponse", want.Response, reply, true); err != nil {
			return err
		}
	}
	if !want.Result.IsZero() {
		return r.checkResult(want.Result, result)
	}
	return nil
}

// errorReply gives what the server sent, as far as the driver keeps it.
func errorReply(err error) any {
	var command mongo.CommandError
	var write mongo.WriteException
	var bulk mongo.BulkWriteException
	switch {
	case errors.As(err, &command):
		return command.Raw
	case errors.As(err, &write):
		return write.Raw
	case errors.As(err, &bulk) && len(bulk.WriteErrors) > 0:
		return bulk.WriteErrors[0].Raw
	}
	return nil
}

// specEvents are the events that a client is expected to have seen.
type specEvents struct {
	Client      string                     `bson:"client"`
	Type        string                     `bson:"eventType"`
	Events      []map[string]specEventBody `bson:"events"`
	IgnoreExtra bool                       `bson:"ignoreExtraEvents"`
}

type specEventBody struct {
	Command  bson.RawValue `bson:"command"`
	Reply    bson.RawValue `bson:"reply"`
	Name     string        `bson:"commandName"`
	Database string        `bson:"databaseName"`
	Unknown  specUnknown   `bson:",inline"`
}

func (r *specRun) checkEvents(want specEvents) error {
	if want.Type != "" && want.Type != "command" {
		return fmt.Errorf("the runner knows no events of type %s", want.Type)
	}
	client, err := entity[*specClient](r, want.Client)
	if err != nil {
		return err
	}
	seen := client.seen()
	if len(seen) < len(want.Events) || len(seen) > len(want.Events) && !want.IgnoreExtra {
		return fmt.Errorf("%d events, want %d: %+v", len(seen), len(want.Events), seen)
	}
	for i, e := range want.Events {
		for kind, body := range e {
			if err := r.checkEvent(kind, body, seen[i]); err != nil {
				return fmt.Errorf("event %d: %w", i, err)
			}
		}
	}
	return nil
}

func (r *specRun) checkEvent(kind string, want specEventBody, got specEvent) error {
	if err := want.Unknown.refuse(); err != nil {
		return err
	}
	switch {
	case kind != got.kind:
		return fmt.Errorf("%s, want %s", got.kind, kind)
	case want.Name != "" && want.Name != got.command:
		return fmt.Errorf("command %s, want %s", got.command, want.Name)
	case want.Database != "" && want.Database != got.database:
		return fmt.Errorf("database %s, want %s", got.database, want.Database)
	}
	body, err := rawValue(got.body)
	if err != nil {
		return err
	}
	for _, expected := range []bson.RawValue{want.Command, want.Reply} {
		if !expected.IsZero() {
			if err := r.match(got.command, expected, body, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOutcome compares what collections hold, in the order of _id.
func (r *specRun) checkOutcome(ctx context.Context, outcome []specData) error {
	for _, want := range outcome {
		coll := r.own.Database(want.Database).Collection(want.Collection)
		cursor, err := coll.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
		if err != nil {
			return err
		}
		var docs []bson.Raw
		if err := cursor.All(ctx, &docs); err != nil {
			return err
		}
		if !slices.EqualFunc(docs, want.Documents, func(a, b bson.Raw) bool { return bytes.Equal(a, b) }) {
			return fmt.Errorf("%s holds %v, want %v", want.Collection, docs, want.Documents)
		}
	}
	return nil
}

// runnerOperation runs what a test asks of the runner itself.
func (c *specCall) runnerOperation(ctx context.Context, name string) error {
	switch name {
	case "failPoint":
		return c.run.own.Database("admin").RunCommand(ctx, c.value("failPoint")).Err()
	case "createEntities":
		return c.run.createEntities(c.take("entities").Array())
	case "assertSameLsidOnLastTwoCommands", "assertDifferentLsidOnLastTwoCommands":
		same, err := c.sameSession()
		if err == nil && same != strings.Contains(name, "Same") {
			err = errors.New("the last two commands have other sessions than expected")
		}
		return err
	case "assertSessionDirty", "assertSessionNotDirty":
		session, err := entity[*mongo.Session](c.run, c.text("session"))
		if err == nil && dirty(session) == strings.Contains(name, "Not") {
			err = errors.New("the session is not as dirty as expected")
		}
		return err
	}
	c.err = fmt.Errorf("the runner has no operation %s", name)
	return nil
}

// sameSession reports whether the last two commands had one session.
func (c *specCall) sameSession() (bool, error) {
	client, err := entity[*specClient](c.run, c.text("client"))
	if err != nil {
		return false, err
	}
	started := slices.DeleteFunc(client.seen(), func(e specEvent) bool { return e.kind != "commandStartedEvent" })
	if len(started) < 2 {
		return false, fmt.Errorf("%d commands", len(started))
	}
	a, b := started[len(started)-2].body.Lookup("lsid"), started[len(started)-1].body.Lookup("lsid")
	if a.IsZero() || b.IsZero() {
		return false, errors.New("a command without a session")
	}
	return a.Equal(b), nil
}

// dirty reads what the driver keeps to itself: whether the session met a network error.
func dirty(s *mongo.Session) bool {
	return reflect.ValueOf(s).Elem().FieldByName("clientSession").Elem().FieldByName("Server").Elem().FieldByName("Dirty").Bool()
}
