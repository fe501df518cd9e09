package router_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
	"parlor/models"
)

// fileCollections are where files and their contents stand.
var fileCollections = []string{"file", "blob", "fs.files", "fs.chunks", "stray"}

// counts says how many documents of files there are, in the order of fileCollections.
func counts(t *testing.T, database *mongo.Database) string {
	t.Helper()
	all := make([]string, len(fileCollections))
	for i, name := range fileCollections {
		n, err := database.Collection(name).CountDocuments(t.Context(), bson.D{})
		must(t, err)
		all[i] = fmt.Sprint(n)
	}
	return strings.Join(all, " ")
}

// sweep deletes what nobody needs, as if so much time had passed.
func (s *server) sweep(after time.Duration) {
	s.t.Helper()
	must(s.t, s.services.Files.Sweep(s.t.Context(), time.Now().Add(after)))
}

func ownServer(t *testing.T) *server { return newServer(t, func(*define.Config) {}) }

// The same photograph uploaded by two people is kept once, and goes with the last of them.
func TestEqualContentsAreKeptOnce(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice, bob := s.friends("alice", "bob")
	photo := pngBytes(picture(300, 300))
	first, second := alice.upload("mine.png", photo), bob.upload("yours.png", photo)
	if first.Identity == second.Identity || first.SHA256 != second.SHA256 || second.Name != "yours.png" || second.Width != 300 || !second.Thumb {
		t.Errorf("uploaded %+v and %+v", first, second)
	}
	if got := counts(t, database); got != "2 1 2 2 0" { // the photograph and its small picture
		t.Errorf("there are %s of %s", got, fileCollections)
	}
	room := alice.roomWith(bob)
	one, other := alice.sendFile(room, first, ""), bob.sendFile(room, second, "")
	alice.post(one.path()+"/recall", nil).ok(200)
	alice.download(first.Identity).refused("not_found")
	alice.download(second.Identity).bytes(200, photo)
	bob.download(second.Identity + "/thumb").ok200()
	bob.post(other.path()+"/recall", nil).ok(200)
	if got := counts(t, database); got != "0 0 0 0 0" {
		t.Errorf("after both were recalled there are %s", got)
	}
}

func (a *answer) ok200() { a.t.Helper(); a.bytes(200, a.body) }

// After the recall of the only message its file is nowhere in the database: not its bytes, its name, nor its caption.
func TestRecallTakesTheFileOut(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	secret, name, caption := "bytes-"+s.suffix(), "name-"+s.suffix(), "caption-"+s.suffix()
	content := append(noise(700_000, 9), secret...) // at the end of the third chunk
	of := alice.upload(name+".bin", content)
	said := alice.sendFile(room, of, caption)
	for text, want := range map[string]string{secret: "[fs.chunks]", name: "[file message room]", caption: "[message room]"} {
		if got := fmt.Sprint(slices.Sorted(slices.Values(placesOf(t, database, text)))); got != want {
			t.Errorf("%s is in %s, want %s", text, got, want)
		}
	}
	alice.post(said.path()+"/recall", nil).ok(200)
	for _, reader := range []*user{alice, bob} {
		reader.download(of.Identity).refused("not_found")
		if last := reader.room(room).LastMessage; last.File != nil || last.RecalledAt == 0 {
			t.Errorf("%s sees %+v", reader.account, last)
		}
	}
	for _, text := range []string{secret, name, caption, of.SHA256} {
		if places := placesOf(t, database, text); len(places) > 0 {
			t.Errorf("%s is still in %q", text, places)
		}
	}
}

// What was uploaded and sent nowhere goes after a day, and nothing else does.
func TestOrphansAreCollected(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice, bob := s.friends("alice", "bob")
	group := alice.group("kept", bob)
	kept := map[string]file{}
	for _, name := range []string{"sent", "forwarded", "merged", "the caller's", "the room's"} {
		kept[name] = alice.upload(name, pngBytes(picture(20+len(kept), 20)))
	}
	sent := alice.sendFile(group, kept["sent"], "")
	original := alice.sendFile(group, kept["forwarded"], "")
	other := alice.sendFile(group, kept["merged"], "")
	bob.post("/messages/forward", fields{"messages": []int64{original.Identity}, "rooms": []string{group}}).ok(201)
	bob.post("/messages/forward", fields{"messages": []int64{other.Identity, sent.Identity}, "rooms": []string{group}, "mode": "merged"}).ok(201)
	alice.post(original.path()+"/recall", nil).ok(200)
	alice.post(other.path()+"/recall", nil).ok(200)
	old := into[ownPerson](alice.sendForm("PUT", "/users/me/avatar", "old.png", pngBytes(picture(90, 20))).ok(200)).Avatar
	avatars := []string{
		into[ownPerson](alice.patch("/users/me", fields{"avatar": kept["the caller's"].Identity}).ok(200)).Avatar,
		into[room](alice.patch("/rooms/"+group, fields{"avatar": kept["the room's"].Identity}).ok(200)).Avatar,
	}
	orphan := alice.upload("orphan", []byte("nobody needs this"))

	s.sweep(23 * time.Hour)
	for _, identity := range append(avatars, old, orphan.Identity) {
		alice.download(identity).ok200()
	}
	s.sweep(25 * time.Hour)
	for _, identity := range []string{old, orphan.Identity, kept["the caller's"].Identity, kept["the room's"].Identity} {
		alice.download(identity).refused("not_found")
	}
	for range 2 { // what was found to be needed is not looked for again
		for _, name := range []string{"sent", "forwarded", "merged"} {
			bob.download(kept[name].Identity).ok200()
		}
		for _, identity := range avatars {
			bob.download(identity).ok200()
		}
		s.sweep(500 * time.Hour)
	}
	if places := placesOf(t, database, "nobody needs this"); len(places) > 0 {
		t.Errorf("the orphan is still in %q", places)
	}
	if loose, err := database.Collection("file").CountDocuments(t.Context(), bson.D{{Key: "loose_since", Value: bson.D{{Key: "$gt", Value: 0}}}}); loose > 0 || err != nil {
		t.Errorf("%d files are still loose, %v", loose, err)
	}
	if got := counts(t, database); got != "5 5 10 10 0" { // each with its small picture
		t.Errorf("there are %s of %s", got, fileCollections)
	}
}

// Whatever a process leaves behind that is killed in the middle of an upload or a deletion is found by the sweep.
func TestSweepAfterACrash(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice := s.user("alice")
	ctx := t.Context()
	write := func(identity string) {
		_, err := s.store.Contents.Write(ctx, identity, strings.NewReader("left behind by "+identity))
		must(t, err)
	}
	// In the middle of an upload: chunks without their end.
	write("cut")
	must1(t)(database.Collection("fs.files").DeleteOne(ctx, bson.D{{Key: "_id", Value: "cut"}}))
	// After the content, and after the file.
	write("content")
	write("incomplete")
	must(t, s.store.Files.Insert(ctx, &models.File{Identity: "f1", UserIdentity: alice.identity, SHA256: "s1", LooseSince: time.Now().UnixMilli()}))
	// After the blob: its content is stray though it belongs to somebody.
	shared := alice.upload("shared", []byte("shared content"))
	alice.sendFile(alice.group("own"), shared, "")
	blob, err := s.store.Blobs.Get(ctx, shared.SHA256)
	must(t, err)
	must(t, s.store.Contents.Forsake(ctx, blob.Contents(), time.Now().UnixMilli()))
	// In the middle of a deletion: before its file, after it, and after its blob.
	for i, name := range []string{"before", "file", "blob"} {
		gone := alice.upload(name, []byte("left behind by "+name))
		blob, err := s.store.Blobs.Get(ctx, gone.SHA256)
		must(t, err)
		must(t, s.store.Contents.Forsake(ctx, blob.Contents(), time.Now().UnixMilli()))
		if i >= 1 {
			must1(t)(database.Collection("file").DeleteOne(ctx, bson.D{{Key: "_id", Value: gone.Identity}}))
		}
		if i >= 2 {
			must1(t)(database.Collection("blob").DeleteOne(ctx, bson.D{{Key: "_id", Value: gone.SHA256}}))
		}
	}
	// A recall that was stopped before its file was collected, and a send that was stopped before it was stored.
	for _, change := range []bson.D{{{Key: "loose_since", Value: 1}}, {{Key: "held", Value: 9}, {Key: "held_at", Value: 1}}} {
		left := alice.upload("x", []byte("left behind by "+fmt.Sprint(change)))
		set(t, database.Collection("file"), bson.D{{Key: "_id", Value: left.Identity}}, change)
	}

	s.sweep(0)
	s.sweep(3 * time.Hour)
	if places := placesOf(t, database, "left behind by content"); len(places) == 0 {
		t.Error("what may be an upload that goes on was deleted")
	}
	s.sweep(25 * time.Hour)
	if places := placesOf(t, database, "left behind"); len(places) > 0 {
		t.Errorf("something is left in %q", places)
	}
	alice.download(shared.Identity).bytes(200, []byte("shared content"))
	if got := counts(t, database); got != "1 1 1 1 0" {
		t.Errorf("there are %s of %s", got, fileCollections)
	}
}

// must1 is must for calls that return something else beside the error.
func must1(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		must(t, err)
	}
}

// Uploads of one content while others with it are sent, recalled and swept: every upload that was answered can be read
// in full, and in the end nothing is left over.
func TestUploadsAndDeletionsOfOneContent(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice, bob := s.friends("alice", "bob")
	group := alice.group("busy", bob)
	content := pngBytes(picture(64, 64))
	const users, rounds = 6, 12
	left := make([][]string, users)
	together(users, func(i int) {
		uploader := []*user{alice, bob}[i%2]
		for range rounds {
			if i == users-1 {
				if err := s.services.Files.Sweep(t.Context(), time.Now()); err != nil { // of what was recalled: what is uploaded is not old
					t.Errorf("sweep: %v", err)
				}
				continue
			}
			a := uploader.sendForm("POST", "/files", "same.png", content)
			if a.err != nil || a.status != 201 {
				t.Errorf("%s: %d %s, %v", a.call, a.status, a.body, a.err)
				return
			}
			of := into[file](a)
			sent := uploader.post("/rooms/"+group+"/messages", fields{"file": of.Identity})
			for _, path := range []string{of.Identity, of.Identity + "/thumb"} {
				if got := alice.download(path); got.err != nil || got.status != 200 || path == of.Identity && !bytes.Equal(got.body, content) {
					t.Errorf("%s: %d, %d bytes, %v", got.call, got.status, len(got.body), got.err)
				}
			}
			if sent.status != 201 {
				t.Errorf("%s: %d %s", sent.call, sent.status, sent.body)
				return
			}
			left[i] = append(left[i], into[message](sent).path())
			if len(left[i])%3 > 0 { // every third stays for a while
				alice.post(left[i][len(left[i])-1]+"/recall", nil)
			}
		}
	})
	for _, paths := range left {
		for _, path := range paths {
			alice.post(path+"/recall", nil).ok(200)
		}
	}
	s.sweep(25 * time.Hour)
	if got := counts(t, database); got != "0 0 0 0 0" {
		t.Errorf("there are %s of %s", got, fileCollections)
	}
}

// Two nodes on one database share contents, and collect them without harm to each other.
func TestFilesOnTwoNodes(t *testing.T) {
	t.Parallel()
	one := newServer(t, func(c *define.Config) { c.Embedded.Listen = "127.0.0.1:0" })
	other := newServer(t, func(c *define.Config) { c.MongoDB.URI = "mongodb://" + one.database.Addr().String() })
	alice := one.user("alice")
	elsewhere := *alice
	elsewhere.server = other
	content := []byte("shared by nodes")
	var kept [24]file
	together(len(kept), func(i int) {
		by := []*user{alice, &elsewhere}[i%2]
		if a := by.sendForm("POST", "/files", fmt.Sprint(i), content); a.err == nil && a.status == 201 {
			kept[i] = into[file](a)
		}
	})
	distinct := map[string]bool{}
	for _, of := range kept {
		distinct[of.Identity] = true
		alice.download(of.Identity).bytes(200, content)
	}
	database := one.openDatabase()
	if got := counts(t, database); len(distinct) != len(kept) || got != "24 1 1 1 0" {
		t.Errorf("%d files: %s of %s", len(distinct), got, fileCollections)
	}
	together(2, func(i int) {
		if err := []*server{one, other}[i].services.Files.Sweep(t.Context(), time.Now().Add(25*time.Hour)); err != nil {
			t.Error(err)
		}
	})
	one.sweep(50 * time.Hour)
	if got := counts(t, database); got != "0 0 0 0 0" {
		t.Errorf("after the sweeps there are %s of %s", got, fileCollections)
	}
}

// What is kept is GridFS as the official driver writes and reads it.
func TestContentsAreGridFS(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	database := s.openDatabase()
	alice := s.user("alice")
	for _, size := range []int{1, 255 << 10, 255<<10 + 1, 3_000_000} {
		content := noise(size, byte(size))
		of := alice.upload("x", content)
		blob, err := s.store.Blobs.Get(t.Context(), of.SHA256)
		must(t, err)
		bucket := database.GridFSBucket()
		var read bytes.Buffer
		n, err := bucket.DownloadToStream(t.Context(), blob.Content, &read)
		if err != nil || n != int64(size) || !bytes.Equal(read.Bytes(), content) {
			t.Errorf("%d bytes: the driver read %d, %v", size, n, err)
		}
		must(t, bucket.UploadFromStreamWithID(t.Context(), fmt.Sprint(size), "theirs", bytes.NewReader(content)))
		var own, theirs bson.M
		find := func(id string, into *bson.M) {
			must(t, database.Collection("fs.files").FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 0}})).Decode(into))
		}
		find(blob.Content, &own)
		find(fmt.Sprint(size), &theirs)
		if got, want := slices.Sorted(maps.Keys(own)), slices.Sorted(maps.Keys(theirs)); !slices.Equal(got, want) || own["length"] != theirs["length"] {
			t.Errorf("%d bytes: %v, the driver writes %v", size, own, theirs)
		}
	}
}
