package router_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/models/embedded"
	"parlor/router"
	sockets "parlor/router/socket"
	"parlor/router/turn"
	"parlor/service"
)

// patience bounds everything that a test waits for. It is far above what a loaded machine needs.
const patience = time.Minute

// instance is a whole server in this process, on a loopback port.
type instance struct {
	url        string
	config     define.Config
	tokens     *helper.Tokens
	database   *embedded.Server // nil where the configuration names another MongoDB
	store      *models.Store
	services   *service.Services
	speech     *helper.Speech
	translator *helper.Translator
	sockets    *sockets.Server
	turn       *turn.Server // nil where it is off
	http       *httptest.Server
	client     *http.Client
	faults     *faults
}

// faults is a log of what must not happen: the server writes at level error only where it is wrong itself.
type faults struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (f *faults) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

func (f *faults) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text.Len() == 0 {
		return nil
	}
	return fmt.Errorf("the server logged faults:\n%s", f.text.String())
}

// testConfig is what the tests run with: no rate limits, nothing outside dir, no port but the one of HTTP.
func testConfig(dir string) define.Config {
	config := define.DefaultConfig()
	config.Data, config.Limits.Factor, config.Embedded.Listen = dir, 0, ""
	config.Faces.Usersig.Secret = usersigSecret
	return config
}

// open starts a server as main does, without its log.
func open(config define.Config) (*instance, error) {
	i := &instance{config: config, tokens: helper.NewTokens([]byte("a secret of thirty-two bytes or more")), faults: &faults{}}
	log := slog.New(slog.NewTextHandler(i.faults, &slog.HandlerOptions{Level: slog.LevelError}))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mailer, err := helper.NewMailer(config.SMTP)
	if err != nil {
		return nil, err
	}
	o := models.Options{URI: config.MongoDB.URI, Database: config.MongoDB.Database}
	if o.URI == "" {
		i.database, err = embedded.Open(ctx, embedded.Options{Dir: filepath.Join(config.Data, "mongodb"), Listen: config.Embedded.Listen, Logger: log})
		if err != nil {
			return nil, err
		}
		o.Dial = i.database.Dial
	}
	if i.store, err = models.Open(ctx, o); err != nil {
		return nil, err
	}
	if i.speech, err = helper.NewSpeech(config.Speech, filepath.Join(config.Data, "speech")); err != nil {
		return nil, err
	}
	if i.translator, err = helper.NewTranslator(config.Translation); err != nil {
		return nil, err
	}
	if config.TURN.Address != "" {
		if i.turn, err = turn.Start(ctx, config.TURN, log); err != nil {
			return nil, err
		}
		config.TURN.URLs = i.turn.URLs()
	}
	i.services = service.New(i.store, config, i.tokens, service.Providers{Mailer: mailer, Speech: i.speech, Translator: i.translator}, log)
	if err := i.services.Start(ctx); err != nil {
		return nil, err
	}
	i.sockets = sockets.New(sockets.Options{Hub: i.services.Hub, Origins: config.CORS.Origins, LimitsFactor: config.Limits.Factor, Log: log})
	handler, err := router.New(router.Deps{Config: config, Services: i.services, Sockets: i.sockets, Log: log})
	if err != nil {
		return nil, err
	}
	i.http = httptest.NewServer(handler)
	i.url = i.http.URL
	i.client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return i, nil
}

// close stops a server in the order of main. What it logged as a fault is an error.
func (i *instance) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	i.client.CloseIdleConnections()
	i.http.Close()
	i.speech.Close()
	i.translator.Close()
	err := errors.Join(i.services.Stop(ctx), i.sockets.Wait(ctx), i.store.Close(ctx))
	if i.database != nil {
		err = errors.Join(err, i.database.Close(ctx))
	}
	if i.turn != nil {
		err = errors.Join(err, i.turn.Stop(ctx))
	}
	return errors.Join(err, i.faults.err())
}

// shared is the one server that most tests use, each with users of its own. It is started by the first.
var shared struct {
	once sync.Once
	*instance
	mails *mailServer // through which it sends
	words *wordsService
	dir   string
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(closeShared(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func closeShared() error {
	if shared.instance == nil {
		return nil
	}
	err := errors.Join(shared.close(), shared.mails.close(), os.RemoveAll(shared.dir))
	shared.words.Close()
	return err
}

// server is a server as one test uses it.
type server struct {
	*instance
	t *testing.T
}

// sharedServer returns the server that the tests share. A test that stops it, or that needs other settings, takes newServer.
func sharedServer(t *testing.T) *server {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "parlor-router-"); shared.err == nil {
			config := testConfig(shared.dir)
			if shared.mails, config.SMTP, shared.err = startMailServer(shared.dir); shared.err == nil {
				shared.words = startWordsService()
				shared.words.configure(&config)
				shared.instance, shared.err = open(config)
			}
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &server{shared.instance, t}
}

// newServer starts a server for one test.
func newServer(t *testing.T, change func(*define.Config)) *server {
	t.Helper()
	config := testConfig(t.TempDir())
	change(&config)
	i, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.close(); err != nil {
			t.Error(err)
		}
	})
	return &server{i, t}
}

// together calls f(0) … f(n-1), all at the same moment, and returns when they are done.
func together(n int, f func(i int)) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	done.Wait()
}
