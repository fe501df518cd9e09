package helper

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// turns bounds how many calls of a provider go on at once, and how long each may take.
type turns struct {
	free    chan struct{}
	timeout time.Duration
}

var errNoTurn = errors.New("too many others are waiting")

func newTurns(parallel int, timeout time.Duration) turns {
	return turns{free: make(chan struct{}, parallel), timeout: timeout}
}

// take waits for a turn, for the timeout at most, and calls work with a context that ends after the timeout.
func (t turns) take(ctx context.Context, work func(context.Context) error) error {
	patience := time.NewTimer(t.timeout)
	defer patience.Stop()
	select {
	case t.free <- struct{}{}:
	case <-patience.C:
		return errNoTurn
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.free }()
	ctx, cancel := context.WithTimeoutCause(ctx, t.timeout, fmt.Errorf("it took longer than %s", t.timeout))
	defer cancel()
	return work(ctx)
}

// remote is an HTTP service. Its key is sent to it alone: it follows no redirections.
type remote struct {
	client *http.Client
	url    string // without a slash at the end
	key    string
}

const (
	answerMax = 16 << 20 // bytes of an answer: a recognised hour with the times of all words has some MiB
	reasonMax = 300      // characters of a reason for the log
)

func newRemote(url, key string) *remote {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &remote{client: &http.Client{Transport: transport, CheckRedirect: stay}, url: strings.TrimRight(url, "/"), key: key}
}

func (r *remote) close() { r.client.CloseIdleConnections() }

// refusedError is an answer of another status than 200.
type refusedError struct {
	status int
	reason string
}

func (e *refusedError) Error() string { return fmt.Sprintf("it answered %d: %s", e.status, e.reason) }

// ask sends a request and decodes the JSON that comes with status 200 into answer. What is private does not stand in the
// error, for that goes into the log.
func (r *remote) ask(request *http.Request, answer any, private ...string) error {
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer: %w", err)
	case len(body) > answerMax:
		return fmt.Errorf("the answer has more than %d bytes", answerMax)
	case response.StatusCode != http.StatusOK:
		return &refusedError{status: response.StatusCode, reason: reason(body, append(private, r.key))}
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return errors.New("the answer is not the JSON that was expected") // json's own error quotes the answer
	}
	return nil
}

// reason is what a service says of its refusal, {"error": "…"} or {"error": {"message": "…"}}. Other bodies may repeat
// anything.
func reason(body []byte, private []string) string {
	var said struct{ Error json.RawMessage }
	var text string
	var object struct{ Message string }
	if json.Unmarshal(body, &said) != nil || json.Unmarshal(said.Error, &text) != nil && json.Unmarshal(said.Error, &object) != nil {
		return "without a reason"
	}
	text = cmp.Or(text, object.Message)
	for _, secret := range private {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	if utf8.RuneCountInString(text) > reasonMax {
		text = string([]rune(text)[:reasonMax])
	}
	return text
}
