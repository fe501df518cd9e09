package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

// postWords asks for a translation and returns the status.
func (p *process) postWords(token, text string) (int, error) {
	body := strings.NewReader(fmt.Sprintf(`{"text": %q, "to": "es"}`, text))
	request, err := http.NewRequest("POST", "http://"+p.address+"/api/v1/translations", body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	return response.StatusCode, nil
}

// The log says why a provider has failed, without what it was to translate and without its key; and nobody who stops the
// server has to wait for a provider.
func TestProcessWords(t *testing.T) {
	t.Parallel()
	const key, fails, lasts = "sk-of-the-translator", "what nobody may read", "what takes long"
	arrived, ended := make(chan struct{}), make(chan struct{})
	translator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte(lasts)) {
			close(arrived)
			<-ended
		}
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"error": "no memory for %s with %s"}`, fails, key)
	}))
	t.Cleanup(translator.Close)
	t.Cleanup(func() { close(ended) })
	p := start(t, t.TempDir(), "PARLOR_TRANSLATION_PROVIDER=http", "PARLOR_TRANSLATION_TIMEOUT=5m", "PARLOR_TRANSLATION_URL="+translator.URL, "PARLOR_TRANSLATION_KEY="+key)
	alice := p.register("alice")
	if status, err := p.postWords(alice.Token, fails); status != 503 || err != nil {
		t.Errorf("the failure was answered with %d, %v", status, err)
	}
	refused := make(chan int, 1)
	go func() {
		status, err := p.postWords(alice.Token, lasts)
		if err != nil {
			t.Error(err)
		}
		refused <- status
	}()
	<-arrived
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("ended with %v", err)
	}
	if status := <-refused; status != 503 {
		t.Errorf("who was waiting was answered with %d", status)
	}
	log := p.logged()
	if !strings.Contains(log, "no memory for") || strings.Contains(log, "cut off") {
		t.Errorf("the log does not say why, or a request was cut off:\n%s", log)
	}
	for what, secret := range map[string]string{"the key": key, "a text": fails, "another text": lasts} {
		if strings.Contains(log, secret) {
			t.Errorf("%s stands in the log:\n%s", what, log)
		}
	}
}
