// Command parlor is a self-hosted chat server: rooms over REST and WebSocket, kept in MongoDB, in one binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/models/embedded"
	"parlor/router"
	"parlor/router/socket"
	"parlor/router/turn"
	"parlor/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "parlor:", err)
		os.Exit(1)
	}
}

// run is the whole program: it serves until ctx ends, then stops gracefully. The log goes to out; its line "listening"
// names the bound address.
func run(ctx context.Context, args, environ []string, out io.Writer) error {
	flags := flag.NewFlagSet("parlor", flag.ContinueOnError)
	flags.SetOutput(out)
	path := flags.String("config", "config.yaml", "the `file` with the settings; without the flag it may be absent")
	version := flags.Bool("version", false, "print the version and end")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *version {
		_, err := fmt.Fprintln(out, "parlor", buildVersion())
		return err
	}
	required := false
	flags.Visit(func(f *flag.Flag) { required = required || f.Name == "config" })
	config, err := helper.LoadConfig(*path, required, environ)
	if err != nil {
		return err
	}
	err = serve(ctx, config, newLog(config.Log, out))
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // told to stop before it had started
	}
	return err
}

// stopTimeout bounds a graceful stop; Docker kills after 10 seconds.
const stopTimeout = 9 * time.Second

// serve runs the server that config describes until ctx ends.
func serve(ctx context.Context, config define.Config, log *slog.Logger) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return err
	}
	defer listener.Close() // for the ways out below; the HTTP server closes it earlier

	tokens, err := newTokens(config)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()

	mailer, err := helper.NewMailer(config.SMTP)
	if err != nil {
		return err
	}
	speech, err := helper.NewSpeech(config.Speech, filepath.Join(config.Data, "speech"))
	if err != nil {
		return err
	}
	defer speech.Close()
	translator, err := helper.NewTranslator(config.Translation)
	if err != nil {
		return err
	}
	defer translator.Close()
	relay, err := openTURN(ctx, &config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTURN(relay)) }()
	services := service.New(db.store, config, tokens, service.Providers{Mailer: mailer, Speech: speech, Translator: translator}, log)
	if err := services.Start(ctx); err != nil {
		return errors.Join(err, services.Stop(ctx))
	}
	sockets := socket.New(socket.Options{Hub: services.Hub, Origins: config.CORS.Origins, LimitsFactor: config.Limits.Factor, Log: log})
	handler, err := router.New(router.Deps{Config: config, Services: services, Sockets: sockets, Log: log})
	if err != nil {
		return errors.Join(err, services.Stop(ctx))
	}
	s := server{http: newHTTPServer(handler, log), services: services, sockets: sockets, log: log}
	return s.run(ctx, listener)
}

// server is what answers once everything is wired.
type server struct {
	http     *http.Server
	services *service.Services
	sockets  *socket.Server
	log      *slog.Logger
}

// run answers on listener until ctx ends, then stops gracefully.
func (s server) run(ctx context.Context, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(listener) }()
	s.log.Info("listening", "address", listener.Addr().String(), "version", buildVersion())

	select {
	case err := <-served:
		return errors.Join(err, s.stop(ctx))
	case <-ctx.Done():
		s.log.Info("stopping")
		err := s.stop(ctx)
		<-served // http.ErrServerClosed
		s.log.Info("stopped")
		return err
	}
}

// stop takes no new work and answers what is under way, then closes the sockets with 1001 and finishes the queued writes.
func (s server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	s.services.Interrupt()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests under way were cut off", "error", err)
		s.http.Close()
	}
	return errors.Join(s.services.Stop(ctx), s.sockets.Wait(ctx))
}

// newHTTPServer returns the HTTP server. Its limits are far above what a slow phone needs and end connections that only hold
// on to it; they do not apply to sockets.
func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

func newTokens(config define.Config) (*helper.Tokens, error) {
	if config.Auth.Secret != "" {
		return helper.NewTokens([]byte(config.Auth.Secret)), nil
	}
	secret, err := helper.LoadOrCreateSecret(filepath.Join(config.Data, "secret"))
	if err != nil {
		return nil, err
	}
	return helper.NewTokens(secret), nil
}

// openTURN starts the TURN server inside, nil where it is off, and tells clients of it.
func openTURN(ctx context.Context, config *define.Config, log *slog.Logger) (*turn.Server, error) {
	if config.TURN.Address == "" {
		return nil, nil
	}
	if config.TURN.Secret == "" {
		secret, err := helper.LoadOrCreateSecret(filepath.Join(config.Data, "turn_secret"))
		if err != nil {
			return nil, err
		}
		config.TURN.Secret = string(secret)
	}
	server, err := turn.Start(ctx, config.TURN, log)
	if err != nil {
		return nil, err
	}
	config.TURN.URLs = server.URLs()
	return server, nil
}

func closeTURN(server *turn.Server) error {
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return server.Stop(ctx)
}

// database is where everything is kept.
type database struct {
	store    *models.Store
	embedded *embedded.Server // nil where another MongoDB is configured
}

func openDatabase(ctx context.Context, config define.Config, log *slog.Logger) (*database, error) {
	options := models.Options{URI: config.MongoDB.URI, Database: config.MongoDB.Database}
	d := &database{}
	if options.URI == "" {
		server, err := openEmbedded(ctx, config, log)
		if err != nil {
			return nil, err
		}
		d.embedded, options.Dial = server, server.Dial
	}
	store, err := models.Open(ctx, options)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.store = store
	return d, nil
}

func (d *database) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	if d.store != nil {
		errs = append(errs, d.store.Close(ctx))
	}
	if d.embedded != nil {
		errs = append(errs, d.embedded.Close(ctx))
	}
	return errors.Join(errs...)
}

// openEmbedded starts the database inside this process. A taken port only means that nobody can look at it from outside.
func openEmbedded(ctx context.Context, config define.Config, log *slog.Logger) (*embedded.Server, error) {
	server, err := embedded.Open(ctx, embedded.Options{
		Dir:       filepath.Join(config.Data, "mongodb"),
		Listen:    config.Embedded.Listen,
		User:      config.Embedded.User,
		Password:  config.Embedded.Password,
		CacheSize: int64(config.Embedded.Cache) << 20,
		Logger:    log.With("part", "database"),
	})
	if err != nil {
		return nil, fmt.Errorf("open the embedded database: %w", err)
	}
	if address := server.Addr(); address != nil {
		log.Info(fmt.Sprintf("look into the database with: mongosh mongodb://%s/%s", address, config.MongoDB.Database))
	}
	return server, nil
}

// newLog returns the log that the configuration asks for; it has been checked before.
func newLog(config define.LogConfig, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: levels[config.Level]}
	if config.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// buildVersion is the version of the module as the go command recorded it.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
