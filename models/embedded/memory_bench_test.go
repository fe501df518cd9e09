package embedded

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// serveDir tells the test binary that it is to be a server and nothing else.
const serveDir = "EMBEDDED_SERVE_DIR"

// serveUntilTold serves a directory over TCP, prints the address, and ends when its
// input does.
func serveUntilTold(ctx context.Context, dir string) error {
	s, err := Open(ctx, Options{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	fmt.Println(s.Addr())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close(ctx)
}

// serverProcess is a server in a process of its own.
type serverProcess struct {
	command *exec.Cmd
	stdin   io.Closer
	address string
}

func startProcess(b *testing.B, dir string) *serverProcess {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), serveDir+"="+dir)
	command.Stderr = os.Stderr
	stdin := must(command.StdinPipe())(b)
	stdout := must(command.StdoutPipe())(b)
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	address := must(bufio.NewReader(stdout).ReadString('\n'))(b)
	return &serverProcess{command, stdin, strings.TrimSpace(address)}
}

func (p *serverProcess) stop(b *testing.B) {
	b.Helper()
	p.stdin.Close()
	if err := p.command.Wait(); err != nil {
		b.Error(err)
	}
}

// resident gives the resident memory of the process, in MB.
func (p *serverProcess) resident(b *testing.B) float64 {
	b.Helper()
	status := must(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid)))(b)
	for line := range bytes.Lines(status) {
		if kb, ok := strings.CutPrefix(string(line), "VmRSS:"); ok {
			return float64(must(strconv.Atoi(strings.Fields(kb)[0]))(b)) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// BenchmarkMemory reports the memory of a server that has just taken a million
// messages of some 300 bytes, and of one that was started on them and has served
// pages of 50. Run it with -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		p := startProcess(b, dir)
		c := overTCP(b, p.address)
		messageIndexes(b, c)
		for from := 0; from < 1_000_000; from += 1000 {
			insertBatch(b, c, from, 1000)
		}
		b.ReportMetric(p.resident(b), "MB-loaded")
		p.stop(b)

		p = startProcess(b, dir)
		c = overTCP(b, p.address)
		for n := range 5000 {
			filter := bson.D{{Key: "room_identity", Value: roomName(n % 100)}, {Key: "seq", Value: bson.D{{Key: "$lt", Value: 100 + n*37%9000}}}}
			cursor := must(c.Find(b.Context(), filter, options.Find().SetSort(bson.D{{Key: "seq", Value: -1}}).SetLimit(50)))(b)
			var page []bson.Raw
			if err := cursor.All(b.Context(), &page); err != nil || len(page) != 50 {
				b.Fatal(len(page), err)
			}
		}
		b.ReportMetric(p.resident(b), "MB-reading")
		p.stop(b)
	}
}
