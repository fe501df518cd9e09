package expr

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $dateToString.
const (
	toStringNoObject   mongoerr.Code = 18629
	toStringUnknown    mongoerr.Code = 18534
	toStringNoDate     mongoerr.Code = 18628
	toStringFormatType mongoerr.Code = 18533
	formatUnmatched    mongoerr.Code = 18535
	formatUnknown      mongoerr.Code = 18536
	formatYearRange    mongoerr.Code = 18537
)

// isoDateFormat is the format where none is given.
const isoDateFormat = "%Y-%m-%dT%H:%M:%S.%LZ"

// formatLetters are those that may follow a % in $dateToString.
const formatLetters = "%bBdGHjLmMSuUVwYzZ"

func parseDateToString(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, toStringNoObject.Errorf("$dateToString only supports an object as its argument")
	}
	unknown := func(arg string) error {
		return toStringUnknown.Errorf("Unrecognized argument to $dateToString: %s", arg)
	}
	args, err := p.named(v, unknown, "format", "date", "timezone", "onNull")
	if err != nil {
		return nil, err
	}
	if args["date"] == nil {
		return nil, toStringNoDate.Errorf("Missing 'date' parameter to $dateToString")
	}
	if args["format"] == nil {
		args["format"] = &constant{stringValue(isoDateFormat)}
	}
	z, err := zone(args["timezone"])
	return &dateToString{args["date"], args["format"], args["onNull"], z}, err
}

type dateToString struct {
	date, format, onNull node // onNull may be nil
	zone                 zoneArgument
}

func (d *dateToString) eval(s *scope) (bson.RawValue, error) {
	format, err := d.format.eval(s)
	if err != nil {
		return format, err
	}
	if err := checkFormat("$dateToString", toStringFormatType, formatLetters, format); err != nil {
		return bson.RawValue{}, err
	}
	location, err := d.zone.location(s)
	if err != nil {
		return bson.RawValue{}, err
	}
	date, err := d.date.eval(s)
	switch {
	case err != nil:
		return date, err
	case nullish(date) && d.onNull != nil:
		return d.onNull.eval(s)
	case nullish(date), location == nil, nullish(format):
		return value.Null, nil
	}
	millis, ok := millisOf(date)
	if !ok {
		return bson.RawValue{}, noDate.Errorf("can't convert from BSON type %s to Date", typeName(date))
	}
	text, err := formatDate(textOf(format), newMoment(millis, location))
	return stringValue(text), err
}

// checkFormat refuses a format that is neither null nor a string of known letters.
func checkFormat(name string, wrongType mongoerr.Code, letters string, format bson.RawValue) error {
	if nullish(format) {
		return nil
	}
	if !isString(format) {
		return wrongType.Errorf("%s requires that 'format' be a string, found: %s with value %s", name, typeName(format), showValue(format))
	}
	text := textOf(format)
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i++; i == len(text) {
			return formatUnmatched.Errorf("Unmatched '%%' at end of format string")
		}
		if strings.IndexByte(letters, text[i]) < 0 {
			return formatUnknown.Errorf("Invalid format character '%%%c' in format string", text[i])
		}
	}
	return nil
}

// formatDate writes m in a format that has been checked.
func formatDate(format string, m *moment) (string, error) {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out.WriteByte(format[i])
			continue
		}
		i++
		year := m.year()
		if format[i] == 'G' {
			year = m.isoWeekYear()
		}
		if (format[i] == 'Y' || format[i] == 'G') && (year < 0 || year > 9999) {
			return "", formatYearRange.Errorf("Could not convert date to string: date component was outside the supported range of 0-9999: %d", year)
		}
		out.WriteString(m.component(format[i]))
	}
	return out.String(), nil
}

func (m *moment) component(letter byte) string {
	switch letter {
	case 'b':
		return strings.ToLower(m.Month().String()[:3])
	case 'B':
		return strings.ToLower(m.Month().String())
	case 'd':
		return fmt.Sprintf("%02d", m.dayOfMonth())
	case 'G':
		return fmt.Sprintf("%04d", m.isoWeekYear())
	case 'H':
		return fmt.Sprintf("%02d", m.hour())
	case 'j':
		return fmt.Sprintf("%03d", m.dayOfYear())
	case 'L':
		return fmt.Sprintf("%03d", m.millisecond())
	case 'm':
		return fmt.Sprintf("%02d", m.month())
	case 'M':
		return fmt.Sprintf("%02d", m.minute())
	case 'S':
		return fmt.Sprintf("%02d", m.second())
	case 'u':
		return fmt.Sprint(m.isoDayOfWeek())
	case 'U':
		return fmt.Sprintf("%02d", m.week())
	case 'V':
		return fmt.Sprintf("%02d", m.isoWeek())
	case 'w':
		return fmt.Sprint(m.dayOfWeek())
	case 'Y':
		return fmt.Sprintf("%04d", m.year())
	case 'z':
		return m.Format("-0700")
	case 'Z':
		_, offset := m.Zone()
		return fmt.Sprintf("%+d", offset/60)
	}
	return "%"
}
