package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// formatVersion is the version of the key layout and of the catalog.
	formatVersion = 1
	// formatFile marks a directory as ours and says its version.
	formatFile   = "FORMAT"
	formatPrefix = "mongodb-embedded "
	dataFolder   = "pebble"
)

var (
	// ErrForeign means that a data directory holds something else.
	ErrForeign = errors.New("the directory is not empty and holds no data of this server")
	// ErrNewer means that a later version of this server wrote the data.
	ErrNewer = errors.New("the data was written by a newer version")
	// ErrInUse means that another process has the data directory open.
	ErrInUse = errors.New("the data directory is in use by another process")
	// ErrDamaged means that files of the data are missing or broken.
	ErrDamaged = errors.New("the data is damaged; restore it from a backup")
)

// prepareDir checks that dir is ours, of a version that can be read, or new.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	marker := filepath.Join(dir, formatFile)
	content, err := os.ReadFile(marker)
	if errors.Is(err, os.ErrNotExist) {
		return markNew(dir, marker)
	}
	if err != nil {
		return err
	}
	number, ok := strings.CutPrefix(strings.TrimSpace(string(content)), formatPrefix)
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil:
		return ErrForeign
	case version > formatVersion:
		return fmt.Errorf("%w: format %d, this one reads %d", ErrNewer, version, formatVersion)
	}
	return nil
}

func markNew(dir, marker string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// A start that was interrupted may have left its temporary file.
		if e.Name() != formatFile+".tmp" {
			return ErrForeign
		}
	}
	if err := writeSynced(marker+".tmp", fmt.Sprintf("%s%d\n", formatPrefix, formatVersion)); err != nil {
		return err
	}
	return os.Rename(marker+".tmp", marker)
}

func writeSynced(name, content string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(name string) error {
	d, err := vfs.Default.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkComplete looks for data that Pebble would take for a new store, and delete,
// since nothing names its MANIFEST. A missing log can't be told from one that a start
// has just replayed.
func checkComplete(fs vfs.FS, folder string) error {
	names, err := fs.List(folder)
	if err != nil {
		return err
	}
	data := false
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return nil
		}
		data = data || strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log")
	}
	if data {
		return fmt.Errorf("%w: no marker.manifest file names the current MANIFEST", ErrDamaged)
	}
	return nil
}
