package router_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parlor/define"
)

// needPrograms skips the test where one of the programs is missing, or fails it where WORDS=required says that all are
// installed.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := exec.LookPath(name)
		need(t, name, err == nil)
	}
}

func need(t *testing.T, what string, installed bool) {
	t.Helper()
	if installed {
		return
	}
	if os.Getenv("WORDS") == "required" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed: docs/words.md says what these tests need", what)
}

// spoken returns a recording in which a synthetic voice says a text, as WAV.
func spoken(t *testing.T, text string) []byte {
	t.Helper()
	recording, err := exec.CommandContext(t.Context(), "espeak-ng", "-v", "en-us+f2", "-s", "160", "--stdout", text).Output()
	if err != nil {
		t.Fatal(err)
	}
	return recording
}

// asPhone turns a recording into what a browser on a phone records.
func asPhone(t *testing.T, recording []byte) []byte {
	t.Helper()
	convert := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", "pipe:0", "-c:a", "libopus", "-f", "ogg", "pipe:1")
	convert.Stdin = strings.NewReader(string(recording))
	converted, err := convert.Output()
	if err != nil {
		t.Fatal(err)
	}
	return converted
}

// The command of docs/words.md: it takes whatever phones record. More arguments go to the recogniser.
func recogniser(more ...string) []string {
	return []string{
		"sh", "-c", `ffmpeg -nostdin -v error -i "$1" -ar 16000 -ac 1 "$1.wav" && pocketsphinx_continuous -infile "$1.wav" -logfn /dev/null ` + strings.Join(more, " "),
		"sh", "{file}",
	}
}

// A real recogniser hears what a real voice says, sent as a message.
func TestSpeechCommandEndToEnd(t *testing.T) {
	t.Parallel()
	needPrograms(t, "espeak-ng", "ffmpeg", "pocketsphinx_continuous")
	// Ten words are all that this small recogniser needs to know to hear them well, whatever the file.
	digits := filepath.Join(t.TempDir(), "digits.gram")
	must(t, os.WriteFile(digits, []byte("#JSGF V1.0;\ngrammar digits;\npublic <digits> = (zero | one | two | three | four | five | six | seven | eight | nine)+;\n"), 0o600))
	for _, test := range []struct {
		name, says, hears string
		command           []string
		form              func(*testing.T, []byte) []byte
	}{
		{"as it is, with the whole English model", "in the united states of america", "united states", recogniser(), func(_ *testing.T, r []byte) []byte { return r }},
		{"from a phone", "one two three four five", "one two three four", recogniser("-jsgf", digits), asPhone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(c *define.Config) {
				c.Speech.Provider, c.Speech.Command, c.Speech.Language = define.ProviderCommand, test.command, "en"
			})
			alice, bob := s.friends("alice", "bob")
			said := alice.sendFile(alice.roomWith(bob), alice.upload("voice", test.form(t, spoken(t, test.says))), "")
			got := into[transcription](bob.transcribe(said).ok(200))
			if !strings.Contains(got.Text, test.hears) || got.Language != "en" {
				t.Errorf("of a %s that says %q it hears %+v", said.File.Mime, test.says, got)
			}
			cut := alice.sendFile(alice.roomWith(bob), alice.upload("cut", asPhone(t, spoken(t, "one"))[:100]), "")
			bob.transcribe(cut).refused("unavailable")
			left, err := os.ReadDir(filepath.Join(s.config.Data, "speech"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// A real translator translates messages there and back.
func TestTranslationCommandEndToEnd(t *testing.T) {
	t.Parallel()
	needPrograms(t, "apertium")
	pairs, err := exec.CommandContext(t.Context(), "apertium", "-l").Output()
	must(t, err)
	need(t, "apertium-eng-spa", strings.Contains(string(pairs), "eng-spa"))
	s := newServer(t, func(c *define.Config) {
		c.Translation.Provider, c.Translation.Command = define.ProviderCommand, []string{"apertium", "-u", "{from}-{to}"}
		c.Translation.Languages, c.Translation.Pairs = []string{"en=eng", "es=spa"}, []string{"en>es", "es>en"}
	})
	alice, bob := s.friends("alice", "bob")
	said := alice.send(alice.roomWith(bob), "The house is red.")
	if got := into[translation](bob.translateMessage(said, "es").ok(200)); got != (translation{"La casa es roja.", "en", "es"}) {
		t.Errorf("got %+v", got)
	}
	if got := into[translation](bob.translate("La casa es roja.", "es", "en").ok(200)); got != (translation{"The house is red.", "es", "en"}) {
		t.Errorf("and back %+v", got)
	}
	bob.translate("The house is red.", "en", "zh").refused("invalid", "to")
	bob.translate("房子是红色的。", "zh", "en").refused("invalid", "from")
}
