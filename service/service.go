// Package service holds the rules of Parlor: who may do what, and what follows from it. One file a subject. It knows
// neither HTTP nor sockets nor BSON; every way in calls the same methods.
//
// Methods return what api.md shows, a *define.Error where the caller is refused, or an unexpected error.
package service

import (
	"context"
	"log/slog"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Caller is who asks.
type Caller struct {
	User    string    // identity of the user
	Session string    // identity of his session
	IP      string    // where he asks from
	Conn    *hub.Conn // the socket he asks over; nil over REST
	// Unlocked says until when (Unix milliseconds) his session may read rooms that he has locked. Over a socket, Conn knows it.
	Unlocked map[string]int64
}

// Services are the subjects of Parlor on one core.
type Services struct {
	Accounts      *Accounts
	Sessions      *Sessions
	Friends       *Friends
	Rooms         *Rooms
	Messages      *Messages
	Files         *Files
	Words         *Words
	Notifications *Notifications
	Presence      *Presence
	Calls         *Calls
	Hub           *hub.Hub

	core    *core
	sweeper *sweeper
}

// core is what the services share.
type core struct {
	store  *models.Store
	hub    *hub.Hub
	tokens *helper.Tokens
	config define.Config
	log    *slog.Logger
	users  *cache[User]
	rooms  *cache[*roomState]
	// The identities of users and rooms by their numbers.
	userNumbers *cache[string]
	roomNumbers *cache[string]

	locks    keyedMutex // serialises the changes of one pair or one room in this process
	writer   *writer
	presence *announcer
	indexer  *indexer
	postman  *postman
	pictures *helper.Pictures
	uploads  turnstile
	words    words
	calls    *switchboard
	limits   limits
}

// Providers are the services of others on which Parlor calls.
type Providers struct {
	Mailer     *helper.Mailer // nil where no mail can be sent
	Speech     Speech
	Translator Translator
}

// New makes the services on a database. Start must be called before they are used, Stop afterwards.
func New(store *models.Store, config define.Config, tokens *helper.Tokens, providers Providers, log *slog.Logger) *Services {
	c := &core{store: store, tokens: tokens, config: config, log: log, pictures: helper.NewPictures(), limits: newLimits(config.Limits.Factor)}
	c.users = newCache(100_000, c.loadUser)
	c.rooms = newCache(20_000, c.loadRoom)
	c.userNumbers = newCache(100_000, c.loadUserNumber)
	c.roomNumbers = newCache(100_000, c.loadRoomNumber)
	c.writer = newWriter(c)
	c.presence = newAnnouncer(c)
	c.indexer = newIndexer(c)
	c.postman = newPostman(config, providers.Mailer, log)
	c.words = newWords(providers)
	c.calls = newSwitchboard(c)
	c.hub = hub.New(hub.Options{
		QueueFrames: config.Hub.QueueFrames,
		QueueBytes:  config.Hub.QueueBytes,
		PingEvery:   define.PingEvery,
		Ended:       c.expired,
		Presence:    c.presence.changed,
		Came:        c.calls.came,
		Gone:        c.calls.gone,
		Slow:        hub.CloseReason{Code: define.CloseTooSlow, Text: "too slow: reconnect and sync"},
		Log:         log,
	})
	files := &Files{c}
	return &Services{
		Accounts: &Accounts{c}, Sessions: &Sessions{c}, Friends: &Friends{c}, Rooms: &Rooms{c},
		Messages: &Messages{c}, Files: files, Words: &Words{c}, Notifications: &Notifications{c}, Presence: &Presence{c},
		Calls: &Calls{c}, Hub: c.hub, core: c, sweeper: &sweeper{files: files},
	}
}

// Start repairs what a crash may have left behind and starts the writers.
func (s *Services) Start(ctx context.Context) error {
	if err := s.core.writer.repair(ctx); err != nil {
		return err
	}
	if err := s.core.indexer.repair(ctx); err != nil {
		return err
	}
	if err := s.core.calls.repair(ctx); err != nil {
		return err
	}
	if err := s.core.repairNames(ctx); err != nil {
		return err
	}
	s.core.indexer.start()
	s.core.writer.start()
	s.core.presence.start()
	s.core.postman.start()
	s.core.calls.start()
	s.sweeper.start()
	return nil
}

// Interrupt ends what may take longer than a stop can wait: the work of providers. Those who wait for it are refused with
// ErrStopping.
func (s *Services) Interrupt() { s.core.words.interrupt() }

// Stop ends the calls, closes the sockets with 1001, finishes what is queued, and ends every goroutine. The caller has stopped HTTP.
func (s *Services) Stop(ctx context.Context) error {
	s.Interrupt()
	s.sweeper.stop()
	s.core.calls.stop(ctx)
	err := s.core.hub.Stop(ctx, hub.CloseReason{Code: define.CloseGoingAway, Text: "the server is going away: reconnect"})
	s.core.writer.stop()
	s.core.indexer.stop()
	s.core.presence.stop()
	s.core.postman.stop()
	return err
}

// now is the moment in Unix milliseconds.
func now() int64 { return time.Now().UnixMilli() }

// limits are the rates at which one user or address may do things. Each is far above what a person does and far
// below what would hurt others.
type limits struct {
	loginByAccount  *helper.Rates // guards one password against being guessed
	loginByAddress  *helper.Rates // guards all of them, and the processors: a login costs some 30 ms
	numberByLogin   *helper.Rates // numeric tokens that are wrong, by account and address together
	numberByAddress *helper.Rates // all of them
	register        *helper.Rates // by address
	send            *helper.Rates // by user
	request         *helper.Rates // friend requests by user
	mail            *helper.Rates // codes by user and by address
	mailEvery       *helper.Rates // codes of one purpose by address, whoever asks
	search          *helper.Rates // by user
	upload          *helper.Rates // by user
	transcribe      *helper.Rates // by user; what is kept already is free
	translate       *helper.Rates // likewise
	call            *helper.Rates // calls that a user starts
	signal          *helper.Rates // what he sends to the others in a call: at its start some hundred signals
}

func newLimits(factor float64) limits {
	const minute = 1.0 / 60
	return limits{
		loginByAccount:  helper.NewRates(10*minute, 20, factor),
		loginByAddress:  helper.NewRates(60*minute, 100, factor),
		numberByLogin:   helper.NewRates(10*minute, 20, factor),
		numberByAddress: helper.NewRates(60*minute, 100, factor),
		register:        helper.NewRates(20*minute, 100, factor),
		send:            helper.NewRates(50, 500, factor),
		request:         helper.NewRates(20*minute, 60, factor),
		mail:            helper.NewRates(minute/6, 10, factor),
		mailEvery:       helper.NewRates(minute, 1, factor),
		search:          helper.NewRates(5, 50, factor),
		upload:          helper.NewRates(1, 120, factor),
		transcribe:      helper.NewRates(10*minute, 30, factor),
		translate:       helper.NewRates(2, 60, factor),
		call:            helper.NewRates(20*minute, 30, factor),
		signal:          helper.NewRates(20, 400, factor),
	}
}

func limit(rates *helper.Rates, key string) error {
	if ok, after := rates.Allow(key, time.Now()); !ok {
		return define.ErrRateLimited.After(after)
	}
	return nil
}
