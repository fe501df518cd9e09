package usersig

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// form is what a client has sent in a body, urlencoded or multipart. A body of another type is an empty form.
type form url.Values

func readForm(c *gin.Context) (form, error) {
	err := c.Request.ParseMultipartForm(define.BodyMax)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, define.ErrTooLarge.With(err)
	}
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, define.ErrMalformed.With(err)
	}
	return form(c.Request.PostForm), nil
}

// text returns a field, empty where it was not sent.
func (f form) text(name string) string { return url.Values(f).Get(name) }

// field returns a field, nil where it was not sent.
func (f form) field(name string) *string {
	if !url.Values(f).Has(name) {
		return nil
	}
	text := f.text(name)
	return &text
}

// phoneMax is the seed's; the core takes longer ones.
const phoneMax = 16

// person reads what may be said of a user.
func (f form) person() (service.PersonInput, error) {
	in := service.PersonInput{Username: f.field("username"), IDCardNum: f.field("id_card_num"), Email: f.field("email"), AvatarAddress: f.field("avatar")}
	in.ProfileInput = service.ProfileInput{
		Nickname: f.field("nickname"), Phone: f.field("phone"), Description: f.field("description"), Name: f.field("name"),
		Birthday: f.field("birthday"), Province: f.field("province"), City: f.field("city"),
	}
	if in.Phone != nil && utf8.RuneCountInString(*in.Phone) > phoneMax {
		return in, define.Invalid("phone", "has at most 16 characters", "长度不能超过16个字符")
	}
	if gender := f.field("gender"); gender != nil {
		sex, known := sexOf[*gender]
		if !known {
			return in, define.Invalid("gender", "must be 男 or 女", "须为男或女")
		}
		in.Sex = &sex
	}
	return in, nil
}

// sexOf is what the genders that clients send are to the core; genderOf is what is shown.
var (
	sexOf = map[string]int{
		"": 0, "0": 0, "未知": 0, "保密": 0, "unknown": 0,
		"1": 1, "男": 1, "男性": 1, "male": 1, "Male": 1, "M": 1, "m": 1,
		"2": 2, "女": 2, "女性": 2, "female": 2, "Female": 2, "F": 2, "f": 2,
	}
	genderOf = map[int]string{1: "男", 2: "女"}
)

// userIDs reads the list of users of a new session: a list in JSON, in one field of the form. Numbers are taken as they
// are written.
func (f form) userIDs() ([]string, error) {
	var items []json.RawMessage
	wrong := define.Invalid("chat_user_id_list", `must be a list in JSON, such as ["a1","b1"]`, `须为JSON数组，例如["a1","b1"]`)
	if err := json.Unmarshal([]byte(f.text("chat_user_id_list")), &items); err != nil || len(items) == 0 {
		return nil, wrong.With(err)
	}
	ids := make([]string, len(items))
	for i, item := range items {
		var number json.Number
		if json.Unmarshal(item, &ids[i]) == nil && ids[i] != "" {
			continue
		}
		if json.Unmarshal(item, &number) != nil || number == "" {
			return nil, wrong
		}
		ids[i] = number.String()
	}
	return ids, nil
}

// paging is which part of a list a client wants: all of it, or a page.
type paging struct {
	all       bool
	num, size int64
}

// The size of a page, and of all where a client wants no pages.
const (
	pageDefault = 10
	pageMax     = 1000
	allMax      = 10_000
)

func readPaging(c *gin.Context) (paging, error) {
	p := paging{all: c.Query("total") != "", num: 1, size: pageDefault}
	for name, number := range map[string]*int64{"page_num": &p.num, "page_size": &p.size} {
		text, given := c.GetQuery(name)
		if !given {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 || name == "page_size" && n > pageMax {
			return p, define.Invalid(name, "must be a number from 1, and page_size at most 1000", "须为正整数，page_size不超过1000")
		}
		*number = n
	}
	return p, nil
}

// first is the part of a list to begin with.
func (p paging) first() service.Part {
	if p.all {
		return service.Part{Limit: pageMax}
	}
	return service.Part{Skip: (p.num - 1) * p.size, Limit: int(p.size)}
}

// counts returns what a list says of itself: how many items and pages there are, nothing where pages were not wanted. A
// page behind the last one is refused; of an empty list there is one page.
func (p paging) counts(total int64) (items, pages *int64, err error) {
	if p.all {
		return nil, nil, nil
	}
	n := max(1, (total+p.size-1)/p.size)
	if p.num > n {
		return nil, nil, define.ErrNotFound
	}
	return &total, &n, nil
}
