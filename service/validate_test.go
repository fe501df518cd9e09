package service

import (
	"errors"
	"strings"
	"testing"

	"parlor/define"
)

func TestCheckNamesWrongFieldsInBothLanguages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 8001)
	negative := int64(-1)
	cases := map[string]struct {
		input  any
		fields map[string]define.Text // what the texts must contain
	}{
		"nothing given": {RegisterInput{}, map[string]define.Text{
			"account":  {En: "account is a required field", Zh: "account为必填字段"},
			"password": {En: "password is a required field", Zh: "password为必填字段"},
		}},
		"account with a space": {RegisterInput{Account: "a b", Password: "12345678"}, map[string]define.Text{
			"account": {En: "2 to 50", Zh: "2到50"},
		}},
		"short password": {RegisterInput{Account: "alice", Password: "1234567"}, map[string]define.Text{
			"password": {En: "at least 8 characters", Zh: "8个字符"},
		}},
		"short password of a face": {PasswordInput{OldPassword: "x", NewPassword: "12345", PasswordRule: PasswordRule{PasswordMin: 1}}, map[string]define.Text{
			"new_password": {En: "at least 6 characters", Zh: "6个字符"},
		}},
		"short password beside another fault": {ResetInput{Email: "no", Code: "123456", NewPassword: "长长长长长长长"}, map[string]define.Text{
			"email":        {En: "valid email", Zh: "邮箱"},
			"new_password": {En: "at least 8 characters", Zh: "8个字符"},
		}},
		"neither account nor e-mail": {LoginInput{Password: "x"}, map[string]define.Text{
			"account": {En: "needed", Zh: "必填"},
		}},
		"length counts characters": {MessageInput{Data: long}, map[string]define.Text{
			"data": {En: "8,000 characters", Zh: "8,000个字符"},
		}},
		"an element of a list": {RoomInput{Name: "x", Members: []string{"a", ""}}, map[string]define.Text{
			"members[1]": {En: "required", Zh: "必填"},
		}},
		"a value of a map": {SyncInput{Rooms: map[string]int64{"r": -1}}, map[string]define.Text{
			"rooms[r]": {En: "0 or greater", Zh: "0"},
		}},
		"an embedded page": {HistoryQuery{AfterSeq: &negative, Page: Page{Limit: 101}}, map[string]define.Text{
			"after_seq": {En: "0 or greater", Zh: "0"},
			"limit":     {En: "100 or less", Zh: "100"},
		}},
		"control characters": {GroupInput{Name: "a\nb"}, map[string]define.Text{
			"name": {En: "printable", Zh: "可打印"},
		}},
		"a name in a room that nobody can see": {RoomMeInput{Nickname: pointer(" ")}, map[string]define.Text{
			"nickname": {En: "one line", Zh: "一行"},
		}},
		"joiners alone": {GroupInput{Name: "\u200d"}, map[string]define.Text{
			"name": {En: "printable", Zh: "可打印"},
		}},
		"a remark that turns the line around": {FriendInput{Remark: pointer("a\u202eb")}, map[string]define.Text{
			"remark": {En: "printable", Zh: "可打印"},
		}},
		"not a date": {ProfileInput{Birthday: pointer("2020-02-30")}, map[string]define.Text{
			"birthday": {En: "2006-01-02", Zh: "2006-01-02"},
		}},
		"not one of": {ProfileInput{Sex: pointer(3)}, map[string]define.Text{
			"sex": {En: "one of [0 1 2]", Zh: "[0 1 2]"},
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refusal *define.Error
			if err := check(c.input); !errors.As(err, &refusal) || refusal.Code != define.CodeInvalid {
				t.Fatalf("got %v, want a refusal", err)
			}
			if len(refusal.Fields) != len(c.fields) {
				t.Errorf("fields %v, want %v", refusal.Fields, c.fields)
			}
			for field, want := range c.fields {
				got := refusal.Fields[field]
				if !strings.Contains(got.En, want.En) || !strings.Contains(got.Zh, want.Zh) {
					t.Errorf("%s: got %+v, want %+v in it", field, got, want)
				}
			}
		})
	}
}

func TestCheckAllowsWhatKeepsTheRules(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]any{
		"account of another script": RegisterInput{Account: "小明_1.-", Password: "12345678"},
		"password by a face's rule": RegisterInput{Account: "alice", Password: "123456", PasswordRule: PasswordRule{PasswordMin: 6}},
		"8000 characters":           MessageInput{Data: strings.Repeat("长", 8000)},
		"an empty change":           ProfileInput{},
		"an emptied birthday":       ProfileInput{Birthday: pointer("")},
		"an emptied name in a room": RoomMeInput{Nickname: pointer("")},
		"an emptied remark":         FriendInput{Remark: pointer("")},
		"joined emoji":              RoomInput{Name: "👩\u200d💻 می\u200cخواهم"},
		"login by e-mail":           LoginInput{Email: "a@example.com", Password: "x"},
		"no page":                   Page{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := check(input); err != nil {
				t.Error(err)
			}
		})
	}
}

func pointer[T any](v T) *T { return &v }
