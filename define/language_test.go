package define

import "testing"

func TestLanguage(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"en": "en", "ZH": "zh", "zh-cn": "zh-CN", "zh-Hans": "zh-Hans", "pt_BR": "pt-BR", "eng": "en", "tl": "tl", "yue": "yue",
		"": "", "und": "", "und-US": "", "xx": "", "english": "", "e": "", "en-": "", "en us": "", "x-mine": "", "en-x-mine": "", "de-u-co-phonebk": "", "--version": "", "auto": "",
	} {
		got, ok := Language(code)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", code, got, ok)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	f.Add("en")
	f.Add("zh-Hans-CN")
	f.Add("sr_latn-x-\x00")
	f.Fuzz(func(t *testing.T, code string) {
		canonical, ok := Language(code)
		if again, still := Language(canonical); ok && (!still || again != canonical) {
			t.Errorf("%q gives %q, and that gives %q", code, canonical, again)
		}
	})
}
