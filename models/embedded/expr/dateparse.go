package expr

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $dateFromString.
const (
	fromStringNoObject   mongoerr.Code = 40540
	fromStringUnknown    mongoerr.Code = 40541
	fromStringNoDate     mongoerr.Code = 40542
	fromStringFormatType mongoerr.Code = 40684
)

// parseLetters are those that may follow a % in $dateFromString.
const parseLetters = "%bBdGHjLmMSuVYzZ"

func parseDateFromString(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, fromStringNoObject.Errorf("$dateFromString only supports an object as an argument, found: %s", typeName(v))
	}
	unknown := func(arg string) error {
		return fromStringUnknown.Errorf("Unrecognized argument to $dateFromString: %s", arg)
	}
	args, err := p.named(v, unknown, "dateString", "format", "timezone", "onNull", "onError")
	if err != nil {
		return nil, err
	}
	if args["dateString"] == nil {
		return nil, fromStringNoDate.Errorf("Missing 'dateString' parameter to $dateFromString")
	}
	z, err := zone(args["timezone"])
	return &dateFromString{args["dateString"], args["format"], args["onNull"], args["onError"], z}, err
}

type dateFromString struct {
	text, format, onNull, onError node // all but text may be nil
	zone                          zoneArgument
}

func (d *dateFromString) eval(s *scope) (bson.RawValue, error) {
	text, err := d.text.eval(s)
	if err != nil {
		return text, err
	}
	var format bson.RawValue
	if d.format != nil {
		if format, err = d.format.eval(s); err != nil {
			return format, err
		}
		if err := checkFormat("$dateFromString", fromStringFormatType, parseLetters, format); err != nil {
			return bson.RawValue{}, err
		}
	}
	location, err := d.zone.location(s)
	switch {
	case err != nil:
		return bson.RawValue{}, err
	case nullish(text) && d.onNull != nil:
		return d.onNull.eval(s)
	case nullish(text):
		return value.Null, nil
	}
	v, err := d.read(text, format, location)
	if d.onError != nil && mongoerr.Is(err, conversionFailure) {
		return d.onError.eval(s)
	}
	return v, err
}

func (d *dateFromString) read(text, format bson.RawValue, location *time.Location) (bson.RawValue, error) {
	switch {
	case !isString(text):
		return failed("$dateFromString requires that 'dateString' be a string, found: %s with value %s", typeName(text), showValue(text))
	case location == nil || d.format != nil && nullish(format):
		return value.Null, nil
	case d.format == nil:
		return parseFreeDate(textOf(text), location)
	}
	r := dateReader{rest: textOf(text), fields: newDateFields()}
	if problem := r.read(textOf(format)); problem != "" {
		return failed("Error parsing date string '%s'; %d: %s", textOf(text), len(textOf(text))-len(r.rest), problem)
	}
	t, problem := r.fields.time(location)
	if problem != "" {
		return failed("Error parsing date string '%s'; %s", textOf(text), problem)
	}
	return dateValue(t.UnixMilli()), nil
}

// freeDates are the forms of a date that need no format.
var freeDates = []string{
	"2006-01-02", "2006-1-2", "2006/01/02", "2006/1/2", "20060102", "2006-01", "01/02/2006", "1/2/2006",
	"2 January 2006", "2 Jan 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006", "2-Jan-2006",
	"Mon, 2 Jan 2006", "Monday, January 2, 2006", "Mon Jan 2 2006", "2006-002",
}

// freeTimes may follow the date after a T or a space.
var freeTimes = []string{"15:04:05", "15:04", "150405", "15", "3:04:05 PM", "3:04 PM", "3:04:05PM", "3:04PM", "3PM", "3 PM"}

var freeZones = []string{"", "Z", "-07:00", "-0700", "-07", " Z", " -07:00", " -0700", " UTC", " GMT", "UTC", "GMT"}

// parseFreeDate reads a date without a format. location is for texts that name
// no zone; mongod refuses both together, unless location is UTC.
func parseFreeDate(text string, location *time.Location) (bson.RawValue, error) {
	trimmed := strings.TrimSpace(text)
	t, zoned, ok := readFreeDate(trimmed, location)
	if !ok {
		return failed("Error parsing date string '%s'; 0: Unexpected character '%c'", text, firstRune(trimmed))
	}
	if zoned && location != time.UTC {
		return failed("you cannot pass in a date/time string with time zone information ('%s') together with a timezone argument", text)
	}
	return dateValue(t.UnixMilli()), nil
}

func firstRune(text string) rune {
	for _, r := range text {
		return r
	}
	return 0
}

func readFreeDate(text string, location *time.Location) (t time.Time, zoned, ok bool) {
	for _, date := range freeDates {
		if t, err := time.ParseInLocation(date, text, location); err == nil {
			return t, false, true
		}
		// Most texts are told from most forms by where the digits are.
		if len(text) < len(date)-4 || (text[0] >= '0' && text[0] <= '9') != (date[0] >= '0' && date[0] <= '9') {
			continue
		}
		if t, zoned, ok := readFreeTime(date, text, location); ok {
			return t, zoned, true
		}
	}
	return time.Time{}, false, false
}

func readFreeTime(date, text string, location *time.Location) (t time.Time, zoned, ok bool) {
	for _, between := range []string{"T", " ", "t"} {
		if !strings.Contains(text, between) {
			continue
		}
		for _, clock := range freeTimes {
			for _, zone := range freeZones {
				if t, err := time.ParseInLocation(date+between+clock+zone, text, location); err == nil {
					return t, zone != "", true
				}
			}
		}
	}
	return time.Time{}, false, false
}
