package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service"
)

const (
	uploaders       = 4
	uploadsEach     = 200
	uploadsAnswered = 25 // after which the program is killed
)

// contentOf is one of a few contents, so that many uploads share one.
func contentOf(n int) []byte {
	content := make([]byte, 1+(n%7)*200_000)
	rand.NewChaCha8([32]byte{byte(n % 7)}).Read(content)
	return content
}

// upload returns the identity of a file, or an error where the program has gone away.
func (p *process) upload(token string, content []byte) (string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "content")
	if err != nil {
		return "", err
	}
	if _, err := part.Write(content); err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	answer, err := p.exchange("POST", "/files", token, form.FormDataContentType(), &body)
	if err != nil {
		return "", err
	}
	var kept identified
	err = json.Unmarshal(answer, &kept)
	return kept.Identity, err
}

func (p *process) exchange(method, path, token, contentType string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequest(method, "http://"+p.address+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", contentType)
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	return answer, err
}

// A program that is killed in the middle of many uploads, sends and recalls has every file that anybody was told of, and
// what it leaves behind goes with the sweep.
func TestProcessIsKilledWhileUploading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	alice := p.register("alice")
	room := call[identified](p, "POST", "/rooms", alice.Token, fields{"name": "room"}).Identity
	var mu sync.Mutex
	kept := map[string]int{} // the number of the content by the identity of the file
	var done sync.WaitGroup
	for i := range uploaders {
		done.Go(func() {
			for n := i; n < i+uploadsEach; n++ {
				identity, err := p.upload(alice.Token, contentOf(n))
				if err != nil {
					return
				}
				if n%3 == 0 { // deleted again: what a kill leaves of that is for the sweep
					body, _ := json.Marshal(fields{"file": identity})
					answer, err := p.exchange("POST", "/rooms/"+room+"/messages", alice.Token, "application/json", bytes.NewReader(body))
					if err != nil {
						return
					}
					var said struct {
						Identity int64 `json:"identity"`
					}
					if json.Unmarshal(answer, &said) == nil {
						_, _ = p.exchange("POST", fmt.Sprint("/messages/", said.Identity, "/recall"), alice.Token, "application/json", nil)
					}
					continue
				}
				mu.Lock()
				kept[identity] = n
				if len(kept) == uploadsAnswered {
					if err := p.cmd.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	<-p.exited
	if len(kept) < uploadsAnswered {
		t.Fatalf("only %d uploads were answered", len(kept))
	}
	p = start(t, dir)
	for identity, n := range kept {
		got, err := p.exchange("GET", "/files/"+identity, alice.Token, "", nil)
		if err != nil || !bytes.Equal(got, contentOf(n)) {
			t.Errorf("of %d bytes %d came back, %v", len(contentOf(n)), len(got), err)
		}
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-p.exited
	checkSwept(t, filepath.Join(dir, "data"))
}

// checkSwept sweeps the data of a program that has ended, as of a time when nothing in it is needed any more: nothing of
// any file may be left.
func checkSwept(t *testing.T, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	config := define.DefaultConfig()
	config.Data, config.Embedded.Listen = data, "127.0.0.1:0"
	log := slog.New(slog.DiscardHandler)
	db, err := openDatabase(ctx, config, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.close(); err != nil {
			t.Error(err)
		}
	}()
	// Of the messages that a kill kept from being recalled.
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + db.embedded.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(ctx)
	database := client.Database(config.MongoDB.Database)
	if _, err := database.Collection("message").UpdateMany(ctx, bson.D{}, bson.D{{Key: "$unset", Value: bson.D{{Key: "files", Value: ""}, {Key: "file", Value: ""}}}}); err != nil {
		t.Fatal(err)
	}
	services := newSweeping(db.store, config, log)
	if err := services.Files.Sweep(ctx, time.Now().Add(25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "blob", "fs.files", "fs.chunks", "stray"} {
		if n, err := database.Collection(name).CountDocuments(ctx, bson.D{}); n > 0 || err != nil {
			t.Errorf("%d documents are left in %s, %v", n, name, err)
		}
	}
}

func newSweeping(store *models.Store, config define.Config, log *slog.Logger) *service.Services {
	return service.New(store, config, helper.NewTokens(make([]byte, 32)), service.Providers{}, log)
}
