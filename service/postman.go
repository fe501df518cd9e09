package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parlor/define"
	"parlor/helper"
)

// letter is a mail on its way.
type letter struct{ to, subject, text string }

// postman sends mail in the background, so that nobody learns from the time of an answer whether an address is known.
type postman struct {
	mailer      *helper.Mailer // nil where no server is configured
	development bool           // letters may be written to the log
	log         *slog.Logger
	letters     chan letter
	quit        context.CancelFunc
	done        sync.WaitGroup
}

const (
	lettersMax     = 1000 // that wait; one more is refused
	letterTries    = 3
	letterRetry    = 5 * time.Second // before the second try; twice as long before the third
	postmanWorkers = 4
)

func newPostman(config define.Config, mailer *helper.Mailer, log *slog.Logger) *postman {
	return &postman{
		mailer: mailer, development: mailer == nil && define.OnLoopback(config.Listen), log: log, letters: make(chan letter, lettersMax),
	}
}

func (p *postman) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.quit = cancel
	for range postmanWorkers {
		p.done.Go(func() { p.run(ctx) })
	}
}

// stop ends the sending. What still waits is lost: its receivers ask for another code.
func (p *postman) stop() {
	if p.quit != nil {
		p.quit()
	}
	p.done.Wait()
}

// ready reports whether mail can be sent at all.
func (p *postman) ready() bool { return p.mailer != nil || p.development }

// post takes a letter; ErrUnavailable where none can be sent, or too many wait.
func (p *postman) post(l letter) error {
	if !p.ready() {
		return define.ErrNoMail
	}
	select {
	case p.letters <- l:
		return nil
	default:
		return define.ErrUnavailable
	}
}

func (p *postman) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-p.letters:
			if p.mailer == nil {
				p.log.Warn("no mail server is configured: for development only, the mail is here", "to", l.to, "text", l.text)
				continue
			}
			p.deliver(ctx, l)
		}
	}
}

func (p *postman) deliver(ctx context.Context, l letter) {
	wait := letterRetry
	for try := 1; ; try++ {
		err := p.mailer.Send(ctx, l.to, l.subject, l.text)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.log.Error("a mail could not be sent", "try", try, "error", err)
		if try == letterTries {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait *= 2
		}
	}
}
