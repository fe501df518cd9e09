package helper

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// speechCommand is a program that reads a file and prints what is said in it.
type speechCommand struct {
	command command
	dir     string // of the files; nobody else can read it
}

func newSpeechCommand(line []string, dir string) (*speechCommand, error) {
	c, err := newCommand(line)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil { // so that the program need not stay in its working directory
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, err
	}
	return &speechCommand{command: c, dir: dir}, nil
}

// recognize gives each recording a directory of its own, for programs that write beside what they read.
func (s *speechCommand) recognize(ctx context.Context, r Recording) (said Transcript, err error) {
	dir, err := os.MkdirTemp(s.dir, "")
	if err != nil {
		return said, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "recording"+filepath.Ext(r.Name))
	if err := writeRecording(path, r.Audio); err != nil {
		return said, err
	}
	said.Text, err = s.command.run(ctx, nil, "{file}", path)
	return said, err
}

func writeRecording(path string, audio io.Reader) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, audio)
	return errors.Join(err, file.Close())
}

func (s *speechCommand) close() {}
