package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// asProgram makes the test binary run as the program itself, so that the tests can start and kill it as a process.
const asProgram = "TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// patience bounds everything that a test waits for. It is far above what a loaded machine needs.
const patience = 60 * time.Second

// process is the program, running.
type process struct {
	t       testing.TB
	cmd     *exec.Cmd
	address string
	exited  chan struct{}
	err     error // of Wait; read after exited

	mu  sync.Mutex
	log bytes.Buffer
}

// command prepares the program with its data in dir, on any free port and without rate limits.
func command(t testing.TB, dir string, environ ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Dir = dir
	cmd.Env = append([]string{
		asProgram + "=1", "HOME=" + dir, "PARLOR_LISTEN=127.0.0.1:0", "PARLOR_EMBEDDED_LISTEN=", "PARLOR_LIMITS_FACTOR=0", "PARLOR_LOG_LEVEL=debug",
	}, environ...)
	return cmd
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// start runs the program and waits until it listens.
func start(t testing.TB, dir string, environ ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, dir, environ...), exited: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := make(chan string, 1)
	go func() {
		defer close(p.exited)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.log.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if match := listening.FindStringSubmatch(lines.Text()); match != nil {
				addresses <- match[1]
			}
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
	})
	select {
	case p.address = <-addresses:
	case <-p.exited:
		t.Fatalf("the program ended: %v\n%s", p.err, p.logged())
	case <-time.After(patience):
		t.Fatalf("the program does not listen:\n%s", p.logged())
	}
	return p
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// end waits until the program has ended after a signal, and returns its error.
func (p *process) end(signal os.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the program does not end:\n%s", p.logged())
	}
	return p.err
}

// call asks the API, as whoever has this token, and decodes the answer.
func call[T any](p *process, method, path, token string, body any) (answer T) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequest(method, "http://"+p.address+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		p.t.Fatalf("%s %s: status %d: %s", method, path, response.StatusCode, got)
	}
	if err := json.Unmarshal(got, &answer); len(got) > 0 && err != nil {
		p.t.Fatalf("%s %s: %v: %s", method, path, err, got)
	}
	return answer
}

type fields map[string]any

type identified struct {
	Identity string `json:"identity"`
}

// account is a user with his token.
type account struct {
	User  identified `json:"user"`
	Token string     `json:"token"`
}

const password = "correct horse battery"

func (p *process) register(name string) account {
	p.t.Helper()
	return call[account](p, "POST", "/register", "", fields{"account": name, "password": password})
}

// befriend makes two users friends.
func (p *process) befriend(a, b account) {
	p.t.Helper()
	request := call[identified](p, "POST", "/friends/requests", a.Token, fields{"to": b.User.Identity})
	call[any](p, "POST", "/friends/requests/"+request.Identity+"/accept", b.Token, nil)
}

func TestProcessServes(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	response, err := http.Get("http://" + p.address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("/healthz: status %d", response.StatusCode)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("ended with %v:\n%s", err, p.logged())
	}
}

func TestProcessRefusesWrongSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("log:\n  level: loud\nlimits:\n  fcator: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, "PARLOR_HUB_QUEUE_FRAMES=many")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "PARLOR_LOG_LEVEL") })
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"config.yaml:2:10: log.level", "config.yaml:4:3: limits.fcator", "PARLOR_HUB_QUEUE_FRAMES: hub.queue_frames"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not named:\n%s", want, out)
		}
	}
}

func TestProcessServesWhereTheDatabasePortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := start(t, t.TempDir(), "PARLOR_EMBEDDED_LISTEN="+taken.Addr().String())
	p.register("alice")
	if log := p.logged(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, taken.Addr().String()) || strings.Contains(log, "mongosh mongodb://") {
		t.Errorf("the log says:\n%s", log)
	}
}

// Whoever was logged in before a restart still is.
func TestProcessKeepsItsSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	alice := p.register("alice")
	if err := p.end(os.Interrupt); err != nil {
		t.Errorf("ended with %v:\n%s", err, p.logged())
	}
	p = start(t, dir)
	if me := call[identified](p, "GET", "/users/me", alice.Token, nil); me.Identity != alice.User.Identity {
		t.Errorf("the old token is now %+v", me)
	}
}

// Nothing that anybody says or logs in with stands in the log, however much is logged.
func TestProcessLogTellsNoSecrets(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	alice := p.register("alice")
	room := call[identified](p, "POST", "/rooms", alice.Token, fields{"name": "room"}).Identity
	const said = "what nobody may read"
	call[any](p, "POST", "/rooms/"+room+"/messages", alice.Token, fields{"data": said})
	for _, path := range []string{"/ws?token=" + alice.Token, "/api/v1/users/me?token=" + alice.Token, "/" + alice.Token} {
		response, err := http.Get("http://" + p.address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	s := connect(p, alice, "?token="+alice.Token)
	if _, err := s.send(room, said, "c-1"); err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+p.address+"/api/v1/login", "application/json", strings.NewReader(`{"account": "alice", "password": "`+password+`!"}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("ended with %v", err)
	}
	log := p.logged()
	if !strings.Contains(log, "msg=request") {
		t.Errorf("requests are not logged:\n%s", log)
	}
	signature := alice.Token[strings.LastIndex(alice.Token, ".")+1:]
	for what, secret := range map[string]string{"the token": signature, "the message": said, "the password": password} {
		if strings.Contains(log, secret) {
			t.Errorf("%s stands in the log:\n%s", what, log)
		}
	}
}

// The line in the log leads whoever comes with the official tools to the documents.
func TestProcessShowsItsDatabase(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "PARLOR_EMBEDDED_LISTEN=127.0.0.1:0")
	alice, bob := p.register("alice"), p.register("bob")
	p.befriend(alice, bob)
	room := call[identified](p, "POST", "/rooms", alice.Token, fields{"name": "room"}).Identity
	call[any](p, "POST", "/rooms/"+room+"/messages", alice.Token, fields{"data": "hello"})

	match := regexp.MustCompile(`mongosh (mongodb://127\.0\.0\.1:\d+)/parlor`).FindStringSubmatch(p.logged())
	if match == nil {
		t.Fatalf("the log does not say where:\n%s", p.logged())
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(ctx)
	db := client.Database("parlor")
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for collection, n := range map[string]int64{"user": 2, "room": 2, "user_room": 3, "message": 1, "friendship": 2, "session": 2} {
		if !slices.Contains(names, collection) {
			t.Errorf("there is no %s among %q", collection, names)
		}
		if got, err := db.Collection(collection).CountDocuments(ctx, bson.D{}); err != nil || got != n {
			t.Errorf("%s holds %d documents, %v; want %d", collection, got, err, n)
		}
	}
	var message struct {
		RoomIdentity string `bson:"room_identity"`
		UserIdentity string `bson:"user_identity"`
		Seq          int64  `bson:"seq"`
		Data         string `bson:"data"`
	}
	if err := db.Collection("message").FindOne(ctx, bson.D{{Key: "room_identity", Value: room}}).Decode(&message); err != nil {
		t.Fatal(err)
	}
	if message.UserIdentity != alice.User.Identity || message.Seq != 1 || message.Data != "hello" {
		t.Errorf("the message is %+v", message)
	}
	var user struct {
		Password string `bson:"password"`
	}
	if err := db.Collection("user").FindOne(ctx, bson.D{{Key: "_id", Value: alice.User.Identity}}).Decode(&user); err != nil || !strings.HasPrefix(user.Password, "$argon2id$") {
		t.Errorf("the password is kept as %q, %v", user.Password, err)
	}
}
