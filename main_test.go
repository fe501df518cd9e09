package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunVersion(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-version"}, nil, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "parlor ") || len(got) < len("parlor x\n") {
		t.Errorf("printed %q", got)
	}
}

func TestRunHelp(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-help"}, nil, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "-config file") {
		t.Errorf("printed %q", got)
	}
}

// What can't be served is refused before anything is made on disk.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel subtests
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("listen: \":1\"\nlisten_at: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	tests := []struct {
		name    string
		args    []string
		environ []string
		want    string
	}{
		{"unknown flag", []string{"-port", "1"}, nil, "-port"},
		{"argument", []string{"serve"}, nil, `"serve"`},
		{"named file that is absent", []string{"-config", filepath.Join(dir, "absent.yaml")}, nil, "absent.yaml"},
		{"wrong key", []string{"-config", wrong}, nil, "wrong.yaml:2:1: listen_at: unknown key"},
		{"wrong variable", nil, []string{"PARLOR_LISTEN=8080"}, "PARLOR_LISTEN: listen"},
		{"taken port", nil, []string{"PARLOR_LISTEN=" + taken.Addr().String()}, "address already in use"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(t.Context(), test.args, append(test.environ, "PARLOR_DATA="+data), &out)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s in it", err, test.want)
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("the data directory was made")
			}
		})
	}
}
