package helper

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const secretBytes = 32

// LoadOrCreateSecret returns the secret kept at path, and makes one first where there is none:
// 32 random bytes in hexadecimal, readable by the owner alone, on disk before it is returned.
// The key is the text itself, so that another node may be given the same file or the same text.
//
// A file that any user of the machine can read, or that holds less than 32 bytes, is an error.
func LoadOrCreateSecret(path string) ([]byte, error) {
	secret, err := loadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	random := make([]byte, secretBytes)
	rand.Read(random) // never fails: crypto/rand ends the process where it would
	secret = hex.AppendEncode(nil, random)
	if err := writeDurably(path, append(secret, '\n')); err != nil {
		return nil, fmt.Errorf("keep secret: %w", err)
	}
	return secret, nil
}

func loadSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	// Windows has no such permissions; Go makes them up there.
	if mode := info.Mode().Perm(); mode&0o007 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("secret %s is open to every user of this machine (mode %04o): make a new one, or chmod 600 if nobody has read it", path, mode)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	secret := bytes.TrimRight(content, "\r\n")
	if len(secret) < secretBytes {
		return nil, fmt.Errorf("secret %s is too short: %d bytes, at least %d are needed; without the file a new one is made", path, len(secret), secretBytes)
	}
	return secret, nil
}

// writeDurably leaves either nothing or the whole content at path, whenever the machine stops.
func writeDurably(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already after the rename
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// syncDirectory makes a rename in dir survive a crash. Windows cannot and need not.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
