package ws_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/router/socket"
	"parlor/router/ws"
	"parlor/service"
	"parlor/service/hub"
)

// BenchmarkFanOut pushes events of 450 bytes to a room's members over real sockets. The clients run in the same
// process and look at no more than the headers of the frames. One operation is one event.
func BenchmarkFanOut(b *testing.B) {
	const (
		members = 50
		window  = 64 // events that are counted together
		ahead   = 4  // windows that the server may be ahead of any client
	)
	h := open(b)
	users := make([]string, members)
	received := make([]chan struct{}, members)
	var clients sync.WaitGroup
	for i := range users {
		users[i] = fmt.Sprintf("0193e2a4-7d1b-7c3e-9f00-%012d", i)
		c := h.dial(b, users[i]+".1")
		received[i] = make(chan struct{}, ahead)
		clients.Go(func() { skipFrames(c.NetConn(), window, received[i]) })
	}
	event := hub.Event{Op: define.EventMessageNew, Data: service.Message{
		RoomIdentity: "0193e2a4-7d1b-7c3e-9f00-000000000001", Sender: service.User{Identity: users[0], Account: "alice", Nickname: "Alice"},
		Type: define.MessageText, Data: strings.Repeat("words ", 22),
	}}
	frame, err := ws.Native.Encode(event)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	wait := func() { // for the oldest window that is not counted yet
		for _, c := range received {
			if _, open := <-c; !open {
				b.Fatal("a client was closed")
			}
		}
	}
	windows := 0
	for i := range b.N {
		h.hub.Publish(hub.Delivery{Event: event, Users: users})
		if (i+1)%window == 0 {
			if windows++; windows == ahead {
				wait()
				windows--
			}
		}
	}
	for range windows {
		wait()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*members)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(frame.Size()), "frame-bytes")
	h.stop(b)
	clients.Wait()
}

// skipFrames counts frames until the connection ends and reports each window of them.
func skipFrames(conn io.ReadCloser, window int, received chan<- struct{}) {
	defer close(received)
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for n := 1; ; n++ {
		head, err := r.Peek(4)
		if err != nil || head[0]&0xf == websocket.CloseMessage {
			return
		}
		size := 2 + int(head[1])
		if head[1] == 126 {
			size = 4 + int(binary.BigEndian.Uint16(head[2:]))
		}
		if _, err := r.Discard(size); err != nil {
			return
		}
		if n%window == 0 {
			received <- struct{}{}
		}
	}
}

// The benchmark of idle connections runs its clients in a process of their own, which is this test again with an
// address in its environment.
const (
	crowdAddress = "PARLOR_TEST_CROWD"
	crowdSize    = 10_000
)

// BenchmarkIdle opens 10,000 sockets and reports what one of them costs the server, with the memory of nothing else
// counted. One operation is a whole crowd.
func BenchmarkIdle(b *testing.B) {
	if testing.Short() {
		b.Skip("opens 10,000 sockets")
	}
	for range b.N {
		idle(b)
	}
}

func idle(b *testing.B) {
	h := open(b, func(o *hub.Options, _ *socket.Options) { o.PingEvery = time.Second })
	before, rssBefore := memory(b)
	crowd := exec.Command(os.Args[0], "-test.run=^$")
	crowd.Env = append(os.Environ(), crowdAddress+"="+h.url)
	crowd.Stderr = os.Stderr
	in, err := crowd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := crowd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := crowd.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open\n" || h.hub.Len() != crowdSize {
		b.Fatalf("the clients say %q, %v; %d are open", line, err, h.hub.Len())
	}
	peak := rss(b)
	after, rssAfter := memory(b)
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/crowdSize, "heap+stack-B/conn")
	b.ReportMetric(float64(after.StackInuse-before.StackInuse)/crowdSize, "stack-B/conn")
	b.ReportMetric(float64(rssAfter-rssBefore)/crowdSize, "rss-B/conn")
	b.ReportMetric(float64(peak-rssBefore)/crowdSize, "rss-before-gc-B/conn")
	in.Close()
	if err := crowd.Wait(); err != nil {
		b.Error(err)
	}
	h.stop(b)
}

// memory returns what is in use after a collection, and the resident set.
func memory(b *testing.B) (runtime.MemStats, int64) {
	b.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m, rss(b)
}

// rss returns the bytes of this process that are in memory; 0 where the system does not say.
func rss(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// crowd opens crowdSize sockets, says so, and keeps them until its input ends.
func crowd(address string) (exit int) {
	var wait sync.WaitGroup
	turns := make(chan struct{}, 50)
	failed := make(chan error, crowdSize)
	for i := range crowdSize {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			header := http.Header{"Authorization": {fmt.Sprintf("Bearer user%d.1", i)}}
			conn, _, err := (&websocket.Dialer{ReadBufferSize: 512, WriteBufferSize: 512}).Dial(address, header)
			if err == nil {
				_, _, err = conn.ReadMessage() // ready
			}
			if err != nil {
				failed <- err
				return
			}
			go func() { // answers pings; ends with the process
				for {
					if _, _, err := conn.NextReader(); err != nil {
						return
					}
				}
			}()
		})
	}
	wait.Wait()
	if len(failed) > 0 {
		fmt.Fprintln(os.Stderr, "a client:", <-failed)
		return 1
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}
