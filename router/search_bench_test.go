package router_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service"
)

// vocabulary makes texts whose words are as unevenly frequent as those of people.
type vocabulary struct {
	words   []string
	random  *rand.Rand
	zipf    *rand.Zipf
	chinese []rune
}

func newVocabulary() *vocabulary {
	random := rand.New(rand.NewPCG(1, 2))
	v := &vocabulary{random: random, zipf: rand.NewZipf(random, 1.1, 4, 29_999)}
	syllables := strings.Fields("ba con de er fi gra hu in jo ki lo ment na or pre qui ra sta tion un ver wi xy yo zen the ing ed ly able")
	for range 30_000 {
		word := ""
		for range 1 + random.IntN(4) {
			word += syllables[random.IntN(len(syllables))]
		}
		v.words = append(v.words, word)
	}
	for r := '一'; r < '一'+3000; r++ {
		v.chinese = append(v.chinese, r)
	}
	return v
}

func (v *vocabulary) text() string {
	if v.random.IntN(3) == 0 {
		runes := make([]rune, 4+v.random.IntN(20))
		for i := range runes {
			runes[i] = v.chinese[min(int(v.zipf.Uint64()), len(v.chinese)-1)]
		}
		return string(runes)
	}
	words := make([]string, 3+v.random.IntN(12))
	for i := range words {
		words[i] = v.words[v.zipf.Uint64()]
	}
	return strings.Join(words, " ")
}

// talk fills rooms with messages of all users, in turns and each findable by itself, as in rooms where little is said at once.
func (c *crowd) talk(rooms []string, n int) {
	c.b.Helper()
	const batch = 1000
	ctx := context.Background()
	v := newVocabulary()
	seqs := make([]int64, len(rooms))
	for done := 0; done < n; done += batch {
		first, err := c.store.Counters.Take(ctx, models.CounterMessage, batch)
		if err != nil {
			c.b.Fatal(err)
		}
		messages := make([]models.Message, batch)
		pointers := make([]*models.Message, batch)
		for i := range messages {
			room := (done + i) % len(rooms)
			seqs[room]++
			at := int64(1_760_000_000_000 + (done+i)*2_000)
			messages[i] = models.Message{
				Identity: first + int64(i), RoomIdentity: rooms[room], Seq: seqs[room], UserIdentity: c.users[v.random.IntN(len(c.users))],
				Type: define.MessageText, Data: v.text(), CreatedAt: at, UpdatedAt: at,
			}
			if (done+i)%997 == 0 {
				messages[i].Data += " Überraschung 北京烤鸭"
			}
			if len(rooms) == 1 && (done+i)%100 == 0 {
				messages[i].Type = define.MessageNotice
			}
			pointers[i] = &messages[i]
		}
		if _, err := c.store.Messages.InsertBatch(ctx, pointers); err != nil {
			c.b.Fatal(err)
		}
		if err := c.store.Runs.InsertMany(ctx, service.RunsOf(messages)); err != nil {
			c.b.Fatal(err)
		}
	}
	for i := range rooms {
		last := models.Message{RoomIdentity: rooms[i], Seq: seqs[i], CreatedAt: 1}
		if err := c.store.Rooms.Advance(ctx, []*models.Message{&last}); err != nil {
			c.b.Fatal(err)
		}
	}
}

// messagesToSearch is how many messages BenchmarkSearch stores: SEARCH_MESSAGES, or a million.
func messagesToSearch(b *testing.B) int {
	text := os.Getenv("SEARCH_MESSAGES")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// afterLoad is how long the database gets to put in order what was loaded at many times the speed of any chat.
const afterLoad = time.Minute

// BenchmarkSearch asks for pages of 50 over HTTP, in one room that holds half of the messages, and in 500 rooms of one user.
func BenchmarkSearch(b *testing.B) {
	c := newCrowd(b, 20)
	n := messagesToSearch(b)
	rooms := make([]string, 500)
	for i := range rooms {
		rooms[i] = c.room(i+1, c.users...)
	}
	c.talk(rooms[:1], n/2)
	c.talk(rooms[1:], n/2)
	time.Sleep(afterLoad)
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
	} {
		b.Run(bench.name, func(b *testing.B) {
			for range b.N {
				if items := c.page(bench.path); items == 0 && !strings.Contains(bench.name, "none") && !strings.Contains(bench.name, "rare") {
					b.Fatal("nothing is found")
				}
			}
		})
	}
}

// BenchmarkRooms lists the 100 most recent of a user's 500 rooms, each with unread messages, recalled and mentioning ones
// among them.
func BenchmarkRooms(b *testing.B) {
	c := newCrowd(b, 2)
	ctx := context.Background()
	rooms := make([]string, 500)
	for i := range rooms {
		rooms[i] = c.room(i+1, c.users...)
	}
	c.talk(rooms, 100*len(rooms))
	for _, room := range rooms {
		for seq := range int64(20) {
			if err := c.store.UserRooms.Mention(ctx, room, 50+seq, []string{c.users[0]}); err != nil {
				b.Fatal(err)
			}
			if err := c.store.UserRooms.Skip(ctx, room, 75+seq, ""); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ResetTimer()
	for range b.N {
		if items := c.list("/rooms?limit=100"); items != 100 {
			b.Fatalf("%d rooms", items)
		}
	}
}

// page reads one page and returns how many items it has.
func (c *crowd) page(path string) int { return c.list(path + "&limit=50") }

func (c *crowd) list(path string) int {
	c.b.Helper()
	r, err := http.NewRequest("GET", c.url+"/api/v1"+path, nil)
	if err != nil {
		c.b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.tokens[0])
	response, err := c.instance.client.Do(r)
	if err != nil {
		c.b.Fatal(err)
	}
	defer response.Body.Close()
	var list struct{ Items []json.RawMessage }
	text, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil || response.StatusCode != 200 {
		c.b.Fatalf("%d %s %v", response.StatusCode, text, err)
	}
	return len(list.Items)
}
