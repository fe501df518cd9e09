package models

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
	"parlor/models/embedded"
)

// sent is what the driver was asked to send while a query ran.
type sent struct {
	mu       sync.Mutex
	commands []bson.Raw
}

func (s *sent) started(_ context.Context, e *event.CommandStartedEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, append(bson.Raw(nil), e.Command...))
}

func (s *sent) take() []bson.Raw {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.commands
	s.commands = nil
	return taken
}

func openWatched(t *testing.T) (*Store, *sent) {
	t.Helper()
	server, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commands := &sent{}
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true").
		SetDialer(inProcess(server.Dial)).SetMonitor(&event.CommandMonitor{Started: commands.started}))
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{client: client}
	s.bind(client.Database("parlor"))
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := s.makeIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The terms of a run and of a user are many: an index of single values is planned otherwise.
	if err := s.Users.Insert(t.Context(), &User{Identity: "t", AccountKey: "terms"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Runs.InsertMany(t.Context(), []MessageRun{{Identity: 1, RoomIdentity: "r", Terms: []int32{1, 2}}}); err != nil {
		t.Fatal(err)
	}
	return s, commands
}

// queries are all that Store can ask, each once with every filter that it knows.
func queries(ctx context.Context, s *Store) map[string]func() error {
	ask := func(_ any, err error) error { return err }
	name := "x"
	return map[string]func() error{
		"Users.Get":               func() error { return ask(s.Users.Get(ctx, "u")) },
		"Users.GetMany":           func() error { return ask(s.Users.GetMany(ctx, []string{"u", "v"})) },
		"Users.ByAccount":         func() error { return ask(s.Users.ByAccount(ctx, "a")) },
		"Users.ByNumber":          func() error { return ask(s.Users.ByNumber(ctx, 1)) },
		"Users.ByEmail":           func() error { return ask(s.Users.ByEmail(ctx, "a@example.com")) },
		"Users.Change":            func() error { return ask(s.Users.Change(ctx, "u", UserChange{Nickname: &name})) },
		"Users.FillNameTerms":     func() error { return ask(s.Users.FillNameTerms(ctx, "u")) },
		"Users.Cancel":            func() error { return s.Users.Cancel(ctx, "u", 1) },
		"Users.ByAccountPrefix":   func() error { return ask(s.Users.ByAccountPrefix(ctx, "a", "ab", 10)) },
		"Users.ByNicknamePrefix":  func() error { return ask(s.Users.ByNicknamePrefix(ctx, "a", "", "", 10)) },
		"Users.ByNamePart":        func() error { return ask(s.Users.ByNamePart(ctx, "part", "u", 10)) },
		"Users.ByNamePart of all": func() error { return ask(s.Users.ByNamePart(ctx, "", "u", 10)) },
		"Users.ByNicknamePrefix, next page": func() error {
			return ask(s.Users.ByNicknamePrefix(ctx, "a", "ab", "u", 10))
		},

		"Sessions.Get":       func() error { return ask(s.Sessions.Get(ctx, "s")) },
		"Sessions.ByUser":    func() error { return ask(s.Sessions.ByUser(ctx, "u", "s", 10)) },
		"Sessions.Seen":      func() error { return s.Sessions.Seen(ctx, "s", "127.0.0.1", 1) },
		"Sessions.Renew":     func() error { return ask(s.Sessions.Renew(ctx, "s", time.Now())) },
		"Sessions.Unlock":    func() error { return s.Sessions.Unlock(ctx, "s", "r", 1) },
		"Sessions.Lock":      func() error { return s.Sessions.Lock(ctx, "u", "r") },
		"Sessions.SetNumber": func() error { return s.Sessions.SetNumber(ctx, "s", "n") },
		"Sessions.ByNumber":  func() error { return ask(s.Sessions.ByNumber(ctx, "u", "n")) },
		"Sessions.Delete":    func() error { return ask(s.Sessions.Delete(ctx, "u", "s")) },

		"Friendships.Ensure": func() error {
			return s.Friendships.Ensure(ctx, &Friendship{Identity: "f", UserIdentity: "u", FriendIdentity: "v"})
		},
		"Friendships.Get":             func() error { return ask(s.Friendships.Get(ctx, "u", "v")) },
		"Friendships.Among":           func() error { return ask(s.Friendships.Among(ctx, "u", []string{"v", "w"})) },
		"Friendships.All":             func() error { return ask(s.Friendships.All(ctx, "u")) },
		"Friendships.Page":            func() error { return ask(s.Friendships.Page(ctx, "u", "", "f", 10)) },
		"Friendships.Page of a group": func() error { return ask(s.Friendships.Page(ctx, "u", "g", "f", 10)) },
		"Friendships.Change":          func() error { return ask(s.Friendships.Change(ctx, "u", "v", FriendshipChange{Remark: &name})) },
		"Friendships.MoveGroup":       func() error { return s.Friendships.MoveGroup(ctx, "u", "a", "b", 1) },
		"Friendships.Delete":          func() error { return ask(s.Friendships.Delete(ctx, "u", "v")) },

		"FriendRequests.Get":      func() error { return ask(s.FriendRequests.Get(ctx, "r")) },
		"FriendRequests.Open":     func() error { return ask(s.FriendRequests.Open(ctx, "u:v")) },
		"FriendRequests.Page in":  func() error { return ask(s.FriendRequests.Page(ctx, "u", true, "r", 10)) },
		"FriendRequests.Page out": func() error { return ask(s.FriendRequests.Page(ctx, "u", false, "", 10)) },
		"FriendRequests.Answer":   func() error { return ask(s.FriendRequests.Answer(ctx, "r", define.RequestDeclined, 1)) },

		"FriendGroups.Get":    func() error { return ask(s.FriendGroups.Get(ctx, "u", "g")) },
		"FriendGroups.Page":   func() error { return ask(s.FriendGroups.Page(ctx, "u", "g", 10)) },
		"FriendGroups.Delete": func() error { return ask(s.FriendGroups.Delete(ctx, "u", "g")) },

		"Blocks.Exists": func() error { return ask(s.Blocks.Exists(ctx, "u", "v")) },
		"Blocks.Page":   func() error { return ask(s.Blocks.Page(ctx, "u", "b", 10)) },
		"Blocks.Among":  func() error { return ask(s.Blocks.Among(ctx, []string{"v", "w"}, "u")) },
		"Blocks.Delete": func() error { return ask(s.Blocks.Delete(ctx, "u", "v")) },

		"Rooms.Get":            func() error { return ask(s.Rooms.Get(ctx, "r")) },
		"Rooms.GetMany":        func() error { return ask(s.Rooms.GetMany(ctx, []string{"r", "q"})) },
		"Rooms.ByNumber":       func() error { return ask(s.Rooms.ByNumber(ctx, 1)) },
		"Rooms.Change":         func() error { return s.Rooms.Change(ctx, "r", RoomChange{Name: &name}, 1) },
		"Rooms.ByPair":         func() error { return ask(s.Rooms.ByPair(ctx, "u:v")) },
		"Rooms.SetClosed":      func() error { return s.Rooms.SetClosed(ctx, "r", 1) },
		"Rooms.Dissolve":       func() error { return s.Rooms.Dissolve(ctx, "r", 1) },
		"Rooms.SetOwner":       func() error { return s.Rooms.SetOwner(ctx, "r", "u", 1) },
		"Rooms.SetMemberCount": func() error { return s.Rooms.SetMemberCount(ctx, "r", 1, 1) },
		"Rooms.KeepSilence":    func() error { return s.Rooms.KeepSilence(ctx, "r", "u", 1) },
		"Rooms.ForgetSilence":  func() error { return s.Rooms.ForgetSilence(ctx, "r", []string{"u"}) },
		"Rooms.Reword":         func() error { return s.Rooms.Reword(ctx, &Message{RoomIdentity: "r", Identity: 1}) },
		"Rooms.Advance":        func() error { return s.Rooms.Advance(ctx, []*Message{{RoomIdentity: "r", Seq: 1}}) },

		"UserRooms.Ensure": func() error {
			return s.UserRooms.Ensure(ctx, []UserRoom{{Identity: "m", UserIdentity: "u", RoomIdentity: "r"}})
		},
		"UserRooms.Get":            func() error { return ask(s.UserRooms.Get(ctx, "u", "r")) },
		"UserRooms.ByUser":         func() error { return ask(s.UserRooms.ByUser(ctx, "u")) },
		"UserRooms.ByRooms":        func() error { return ask(s.UserRooms.ByRooms(ctx, []string{"r", "q"})) },
		"UserRooms.ByRoom":         func() error { return ask(s.UserRooms.ByRoom(ctx, "r")) },
		"UserRooms.Some":           func() error { return ask(s.UserRooms.Some(ctx, "r", []string{"u", "v"})) },
		"UserRooms.Page":           func() error { return ask(s.UserRooms.Page(ctx, "r", "", "m", 10)) },
		"UserRooms.Page of a role": func() error { return ask(s.UserRooms.Page(ctx, "r", define.RoleAdmin, "", 10)) },
		"UserRooms.SetRole":        func() error { return s.UserRooms.SetRole(ctx, "u", "r", define.RoleAdmin, 1) },
		"UserRooms.SetSilenced":    func() error { return s.UserRooms.SetSilenced(ctx, "u", "r", 1, 1) },
		"UserRooms.Change":         func() error { return ask(s.UserRooms.Change(ctx, "u", "r", MemberChange{Nickname: &name}, 1)) },
		"UserRooms.Read":           func() error { return ask(s.UserRooms.Read(ctx, Read{UserIdentity: "u", RoomIdentity: "r", Seq: 1})) },
		"UserRooms.AdvanceReads": func() error {
			return s.UserRooms.AdvanceReads(ctx, []Read{{UserIdentity: "u", RoomIdentity: "r", Seq: 1}})
		},
		"UserRooms.Among":  func() error { return ask(s.UserRooms.Among(ctx, "u", []string{"r", "q"})) },
		"UserRooms.Delete": func() error { return ask(s.UserRooms.Delete(ctx, "u", "r")) },

		"UserRooms.Mention":     func() error { return s.UserRooms.Mention(ctx, "r", 1, []string{"v"}) },
		"UserRooms.Mention all": func() error { return s.UserRooms.Mention(ctx, "r", 1, nil) },
		"UserRooms.Hide":        func() error { return s.UserRooms.Hide(ctx, "u", "r", 1) },
		"UserRooms.Clear":       func() error { return ask(s.UserRooms.Clear(ctx, "u", "r", 1, 1, 1)) },
		"UserRooms.Skip":        func() error { return s.UserRooms.Skip(ctx, "r", 1, "") },
		"UserRooms.Skip of one": func() error { return s.UserRooms.Skip(ctx, "r", 1, "u") },

		"Invitations.Close":     func() error { return s.Invitations.Close(ctx, "r", "u", 1) },
		"Invitations.Awaiting":  func() error { return ask(s.Invitations.Awaiting(ctx, "u", "i", 10)) },
		"Invitations.Get":       func() error { return ask(s.Invitations.Get(ctx, "i")) },
		"Invitations.Pending":   func() error { return ask(s.Invitations.Pending(ctx, "r", "u")) },
		"Invitations.Page":      func() error { return ask(s.Invitations.Page(ctx, "r", "i", 10)) },
		"Invitations.PendingOf": func() error { return ask(s.Invitations.PendingOf(ctx, "r", []string{"u", "v"})) },
		"Invitations.Waiting":   func() error { return ask(s.Invitations.Waiting(ctx, "u")) },
		"Invitations.Decide":    func() error { return ask(s.Invitations.Decide(ctx, "i", define.InvitationApproved, "u", 1)) },

		"Announcements.Get":             func() error { return ask(s.Announcements.Get(ctx, "a")) },
		"Announcements.ByMessage":       func() error { return ask(s.Announcements.ByMessage(ctx, 1)) },
		"Announcements.Page":            func() error { return ask(s.Announcements.Page(ctx, "r", "a", 10)) },
		"Announcements.Delete":          func() error { return ask(s.Announcements.Delete(ctx, "a")) },
		"Announcements.DeleteByMessage": func() error { return s.Announcements.DeleteByMessage(ctx, 1) },

		"Notifications.Page":     func() error { return ask(s.Notifications.Page(ctx, "u", 5, 10)) },
		"Notifications.Get":      func() error { return ask(s.Notifications.Get(ctx, "u", 1)) },
		"Notifications.Delete":   func() error { return ask(s.Notifications.Delete(ctx, "u", 1)) },
		"Notifications.Read":     func() error { return s.Notifications.Read(ctx, "u", []int64{1, 2}) },
		"Notifications.Read all": func() error { return s.Notifications.Read(ctx, "u", nil) },

		"Messages.Get":            func() error { return ask(s.Messages.Get(ctx, 1)) },
		"Messages.GetMany":        func() error { return ask(s.Messages.GetMany(ctx, []int64{1, 2})) },
		"Messages.InSpans":        func() error { return ask(s.Messages.InSpans(ctx, []Span{{"r", 1, 2}, {"q", 3, 3}})) },
		"Messages.BySeq":          func() error { return ask(s.Messages.BySeq(ctx, "r", 1)) },
		"Messages.ByClientID":     func() error { return ask(s.Messages.ByClientID(ctx, "r", "u", "c")) },
		"Messages.Last":           func() error { return ask(s.Messages.Last(ctx, "r")) },
		"Messages.Before":         func() error { return ask(s.Messages.Before(ctx, "r", "u", 0, 100, 10)) },
		"Messages.After":          func() error { return ask(s.Messages.After(ctx, "r", "u", 0, 10)) },
		"Messages.Edit":           func() error { return ask(s.Messages.Edit(ctx, 1, "d", 1)) },
		"Messages.Transcribe":     func() error { return ask(s.Messages.Transcribe(ctx, 1, Transcription{})) },
		"Messages.Recall":         func() error { return ask(s.Messages.Recall(ctx, 1, "u", 1)) },
		"Messages.Hide":           func() error { return s.Messages.Hide(ctx, 1, "u") },
		"Messages.AddReaction":    func() error { return ask(s.Messages.AddReaction(ctx, 1, "e", "u", 2, 1)) },
		"Messages.RemoveReaction": func() error { return ask(s.Messages.RemoveReaction(ctx, 1, "e", "u", 1)) },
		"Messages.HasFile":        func() error { return ask(s.Messages.HasFile(ctx, "f")) },
		"Messages.PlacesOfFile":   func() error { return ask(s.Messages.PlacesOfFile(ctx, "f", nil, 5)) },
		"Messages.PlacesOfFile in rooms": func() error {
			return ask(s.Messages.PlacesOfFile(ctx, "f", []string{"r", "q"}, 5))
		},
		"Messages.Newest": func() error { return ask(s.Messages.Newest(ctx, 10)) },

		"Runs.EndingFrom": func() error { return ask(s.Runs.EndingFrom(ctx, "r", 1, 2)) },
		"Runs.SetTerms":   func() error { return s.Runs.SetTerms(ctx, 1, []int32{1}) },
		"Runs.Find": func() error {
			return ask(s.Runs.Find(ctx, RunQuery{Rooms: []string{"r"}, Any: []int32{1}, All: []int32{2}, To: 9, Limit: 5}))
		},
		"Runs.Find forward": func() error {
			return ask(s.Runs.Find(ctx, RunQuery{Rooms: []string{"r"}, Any: []int32{1, 3}, To: 9, Forward: true, Limit: 5}))
		},
		"Runs.Find unordered": func() error {
			return ask(s.Runs.Find(ctx, RunQuery{Rooms: []string{"r"}, Any: []int32{1, 3}, To: 9, Unordered: true, Limit: 5}))
		},
		"Runs.Count": func() error { return ask(s.Runs.Count(ctx, []string{"r"}, []int32{1}, 5)) },

		"Calls.Get":       func() error { return ask(s.Calls.Get(ctx, "c")) },
		"Calls.Open":      func() error { return ask(s.Calls.Open(ctx, "r")) },
		"Calls.Save":      func() error { return s.Calls.Save(ctx, &Call{Identity: "c", RoomIdentity: "r"}) },
		"Calls.Renew":     func() error { return s.Calls.Renew(ctx, []string{"c", "d"}, 1) },
		"Calls.Abandoned": func() error { return ask(s.Calls.Abandoned(ctx, 1)) },
		"Calls.HeldBy":    func() error { return ask(s.Calls.HeldBy(ctx, "n")) },

		"Codes.Replace": func() error { return ask(s.Codes.Replace(ctx, &Code{Identity: "c"}, 1)) },
		"Codes.Try":     func() error { return ask(s.Codes.Try(ctx, "c", 5, time.Now())) },
		"Codes.Use":     func() error { return ask(s.Codes.Use(ctx, "c", "h")) },

		"Files.Get":      func() error { return ask(s.Files.Get(ctx, "f")) },
		"Files.Complete": func() error { return ask(s.Files.Complete(ctx, "f", Facts{Mime: "text/plain"})) },
		"Files.Shared":   func() error { return ask(s.Files.Shared(ctx, "h")) },
		"Files.Hold":     func() error { return s.Files.Hold(ctx, map[string]int{"f": 1}, 1) },
		"Files.Release":  func() error { return s.Files.Release(ctx, map[string]int{"f": 1}) },
		"Files.Loosen":   func() error { return s.Files.Loosen(ctx, []string{"f", "g"}, 1) },
		"Files.Fasten":   func() error { return s.Files.Fasten(ctx, &File{Identity: "f", LooseSince: 1}) },
		"Files.Loose":    func() error { return ask(s.Files.Loose(ctx, 1, 5)) },
		"Files.Delete":   func() error { return ask(s.Files.Delete(ctx, &File{Identity: "f"})) },

		"Blobs.Get":       func() error { return ask(s.Blobs.Get(ctx, "h")) },
		"Blobs.Use":       func() error { return ask(s.Blobs.Use(ctx, "h")) },
		"Blobs.ByContent": func() error { return ask(s.Blobs.ByContent(ctx, "c")) },
		"Blobs.Delete":    func() error { return ask(s.Blobs.Delete(ctx, &Blob{SHA256: "h"})) },

		"Contents.Write":   func() error { return ask(s.Contents.Write(ctx, "c", strings.NewReader("bytes"))) },
		"Contents.Open":    func() error { return ask(readContent(ctx, s)) },
		"Contents.Forsake": func() error { return s.Contents.Forsake(ctx, []string{"d", "e"}, 1) },
		"Contents.Keep":    func() error { return s.Contents.Keep(ctx, []string{"d", "e"}) },
		"Contents.KeepOld": func() error { return s.Contents.KeepOld(ctx, []string{"d", "e"}, 1) },
		"Contents.Strays":  func() error { return ask(s.Contents.Strays(ctx, 1, 5)) },
		"Contents.Remove":  func() error { return s.Contents.Remove(ctx, []string{"d", "e"}) },

		"Translations.Get":    func() error { return ask(s.Translations.Get(ctx, TranslationIdentity("t", "", "en"), time.Now())) },
		"Translations.Keep":   func() error { return s.Translations.Keep(ctx, &Translation{Identity: "t"}) },
		"Translations.Forget": func() error { return s.Translations.Forget(ctx, "t") },

		"Counters.Take": func() error { return ask(s.Counters.Take(ctx, "c", 1)) },
	}
}

// readContent stores a content and reads it.
func readContent(ctx context.Context, s *Store) ([]byte, error) {
	if _, err := s.Contents.Write(ctx, "read", strings.NewReader("bytes")); err != nil {
		return nil, err
	}
	r, err := s.Contents.Open(ctx, "read")
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Each query is sent, and what was sent is explained: it must be served by a part of an index, and a sort by its order.
// Only Newest walks a whole index, as far as its limit.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	t.Parallel()
	s, commands := openWatched(t)
	commands.take()
	for name, query := range queries(t.Context(), s) {
		if err := query(); err != nil && err != ErrNotFound {
			t.Fatalf("%s: %v", name, err)
		}
		asked := 0
		for _, command := range commands.take() {
			for _, part := range explainable(t, command) {
				asked++
				if plan := explain(t, s, part); name != "Messages.Newest" && scans(plan) {
					t.Errorf("%s: %v is answered by %v", name, part, plan)
				}
			}
		}
		commands.take()
		if asked == 0 {
			t.Errorf("%s asked nothing", name)
		}
	}
}

// Every method that asks something stands in queries; those that only insert ask nothing.
func TestEveryQueryIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for name := range queries(t.Context(), &Store{}) {
		method, _, _ := strings.Cut(strings.ReplaceAll(name, ",", " "), " ")
		known[method] = true
	}
	store := reflect.TypeFor[Store]()
	for i := range store.NumField() {
		collection := store.Field(i)
		for j := range collection.Type.NumMethod() {
			name := collection.Name + "." + collection.Type.Method(j).Name
			if collection.IsExported() && !strings.Contains(name, ".Insert") && !known[name] {
				t.Errorf("%s is not among the queries", name)
			}
		}
	}
}

// explainable takes a command apart into commands that can be explained.
func explainable(t *testing.T, command bson.Raw) []bson.D {
	t.Helper()
	var fields bson.D
	if err := bson.Unmarshal(command, &fields); err != nil {
		t.Fatal(err)
	}
	kept := bson.D{}
	var parts []bson.D
	for i, f := range fields {
		switch {
		case i == 0 && f.Key == "insert":
			return nil
		case i == 0 && f.Key == "aggregate":
			return []bson.D{countOf(t, f.Value, fields)}
		case i == 0, f.Key == "filter", f.Key == "query", f.Key == "sort", f.Key == "limit", f.Key == "update", f.Key == "upsert":
			kept = append(kept, f)
		case f.Key == "updates", f.Key == "deletes":
			for _, one := range f.Value.(bson.A) {
				parts = append(parts, append(kept[:1:1], bson.E{Key: f.Key, Value: bson.A{one}}))
			}
		}
	}
	if parts == nil {
		parts = []bson.D{kept}
	}
	return parts
}

// countOf is the count that the driver sends as an aggregation.
func countOf(t *testing.T, collection any, fields bson.D) bson.D {
	t.Helper()
	for _, f := range fields {
		if f.Key == "pipeline" {
			match := f.Value.(bson.A)[0].(bson.D)[0].Value
			return bson.D{{Key: "count", Value: collection}, {Key: "query", Value: match}}
		}
	}
	t.Fatalf("%v has no pipeline", fields)
	return nil
}

func explain(t *testing.T, s *Store, command bson.D) (plan bson.D) {
	t.Helper()
	var answer struct {
		QueryPlanner struct {
			WinningPlan bson.D `bson:"winningPlan"`
		} `bson:"queryPlanner"`
	}
	err := s.database.RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&answer)
	if err != nil || len(answer.QueryPlanner.WinningPlan) == 0 {
		t.Fatalf("explain %v: %v, %v", command, answer, err)
	}
	return answer.QueryPlanner.WinningPlan
}

// scans reports whether a plan reads a whole collection, or a whole index, or sorts by itself.
func scans(plan bson.D) bool {
	for _, field := range plan {
		switch value := field.Value.(type) {
		case string:
			if field.Key == "stage" && (value == "COLLSCAN" || value == "SORT") {
				return true
			}
		case bson.D:
			if field.Key == "indexBounds" && unbounded(value[0]) || field.Key == "inputStage" && scans(value) {
				return true
			}
		}
	}
	return false
}

// unbounded reports whether a field of an index is read from one end to the other.
func unbounded(field bson.E) bool {
	bounds := fmt.Sprint(field.Value)
	return strings.Contains(bounds, "MinKey") && strings.Contains(bounds, "MaxKey")
}

// An index that an earlier version made, and that another has replaced, is dropped at the start; once.
func TestRetiredIndexesAreDropped(t *testing.T) {
	t.Parallel()
	s, _ := openWatched(t)
	has := func(i index) bool {
		specs, err := s.database.Collection(i.collection).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		keys, err := bson.Marshal(i.model().Keys)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(specs, func(spec mongo.IndexSpecification) bool { return bytes.Equal(spec.KeysDocument, keys) })
	}
	for _, i := range retired {
		if _, err := s.database.Collection(i.collection).Indexes().CreateOne(t.Context(), i.model()); err != nil {
			t.Fatal(err)
		}
		if !has(i) {
			t.Fatal("the index of before is not there")
		}
	}
	for range 2 {
		if err := s.makeIndexes(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, i := range retired {
			if has(i) {
				t.Errorf("the index on %v is still there", i.keys)
			}
		}
		for _, i := range indexes {
			if !has(i) {
				t.Errorf("the index on %v is gone", i.keys)
			}
		}
	}
}
