package router_test

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"parlor/define"
)

// endless gives the same bytes for ever, and counts them.
type endless struct{ given atomic.Int64 }

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	e.given.Add(int64(len(p)))
	return len(p), nil
}

// watched measures the memory that is in use each time when another part of it has been read. What is garbage already
// does not count: how much of it there is depends on the pace of the collector.
type watched struct {
	io.Reader
	read, next   int64
	before, peak uint64
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.read += int64(n); w.read >= w.next {
		w.next += 16 << 20
		w.peak = max(w.peak, inUse())
	}
	return n, err
}

// more returns how much more memory was in use than before, in MiB.
func (w *watched) more() int64 { return (int64(w.peak) - int64(w.before)) >> 20 }

// inUse returns the bytes of the heap that are reachable.
func inUse() uint64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// A file passes through the server without ever being in memory: one of 256 MiB takes no more than a small one. The
// server, its database and the client are all in this process.
func TestFilesStream(t *testing.T) {
	const size, bound = 256 << 20, 160 // bytes, MiB: without a C compiler the tables that Pebble fills in memory lie in the heap, 96 MiB
	if testing.Short() {
		t.Skip("moves half a gigabyte")
	}
	s := newServer(t, func(c *define.Config) { c.Files.MaxSize = size })
	alice := s.user("alice")
	before := inUse()
	up := &watched{Reader: io.LimitReader(&endless{}, size), before: before}
	body, contentType := uploadOf("endless", up)
	response, err := alice.stream("POST", "/files", contentType, body)
	must(t, err)
	text, err := io.ReadAll(response.Body)
	must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", response.Status, text)
	}
	kept := decode[file](t, "upload", text)
	if kept.Size != size || up.more() > bound {
		t.Errorf("%d bytes were kept, with %d MiB of memory", kept.Size, up.more())
	}
	response, err = alice.stream("GET", "/files/"+kept.Identity, "", nil)
	must(t, err)
	defer response.Body.Close()
	down := &watched{Reader: response.Body, before: before}
	read, err := io.Copy(io.Discard, down)
	if err != nil || read != size || down.more() > bound {
		t.Errorf("%d bytes came back, with %d MiB of memory: %v", read, down.more(), err)
	}
	t.Logf("at most %d MiB up, %d MiB down", up.more(), down.more())
}

// What is exactly as large as allowed is kept; a byte more is refused with the limit's name, whether the client says
// before how much it will send or not.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	const limit = 300_000
	s := newServer(t, func(c *define.Config) { c.Files.MaxSize = limit })
	alice := s.user("alice")
	if got := alice.upload("full", make([]byte, limit)); got.Size != limit {
		t.Errorf("kept %+v", got)
	}
	for _, size := range []int{limit + 1, limit + 20_000, 10 * limit} {
		for _, how := range []string{"with its length", "in chunks"} {
			body, contentType := formOf(t, "file", "over", make([]byte, size))
			var r io.Reader = body
			if how == "in chunks" {
				r = io.MultiReader(body)
			}
			response, err := alice.stream("POST", "/files", contentType, r)
			if err != nil {
				t.Fatalf("%d bytes, %s: %v", size, how, err)
			}
			text, err := io.ReadAll(response.Body)
			must(t, err)
			response.Body.Close()
			if response.StatusCode != 413 || !strings.Contains(string(text), "too_large") || !strings.Contains(string(text), "300000 bytes") {
				t.Errorf("%d bytes, %s: %d %s", size, how, response.StatusCode, text)
			}
		}
	}
	alice.sendForm("PUT", "/users/me/avatar", "over", make([]byte, limit+1)).refused("too_large")
	message := into[errorBody](sharedServer(t).user("bob").sendForm("POST", "/files", "large", make([]byte, 21<<20)).ok(413)).Error.Message
	if !strings.Contains(message, "20 MiB") {
		t.Errorf("refused with %q", message)
	}
	if places := placesOf(t, s.openDatabase(), "over"); len(places) > 0 {
		t.Errorf("what was refused is in %q", places)
	}
}

// A client that only looks for an answer when it has sent everything finds it there; one that looks meanwhile has it
// long before the end.
func TestRefusalReachesWhoIsStillSending(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Files.MaxSize = 1 << 20 })
	alice := s.user("alice")
	for _, test := range []struct {
		name, length string
		token        string
		status       int
	}{
		{"says at once that it is too large", fmt.Sprint("Content-Length: ", 30<<20), alice.token, 413},
		{"passes the limit", "Transfer-Encoding: chunked", alice.token, 413},
		{"has no session", fmt.Sprint("Content-Length: ", 30<<20), "none", 401},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		must(t, err)
		_, err = fmt.Fprintf(conn, "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=b\r\n%s\r\n\r\n", test.token, test.length)
		must(t, err)
		const head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"
		chunk, left := strings.Repeat("x", 64<<10), 30<<20
		for piece := head; left > 0; piece = chunk {
			piece = piece[:min(len(piece), left)]
			left -= len(piece)
			if test.status == 413 && strings.HasPrefix(test.length, "Transfer") {
				piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
			}
			if _, err := io.WriteString(conn, piece); err != nil {
				t.Fatalf("who %s could not send the rest: %v", test.name, err)
			}
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != test.status {
			t.Errorf("who %s got %v, %v", test.name, response, err)
		}
		conn.Close()
	}

	// The body never ends: an answer can only come while it is sent.
	sent := &endless{}
	body, contentType := uploadOf("endless", sent)
	response, err := alice.stream("POST", "/files", contentType, io.LimitReader(body, 1<<40))
	if err != nil || response.StatusCode != 413 {
		t.Fatalf("an upload without an end got %v, %v", response, err)
	}
	response.Body.Close()
	if given := sent.given.Load(); given > 128<<20 {
		t.Errorf("the answer came after %d MiB", given>>20)
	}
}

func TestBrokenUploads(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	const multi = "multipart/form-data; boundary=b"
	part := func(field, text string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"; filename=\"x\"\r\n\r\n" + text + "\r\n"
	}
	for _, test := range []struct {
		name, contentType, body, code, field string
	}{
		{"JSON", "application/json", "{}", "unsupported", ""},
		{"another kind of form", "application/x-www-form-urlencoded", "file=x", "unsupported", ""},
		{"no boundary", "multipart/form-data", part("file", "x") + "--b--\r\n", "unsupported", ""},
		{"no type", "", part("file", "x") + "--b--\r\n", "unsupported", ""},
		{"empty body", multi, "", "invalid", ""},
		{"no parts", multi, "--b--\r\n", "invalid", "file"},
		{"no form", multi, "hello", "invalid", ""},
		{"another field", multi, part("picture", "x") + "--b--\r\n", "invalid", "picture"},
		{"one more field", multi, part("file", "x") + part("name", "y") + "--b--\r\n", "invalid", "name"},
		{"two files", multi, part("file", "x") + part("file", "y") + "--b--\r\n", "invalid", "file"},
		{"an empty file", multi, part("file", "") + "--b--\r\n", "invalid", "file"},
		{"broken off", multi, part("file", "x"), "invalid", ""},
		{"broken off in the file", multi, "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf", "invalid", ""},
	} {
		for _, call := range [][2]string{{"POST", "/files"}, {"PUT", "/users/me/avatar"}} {
			a := s.ask(call[0], call[1], alice.token, test.body, "Content-Type", test.contentType)
			if test.field == "" {
				a.refused(test.code)
			} else {
				a.refused(test.code, test.field)
			}
			if t.Failed() {
				t.Fatalf("%s: %s", test.name, a.body)
			}
		}
	}
}

// A file that says that it is an image is one, and can be decoded without harm.
func TestHostileImages(t *testing.T) {
	t.Parallel()
	alice := sharedServer(t).user("alice")
	bomb := pngOfZeros(50_000, 50_000, 100_000_000)
	if len(bomb) > 110_000 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	alice.sendForm("POST", "/files", "bomb.png", bomb).refused("too_large")
	alice.sendForm("PUT", "/users/me/avatar", "bomb.png", bomb).refused("too_large")
	photo := jpegBytes(picture(100, 100))
	for name, content := range map[string][]byte{
		"bogus.png": []byte("\x89PNG\r\n\x1a\n and then something else"), "lying.png": pngOfZeros(1000, 1000, 10),
		"half.jpg": photo[:len(photo)/2],
	} {
		alice.sendForm("POST", "/files", name, content).refused("unsupported")
		alice.sendForm("PUT", "/users/me/avatar", name, content).refused("unsupported")
	}
	if got := alice.upload("text.png", []byte("only its name says that it is a PNG")); got.Mime != "text/plain" || got.Thumb {
		t.Errorf("a text is %+v", got)
	}
}

// pngOfZeros is a grey PNG of a size that its header says, with this many zeros for pixels.
func pngOfZeros(width, height uint32, pixels int64) []byte {
	header := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height), 8, 0, 0, 0, 0)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(make([]byte, pixels)); err != nil {
		panic(err) // a buffer takes everything
	}
	z.Close()
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		name string
		data []byte
	}{{"IHDR", header}, {"IDAT", packed.Bytes()}, {"IEND", nil}} {
		named := append([]byte(chunk.name), chunk.data...)
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(chunk.data))), named...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(named))
	}
	return out
}

func TestUploadsAreLimited(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.05 })
	alice := s.user("alice")
	kept := 0
	for kept < 20 && alice.sendForm("POST", "/files", "x", []byte("x")).status == 201 {
		kept++
	}
	if kept == 0 || kept == 20 {
		t.Errorf("%d uploads in a row were kept", kept)
	}
	alice.sendForm("POST", "/files", "x", []byte("x")).refused("rate_limited")
}

// One user can't take the memory of the server with uploads that never end: of one more than may be under way one is
// refused, while all of them are.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	const tried = define.UploadsAtOnce + 1
	answers := make(chan int, tried)
	pipes := make([]*io.PipeWriter, tried)
	var done sync.WaitGroup
	for i := range pipes {
		var rest io.Reader
		rest, pipes[i] = io.Pipe()
		body, contentType := uploadOf("slow", io.MultiReader(strings.NewReader("the beginning"), rest))
		done.Go(func() {
			response, err := alice.stream("POST", "/files", contentType, body)
			if err != nil {
				answers <- 0
				return
			}
			response.Body.Close()
			answers <- response.StatusCode
		})
	}
	if status := <-answers; status != 429 {
		t.Errorf("the first answer is %d", status)
	}
	bob.upload("another's", []byte("x"))
	for _, pipe := range pipes {
		must(t, pipe.Close())
	}
	for range define.UploadsAtOnce {
		if status := <-answers; status != 201 {
			t.Errorf("one of the others got %d", status)
		}
	}
	done.Wait()
	alice.upload("afterwards", []byte("x"))
}
