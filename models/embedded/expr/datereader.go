package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateReader reads a text by a format of $dateFromString.
type dateReader struct {
	rest   string
	fields dateFields
}

// dateFields are the parts that a format named, -1 where it did not.
type dateFields struct {
	year, month, day, dayOfYear        int
	isoYear, isoWeek, isoDay           int
	hour, minute, second, milliseconds int
	zone                               *time.Location
}

func newDateFields() dateFields {
	return dateFields{year: -1, month: -1, day: -1, dayOfYear: -1, isoYear: -1, isoWeek: -1, isoDay: -1}
}

// read gives mongod's words for what is wrong, or "".
func (r *dateReader) read(format string) (problem string) {
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && format[i+1] != '%' {
			i++
			if problem = r.component(format[i]); problem != "" {
				return problem
			}
			continue
		}
		if format[i] == '%' {
			i++
		}
		if r.rest == "" {
			return "Not enough data available to satisfy format"
		}
		if r.rest[0] != format[i] {
			return fmt.Sprintf("Format literal not found: '%c'", r.rest[0])
		}
		r.rest = r.rest[1:]
	}
	if r.rest != "" {
		return fmt.Sprintf("Trailing data: '%c'", r.rest[0])
	}
	return ""
}

func (r *dateReader) component(letter byte) (problem string) {
	f := &r.fields
	switch letter {
	case 'Y':
		return r.number(&f.year, 4, 4, 0, 9999, "four digit year")
	case 'G':
		return r.number(&f.isoYear, 4, 4, 0, 9999, "four digit year")
	case 'm':
		return r.number(&f.month, 2, 2, 1, 12, "two digit month")
	case 'd':
		return r.number(&f.day, 2, 2, 1, 31, "two digit day")
	case 'j':
		return r.number(&f.dayOfYear, 3, 3, 1, 366, "three digit day-of-year")
	case 'V':
		return r.number(&f.isoWeek, 2, 2, 1, 53, "two digit week")
	case 'u':
		return r.number(&f.isoDay, 1, 1, 1, 7, "one digit day of week")
	case 'H':
		return r.number(&f.hour, 2, 2, 0, 24, "two digit hour")
	case 'M':
		return r.number(&f.minute, 2, 2, 0, 59, "two digit minute")
	case 'S':
		return r.number(&f.second, 2, 2, 0, 59, "two digit second")
	case 'L':
		return r.number(&f.milliseconds, 3, 3, 0, 999, "three digit millisecond")
	case 'b', 'B':
		return r.monthName(letter == 'B')
	case 'z':
		return r.offset()
	}
	return r.minutes()
}

func (r *dateReader) number(into *int, least, most, low, high int, what string) (problem string) {
	n := 0
	for n < len(r.rest) && n < most && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(r.rest[:n])
	if err != nil || n < least || v < low || v > high {
		return "A " + what + " could not be found"
	}
	*into, r.rest = v, r.rest[n:]
	return ""
}

func (r *dateReader) monthName(long bool) (problem string) {
	for month := time.January; month <= time.December; month++ {
		name := month.String()
		if !long {
			name = name[:3]
		}
		if len(r.rest) >= len(name) && strings.EqualFold(r.rest[:len(name)], name) {
			r.fields.month, r.rest = int(month), r.rest[len(name):]
			return ""
		}
	}
	return "A textual month could not be found"
}

// offset reads what %z stands for.
func (r *dateReader) offset() (problem string) {
	for _, size := range []int{6, 5, 3} {
		if len(r.rest) < size {
			continue
		}
		if location, ok := offsetZone(r.rest[:size]); ok {
			r.fields.zone, r.rest = location, r.rest[size:]
			return ""
		}
	}
	for _, name := range []string{"UTC", "GMT", "Z", "z"} {
		if rest, ok := strings.CutPrefix(r.rest, name); ok {
			r.fields.zone, r.rest = time.UTC, rest
			return ""
		}
	}
	return "The timezone could not be found in the database"
}

// minutes reads what %Z stands for: the offset in minutes with its sign.
func (r *dateReader) minutes() (problem string) {
	if r.rest == "" || r.rest[0] != '+' && r.rest[0] != '-' {
		return "The timezone offset in minutes could not be found"
	}
	sign := r.rest[0]
	r.rest = r.rest[1:]
	n := 0
	if problem := r.number(&n, 1, 4, 0, 9999, "timezone offset in minutes"); problem != "" {
		return problem
	}
	if sign == '-' {
		n = -n
	}
	r.fields.zone = time.FixedZone("", n*60)
	return ""
}

// time puts the parts together; location is for texts that name no zone.
func (f *dateFields) time(location *time.Location) (t time.Time, problem string) {
	if f.zone != nil && location != time.UTC {
		return t, "you cannot pass in a date/time string with time zone information together with a timezone argument"
	}
	if f.zone != nil {
		location = f.zone
	}
	natural, iso := f.year >= 0, f.isoYear >= 0
	switch {
	case natural && (iso || f.isoWeek >= 0 || f.isoDay >= 0), iso && (f.month >= 0 || f.day >= 0):
		return t, "Mixing of ISO dates with natural dates is not allowed"
	case !natural && !iso:
		return t, "an incomplete date/time string has been found, with elements missing"
	case natural && f.dayOfYear < 0 && (f.month < 0 || f.day < 0):
		return t, "an incomplete date/time string has been found, with elements missing"
	case iso:
		return isoDate(f.isoYear, max(f.isoWeek, 1), max(f.isoDay, 1), f.clock(), location), ""
	case f.dayOfYear >= 0:
		return dateAt(f.year, 1, f.dayOfYear, f.clock(), location), ""
	}
	t = dateAt(f.year, f.month, f.day, f.clock(), location)
	return t, ""
}

func (f *dateFields) clock() clock {
	return clock{int64(f.hour), int64(f.minute), int64(f.second), int64(f.milliseconds)}
}
