package router_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"parlor/define"
)

// mailServer is an SMTP server that asks for STARTTLS and a login, and keeps what it is sent.
type mailServer struct {
	smtp *smtp.Server
	done chan struct{} // closed when it serves no more

	mu      sync.Mutex
	changed chan struct{} // closed with the next mail
	mails   map[string][]*mail.Message
}

const mailUser, mailPassword = "parlor", "mail password"

// startMailServer starts a server with a certificate of its own, and returns how to send through it.
func startMailServer(dir string) (*mailServer, define.SMTPConfig, error) {
	certificate, ca, err := selfSigned()
	if err != nil {
		return nil, define.SMTPConfig{}, err
	}
	caFile := filepath.Join(dir, "mail-ca.pem")
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		return nil, define.SMTPConfig{}, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, define.SMTPConfig{}, err
	}
	m := &mailServer{done: make(chan struct{}), changed: make(chan struct{}), mails: map[string][]*mail.Message{}}
	m.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{server: m, conn: c}, nil }))
	m.smtp.Domain, m.smtp.TLSConfig = "127.0.0.1", &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() {
		defer close(m.done)
		_ = m.smtp.Serve(listener) // it ends when the test closes it
	}()
	return m, define.SMTPConfig{
		Address: listener.Addr().String(), TLS: "starttls", CAFile: caFile, From: "Parlor <chat@example.com>", User: mailUser, Password: mailPassword,
	}, nil
}

func (m *mailServer) close() error {
	err := m.smtp.Close()
	<-m.done
	return err
}

// selfSigned makes a certificate for the loopback address, and its PEM.
func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a mail server"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// mailSession is one connection to a mailServer.
type mailSession struct {
	server   *mailServer
	conn     *smtp.Conn
	loggedIn bool
	to       []string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if _, encrypted := s.conn.TLSConnectionState(); !encrypted || user != mailUser || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	for _, to := range s.to {
		message, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			return errors.Join(errors.New("this is no mail"), err)
		}
		s.server.mails[to] = append(s.server.mails[to], message)
	}
	close(s.server.changed)
	s.server.changed = make(chan struct{})
	return nil
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (*mailSession) Logout() error { return nil }

// expect waits for the n-th mail to an address, counted from 1.
func (m *mailServer) expect(t *testing.T, to string, n int) *mail.Message {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		m.mu.Lock()
		mails, changed := m.mails[to], m.changed
		m.mu.Unlock()
		if len(mails) >= n {
			return mails[n-1]
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%d mails came to %s, not %d", len(mails), to, n)
		}
	}
}

// code waits for the n-th mail to an address and returns the code in it.
func (m *mailServer) code(t *testing.T, to string, n int) string {
	t.Helper()
	code, ok := strings.CutPrefix(m.expect(t, to, n).Header.Get("Subject"), "Parlor: ")
	if !ok || len(code) != 6 {
		t.Fatalf("there is no code in the mail to %s: %q", to, code)
	}
	return code
}

// count returns how many mails have come to an address so far.
func (m *mailServer) count(to string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mails[to])
}
