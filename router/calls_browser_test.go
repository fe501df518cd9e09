package router_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
)

// browserPath returns a Chromium. Without one a test is skipped, unless the environment says BROWSER=required.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("BROWSER") == "required" {
		t.Fatal("there is no Chromium, and BROWSER=required")
	}
	t.Skip("there is no Chromium on this machine")
	return ""
}

// browserPage is the client of docs/calls.md in a page: it answers whoever calls, and counts the different pictures that it sees
// of the other.
const browserPage = `<!doctype html><meta charset="utf-8"><title>Parlor</title>
<p id="state"></p><video id="remote" autoplay muted playsinline width="320"></video><canvas id="seen" width="32" height="24"></canvas>
<script>
CLIENT
const given = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const seen = { pictures: new Set(), bright: 0, changes: [], path: "", problem: "" }
addEventListener("unhandledrejection", (e) => { seen.problem = String(e.reason?.message ?? e.reason) })
const canvas = document.getElementById("seen").getContext("2d", { willReadFrequently: true })
const remote = document.getElementById("remote")
function look() {
  canvas.drawImage(remote, 0, 0, 32, 24)
  const pixels = canvas.getImageData(0, 0, 32, 24).data
  seen.pictures.add(pixels.join())
  seen.bright = Math.max(seen.bright, ...pixels.filter((_, i) => i % 4 !== 3))
  remote.requestVideoFrameCallback(look)
}
remote.requestVideoFrameCallback(look)
const calls = new Calls(given.base, given.token, {
  ringing: (call) => calls.accept(call),
  changed: (call) => { seen.changes.push(call.state); document.getElementById("state").textContent = call.state },
  track: (user, stream) => { remote.srcObject = stream },
})
calls.policy = "relay"
// The kinds of the candidates by which the pages are connected. Which pair is in use shows in the statistics some time after
// the pictures do.
setInterval(async () => {
  const stats = await [...calls.peers.values()][0]?.getStats() ?? new Map()
  const transport = [...stats.values()].find((s) => s.type === "transport" && s.selectedCandidatePairId)
  const pair = transport && stats.get(transport.selectedCandidatePairId)
  if (pair) seen.path = stats.get(pair.localCandidateId).candidateType + " " + stats.get(pair.remoteCandidateId).candidateType
}, 100)
</script>`

// browser opens the page in a headless browser of its own, with a camera that shows something moving.
func (u *user) browser(path, page string) context.Context {
	u.t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
	}
	for _, flag := range []string{
		"use-fake-device-for-media-stream", "use-fake-ui-for-media-stream", "disable-quic", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	u.t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	u.t.Cleanup(cancel)
	given, err := json.Marshal(fields{"base": u.url, "token": u.token})
	must(u.t, err)
	must(u.t, chromedp.Do(ctx, chromedp.Navigate(page+"#"+url.PathEscape(string(given))), until("calls.me")))
	return ctx
}

// until waits until an expression is true in the page.
func until(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(2*patience))
}

// clientOfManual returns the client that docs/calls.md shows.
func clientOfManual(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile("(?ms)^```js\n(.*?)^```").FindStringSubmatch(string(readDoc(t, "calls.md")))
	if found == nil {
		t.Fatal("calls.md shows no client")
	}
	return found[1]
}

// Two browsers call each other with the client of the manual, and see each other move, through the server's relays.
func TestCallBetweenBrowsers(t *testing.T) {
	t.Parallel()
	path := browserPath(t)
	page := []byte(regexp.MustCompile("CLIENT").ReplaceAllLiteralString(browserPage, clientOfManual(t)))
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}))
	defer pages.Close()
	s := turnServer(t)
	alice, bob := s.friends("alice", "bob")
	alices, bobs := alice.browser(path, pages.URL), bob.browser(path, pages.URL)
	room := alice.roomWith(bob)

	must(t, chromedp.Do(alices, chromedp.Evaluate[chromedp.Void](`void calls.start("`+room+`", "video")`)))
	for name, ctx := range map[string]context.Context{"alice": alices, "bob": bobs} {
		must(t, chromedp.Do(ctx, until(`seen.problem || (seen.pictures.size >= 10 && seen.bright > 50 && seen.path)`)))
		problem, err := chromedp.Run(ctx, chromedp.Evaluate[string](`seen.problem`))
		must(t, err)
		connected, err := chromedp.Run(ctx, chromedp.Evaluate[string](`seen.path`))
		must(t, err)
		if problem != "" || connected != "relay relay" {
			t.Errorf("%s is connected by %q: %s", name, connected, problem)
		}
	}
	must(t, chromedp.Do(bobs, chromedp.Evaluate[chromedp.Void](`void calls.end()`)))
	for _, ctx := range []context.Context{alices, bobs} {
		must(t, chromedp.Do(ctx, until(`seen.changes.at(-1) === "ended" && calls.peers.size === 0`)))
		must(t, chromedp.Do(ctx, until(`calls.mine.getTracks().every((track) => track.readyState === "ended")`)))
	}
	// Who leaves a call that goes on without him has hung up with everybody.
	left, err := chromedp.Run(alices, chromedp.Evaluate[int](`calls.call = { identity: "c" }; calls.peers.set("b", { close() {} }); calls.show({
		identity: "c", state: "active", participants: [{ user: { identity: calls.me }, state: "left" }, { user: { identity: "b" }, state: "joined" }],
	}); calls.peers.size`))
	must(t, err)
	if left != 0 {
		t.Errorf("who has left the call is still connected to %d", left)
	}
}
