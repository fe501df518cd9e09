package service

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/zh"
	ut "github.com/go-playground/universal-translator"
	"github.com/go-playground/validator/v10"
	entranslations "github.com/go-playground/validator/v10/translations/en"
	zhtranslations "github.com/go-playground/validator/v10/translations/zh"

	"parlor/define"
	"parlor/helper"
)

// rules checks inputs by their `validate` tags and words what is wrong in both languages.
type rules struct {
	*validator.Validate
	en, zh ut.Translator
}

// ownRule is a tag that validator does not have, or has no words for.
type ownRule struct {
	tag    string
	holds  func(string) bool // nil where validator knows the tag
	en, zh string
}

var ownRules = []ownRule{
	{"account", helper.ValidAccount, "{0} must be 2 to 50 letters, digits, '_', '-' or '.'", "{0}必须是2到50个文字、数字或 _ - ."},
	{"birthday", isBirthday, "{0} must be a date such as 2006-01-02", "{0}必须是日期，例如 2006-01-02"},
	{"language", isLanguage, "{0} must be a language code such as en or zh", "{0}必须是语言代码，例如 en 或 zh"},
	{"line", isLine, "{0} must be one line of printable characters", "{0}必须是一行可打印字符"},
	{"eq=|line", nil, "{0} must be one line of printable characters", "{0}必须是一行可打印字符"},
	{"eq=|email", nil, "{0} must be a valid email address", "{0}必须是一个有效的邮箱"},
	{"required_without", nil, "{0} or another way to name the account is needed", "{0}为必填字段"},
}

// inputRules are made once: validator learns the tags of each type when it first meets it.
var inputRules = sync.OnceValue(func() rules {
	english, chinese := en.New(), zh.New()
	translators := ut.New(english, english, chinese)
	r := rules{Validate: validator.New(validator.WithRequiredStructEnabled())}
	r.en, _ = translators.GetTranslator("en")
	r.zh, _ = translators.GetTranslator("zh")
	r.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	r.RegisterStructValidation(checkPassword, RegisterInput{}, PasswordInput{}, ResetInput{}, PasswordCodeInput{})
	err := errors.Join(
		entranslations.RegisterDefaultTranslations(r.Validate, r.en),
		zhtranslations.RegisterDefaultTranslations(r.Validate, r.zh),
	)
	for _, rule := range ownRules {
		if rule.holds != nil {
			err = errors.Join(err, r.RegisterValidation(rule.tag, func(f validator.FieldLevel) bool { return rule.holds(f.Field().String()) }))
		}
		err = errors.Join(err, r.word(rule.tag, r.en, rule.en), r.word(rule.tag, r.zh, rule.zh))
	}
	if err != nil {
		panic(fmt.Sprintf("the rules of the inputs are wrong: %v", err))
	}
	return r
})

func (r rules) word(tag string, language ut.Translator, text string) error {
	add := func(t ut.Translator) error { return t.Add(tag, text, true) }
	say := func(t ut.Translator, e validator.FieldError) string {
		said, err := t.T(tag, e.Field())
		if err != nil {
			return e.Error()
		}
		return said
	}
	return r.RegisterTranslation(tag, language, add, say)
}

// check returns a define.Error that names every field of input that breaks its rule.
func check(input any) error {
	r := inputRules()
	err := r.Struct(input)
	if err == nil {
		return nil
	}
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return fmt.Errorf("check %T: %w", input, err)
	}
	refusal := define.ErrInvalid
	for _, field := range broken {
		refusal = refusal.Field(fieldPath(field), define.Text{En: field.Translate(r.en), Zh: field.Translate(r.zh)})
	}
	return refusal
}

// fieldPath is the name of a field as the caller wrote it: without the input's own type, and without embedded ones.
func fieldPath(field validator.FieldError) string {
	_, path, _ := strings.Cut(field.Namespace(), ".")
	for _, embedded := range []string{"Page.", "PersonInput.", "ProfileInput."} {
		path = strings.TrimPrefix(path, embedded)
	}
	return path
}

// checkPassword refuses a new password that is shorter than its rule asks for. None at all is refused by its tag.
func checkPassword(level validator.StructLevel) {
	switch in := level.Current().Interface().(type) {
	case RegisterInput:
		in.checkPassword(level, in.Password, "password", "Password")
	case PasswordInput:
		in.checkPassword(level, in.NewPassword, "new_password", "NewPassword")
	case PasswordCodeInput:
		in.checkPassword(level, in.NewPassword, "new_password", "NewPassword")
	case ResetInput:
		in.checkPassword(level, in.NewPassword, "new_password", "NewPassword")
	}
}

func (r PasswordRule) checkPassword(level validator.StructLevel, password, name, field string) {
	least := max(cmp.Or(r.PasswordMin, define.PasswordMin), define.PasswordFloor)
	if password != "" && utf8.RuneCountInString(password) < least {
		level.ReportError(password, name, field, "min", strconv.Itoa(least))
	}
}

func isBirthday(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return s == "" || err == nil
}

func isLanguage(s string) bool {
	_, ok := define.Language(s)
	return ok
}

// joiners are the two characters without a width that belong into names: they join emoji (👩‍💻) and shape letters (می‌خواهم).
var joiners = strings.NewReplacer("\u200c", "", "\u200d", "")

// isLine refuses what nobody could see, too.
func isLine(s string) bool {
	visible := joiners.Replace(s)
	return helper.Printable(visible, 1, len(s)) && strings.TrimSpace(visible) != ""
}
