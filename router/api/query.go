package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// query reads the parameters of a request and gathers what is wrong with them.
type query struct {
	values url.Values
	wrong  *define.Error
}

// several marks a parameter that may be given more than once.
const several = "*"

// newQuery refuses what a client might believe to have an effect: parameters other than allowed, and those given twice.
func newQuery(c *gin.Context, allowed ...string) *query {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.wrong = define.ErrInvalid.With(err)
	}
	for name, given := range values {
		switch {
		case slices.Contains(allowed, name+several):
		case !slices.Contains(allowed, name):
			q.refuse(name, "is not a parameter of this request", "不是该请求的参数")
		case len(given) > 1:
			q.refuse(name, "is given more than once", "重复出现")
		}
	}
	return q
}

func (q *query) refuse(name, en, zh string) {
	if q.wrong == nil {
		q.wrong = define.ErrInvalid
	}
	q.wrong = q.wrong.Field(name, define.Text{En: en, Zh: zh})
}

// err returns an error of code `invalid` that names each wrong parameter, or nil.
func (q *query) err() error {
	if q.wrong == nil {
		return nil
	}
	return q.wrong
}

// list returns the values of a parameter that may be given several times, or once with commas.
func (q *query) list(name string) []string {
	var all []string
	for _, given := range q.values[name] {
		all = append(all, strings.Split(given, ",")...)
	}
	return all
}

// integer returns a whole number, or nil where the parameter is not given.
func (q *query) integer(name string) *int64 {
	if !q.values.Has(name) {
		return nil
	}
	n, err := strconv.ParseInt(q.values.Get(name), 10, 64)
	if err != nil {
		q.refuse(name, "must be a whole number", "必须是整数")
		return nil
	}
	return &n
}

// flag returns whether a parameter is true; it is not where it is not given.
func (q *query) flag(name string) bool {
	switch q.values.Get(name) {
	case "true":
		return true
	case "false", "":
	default:
		q.refuse(name, "must be true or false", "必须是 true 或 false")
	}
	return false
}

// page returns which part of a list is asked for. A service takes a limit of 0 for none, so that one is refused here.
func (q *query) page() service.Page {
	page := service.Page{Cursor: q.values.Get("cursor")}
	if limit := q.integer("limit"); limit != nil {
		if *limit < 1 || *limit > define.PageMax {
			q.refuse("limit", "must be from 1 to "+strconv.Itoa(define.PageMax), "必须在 1 到 "+strconv.Itoa(define.PageMax)+" 之间")
		}
		page.Limit = int(*limit)
	}
	return page
}

// readPage reads the parameters of a list.
func readPage(c *gin.Context) (service.Page, error) {
	q := newQuery(c, "limit", "cursor")
	page := q.page()
	return page, q.err()
}

// readFilteredPage reads the parameters of a list with one filter of its own.
func readFilteredPage(c *gin.Context, filter string) (string, service.Page, error) {
	q := newQuery(c, "limit", "cursor", filter)
	page := q.page()
	return q.values.Get(filter), page, q.err()
}
