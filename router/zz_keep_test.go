package router_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

type keptMeta struct{ Users, Tokens, Rooms []string }

func keptCrowd(b *testing.B, dir string) (*crowd, []string) {
	text, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err == nil {
		server, err := open(testConfig(dir))
		if err != nil { b.Fatal(err) }
		b.Cleanup(func() { server.close() })
		var m keptMeta
		json.Unmarshal(text, &m)
		return &crowd{instance: server, b: b, users: m.Users, tokens: m.Tokens}, m.Rooms
	}
	return nil, nil
}

func BenchmarkKept(b *testing.B) {
	dir := os.Getenv("KEPT")
	c, rooms := keptCrowd(b, dir)
	if c == nil {
		server, err := open(testConfig(dir))
		if err != nil { b.Fatal(err) }
		b.Cleanup(func() { server.close() })
		c = newCrowdOn(b, server, 20)
		rooms = make([]string, 500)
		for i := range rooms { rooms[i] = c.room(i+1, c.users...) }
		n := messagesToSearch(b)
		start := time.Now()
		c.talk(rooms[:1], n/2)
		c.talk(rooms[1:], n/2)
		b.Log("loaded in", time.Since(start))
		text, _ := json.Marshal(keptMeta{c.users, c.tokens, rooms})
		os.WriteFile(filepath.Join(dir, "meta.json"), text, 0o600)
	}
	v := newVocabulary()
	common, rare, chinese := v.words[0], v.words[25_000], string(v.chinese[:2])
	one := "/rooms/" + rooms[0] + "/messages?"
	for _, bench := range []struct{ name, path string }{
		{"room/rare", one + "q=" + rare},
		{"room/planted", one + "q=berrasch"},
		{"room/common", one + "q=" + common},
		{"room/chinese", one + "q=" + url.QueryEscape(chinese)},
		{"room/chinese-rare", one + "q=" + url.QueryEscape("烤鸭")},
		{"room/none", one + "q=nowherefound"},
		{"room/sender", one + "sender=" + c.users[7]},
		{"room/type", one + "type=notice"},
		{"room/time", one + "from=1760100000000&to=1760200000000"},
		{"room/all", one + "sender=" + c.users[7] + "&type=text&q=" + common + "&from=1760100000000"},
		{"rooms/rare", "/search/messages?q=" + rare},
		{"rooms/planted", "/search/messages?q=berrasch"},
		{"rooms/common", "/search/messages?q=" + common},
		{"rooms/chinese", "/search/messages?q=" + url.QueryEscape(chinese)},
		{"rooms/none", "/search/messages?q=nowherefound"},
		{"rooms/two", "/search/messages?q=" + url.QueryEscape(v.words[40]+" "+v.words[3])},
		{"rooms/rare2", "/search/messages?q=" + v.words[29_000]},
		{"room/rare2", one + "q=" + v.words[29_000]},
		{"rooms/list", "/rooms?"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var t []time.Duration
			items := 0
			database := c.examined()
			for range b.N {
				s := time.Now()
				items = c.page(bench.path)
				t = append(t, time.Since(s))
			}
			slices.Sort(t)
			b.ReportMetric(float64(t[0].Microseconds())/1000, "min-ms")
			b.ReportMetric(float64(t[len(t)/2].Microseconds())/1000, "med-ms")
			b.ReportMetric(float64(items), "items")
			after := c.examined()
			b.ReportMetric(float64(after[0]-database[0])/float64(b.N), "keys")
			b.ReportMetric(float64(after[1]-database[1])/float64(b.N), "docs")
			b.ReportMetric(0, "ns/op")
		})
	}
	_ = strings.Join
	_ = runtime.NumCPU
}
