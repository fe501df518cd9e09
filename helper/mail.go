package helper

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"parlor/define"
)

// Mailer sends mail through one SMTP server. It may be used by several goroutines; each mail has a connection of its own.
type Mailer struct {
	from   string
	client *mail.Client
}

const mailTimeout = 20 * time.Second

// NewMailer returns a Mailer, or nil where config names no server.
func NewMailer(config define.SMTPConfig) (*Mailer, error) {
	if config.Address == "" {
		return nil, nil
	}
	host, portText, err := net.SplitHostPort(config.Address)
	if err != nil {
		return nil, fmt.Errorf("smtp.address: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("smtp.address: %w", err)
	}
	trust, err := trustOf(config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("smtp.ca_file: %w", err)
	}
	o := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(mailTimeout),
		mail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: trust, MinVersion: tls.VersionTLS12}),
	}
	switch config.TLS {
	case "tls":
		o = append(o, mail.WithSSL())
	case "none":
		o = append(o, mail.WithTLSPolicy(mail.NoTLS))
	default:
		o = append(o, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if config.User != "" {
		o = append(o, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(config.User), mail.WithPassword(config.Password))
	}
	client, err := mail.NewClient(host, o...)
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return &Mailer{from: config.From, client: client}, nil
}

// trustOf returns the authorities of the system with those of a file, or nil for the system's where there is no file.
func trustOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("holds no certificate")
	}
	return pool, nil
}

// Send sends one plain text and returns when the server has taken it.
func (m *Mailer) Send(ctx context.Context, to, subject, text string) error {
	message := mail.NewMsg()
	if err := message.From(m.from); err != nil {
		return fmt.Errorf("send mail: from: %w", err)
	}
	if err := message.To(to); err != nil {
		return fmt.Errorf("send mail: to: %w", err)
	}
	message.Subject(subject)
	message.SetBodyString(mail.TypeTextPlain, text)
	if err := m.client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}
