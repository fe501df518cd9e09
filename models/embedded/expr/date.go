package expr

import (
	"encoding/binary"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about parts of dates.
const (
	noDate           mongoerr.Code = 16006
	datePartUnknown  mongoerr.Code = 40535
	datePartNoDate   mongoerr.Code = 40539
	datePartArity    mongoerr.Code = 40536
	toPartsNoObject  mongoerr.Code = 40524
	toPartsUnknown   mongoerr.Code = 40520
	toPartsNoDate    mongoerr.Code = 40522
	toPartsIsoNoBool mongoerr.Code = 40521
	tsSecondType     mongoerr.Code = 5687301
	tsIncrementType  mongoerr.Code = 5687302
)

// millisOf gives the milliseconds since 1970 of a date, timestamp or object id.
func millisOf(v bson.RawValue) (millis int64, ok bool) {
	switch v.Type {
	case bson.TypeDateTime:
		return v.DateTime(), true
	case bson.TypeTimestamp:
		t, _ := v.Timestamp()
		return int64(t) * 1000, true
	case bson.TypeObjectID:
		return int64(int32(binary.BigEndian.Uint32(v.Value))) * 1000, true
	}
	return 0, false
}

// moment is a date in a time zone.
type moment struct{ time.Time }

func newMoment(millis int64, location *time.Location) *moment {
	return &moment{time.UnixMilli(millis).In(location)}
}

func (m *moment) year() int        { return m.Year() }
func (m *moment) month() int       { return int(m.Month()) }
func (m *moment) dayOfMonth() int  { return m.Day() }
func (m *moment) dayOfYear() int   { return m.YearDay() }
func (m *moment) hour() int        { return m.Hour() }
func (m *moment) minute() int      { return m.Minute() }
func (m *moment) second() int      { return m.Second() }
func (m *moment) millisecond() int { return m.Nanosecond() / int(time.Millisecond) }

// dayOfWeek is 1 on Sundays, isoDayOfWeek on Mondays.
func (m *moment) dayOfWeek() int    { return int(m.Weekday()) + 1 }
func (m *moment) isoDayOfWeek() int { return (int(m.Weekday())+6)%7 + 1 }

// week counts from the first Sunday of the year; the days before are week 0.
func (m *moment) week() int { return (m.YearDay() - 1 + 7 - int(m.Weekday())) / 7 }

func (m *moment) isoWeek() int {
	_, week := m.ISOWeek()
	return week
}

func (m *moment) isoWeekYear() int {
	year, _ := m.ISOWeek()
	return year
}

// datePart is $year and the like: of a date, or of {date: …, timezone: …}.
func datePart(part func(*moment) int) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		date, in, err := p.datePartArguments(name, v)
		if err != nil {
			return nil, err
		}
		z, err := zone(in)
		return nodeFunc(func(s *scope) (bson.RawValue, error) {
			m, err := momentOf(s, date, z)
			if m == nil || err != nil {
				return value.Null, err
			}
			if name == "$isoWeekYear" { // the only one that is a long
				return value.Int64(int64(part(m))), nil
			}
			return value.Int32(int32(part(m))), nil
		}), err
	}
}

func (p *parser) datePartArguments(name string, v bson.RawValue) (date, in node, err error) {
	it := value.Elements(v.Value)
	key, _, some := it.Next()
	if isObject(v) && (!some || len(key) == 0 || key[0] != '$') {
		unknown := func(arg string) error {
			return datePartUnknown.Errorf("unrecognized option to %s: \"%s\"", name, arg)
		}
		args, err := p.named(v, unknown, "date", "timezone")
		if err == nil && args["date"] == nil {
			return nil, nil, datePartNoDate.Errorf("missing 'date' argument to %s, provided: %s: %s", name, name[1:], value.Format(v))
		}
		return args["date"], args["timezone"], err
	}
	args, err := p.arguments(v)
	if err != nil {
		return nil, nil, err
	}
	if len(args) != 1 {
		return nil, nil, datePartArity.Errorf("%s accepts exactly one argument if given an array, but was given %d", name, len(args))
	}
	return args[0], nil, nil
}

// momentOf gives nil where the date or the zone is null.
func momentOf(s *scope, date node, z zoneArgument) (*moment, error) {
	v, err := date.eval(s)
	if err != nil {
		return nil, err
	}
	location, err := z.location(s)
	if err != nil || location == nil || nullish(v) {
		return nil, err
	}
	millis, ok := millisOf(v)
	if !ok {
		return nil, noDate.Errorf("can't convert from BSON type %s to Date", typeName(v))
	}
	return newMoment(millis, location), nil
}

func parseDateToParts(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, toPartsNoObject.Errorf("$dateToParts only supports an object as its argument")
	}
	unknown := func(arg string) error { return toPartsUnknown.Errorf("Unrecognized argument to $dateToParts: %s", arg) }
	args, err := p.named(v, unknown, "date", "timezone", "iso8601")
	if err != nil {
		return nil, err
	}
	if args["date"] == nil {
		return nil, toPartsNoDate.Errorf("Missing 'date' parameter to %s", name)
	}
	iso := args["iso8601"]
	if iso == nil {
		iso = &constant{boolValue(false)}
	}
	z, err := zone(args["timezone"])
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		flag, err := iso.eval(s)
		if err != nil {
			return flag, err
		}
		if !nullish(flag) && flag.Type != bson.TypeBoolean {
			return bson.RawValue{}, toPartsIsoNoBool.Errorf("iso8601 must evaluate to a bool, found %s", typeName(flag))
		}
		m, err := momentOf(s, args["date"], z)
		if m == nil || err != nil || nullish(flag) {
			return value.Null, err
		}
		return m.parts(flag.Boolean()), nil
	}), err
}

func (m *moment) parts(iso bool) bson.RawValue {
	out := newDocument()
	add := func(name string, n int) { out.add(name, value.Int32(int32(n))) }
	if iso {
		add("isoWeekYear", m.isoWeekYear())
		add("isoWeek", m.isoWeek())
		add("isoDayOfWeek", m.isoDayOfWeek())
	} else {
		add("year", m.year())
		add("month", m.month())
		add("day", m.dayOfMonth())
	}
	add("hour", m.hour())
	add("minute", m.minute())
	add("second", m.second())
	add("millisecond", m.millisecond())
	return out.value()
}

func tsSecond(name string, args []bson.RawValue) (bson.RawValue, error) {
	t, _, err := timestampOf(name, tsSecondType, args[0])
	return t, err
}

func tsIncrement(name string, args []bson.RawValue) (bson.RawValue, error) {
	_, i, err := timestampOf(name, tsIncrementType, args[0])
	return i, err
}

func timestampOf(name string, wrongType mongoerr.Code, v bson.RawValue) (t, i bson.RawValue, err error) {
	if nullish(v) {
		return value.Null, value.Null, nil
	}
	if v.Type != bson.TypeTimestamp {
		return t, i, wrongType.Errorf("Argument to %s must be a timestamp, but is %s", name, typeName(v))
	}
	seconds, increment := v.Timestamp()
	return value.Int64(int64(seconds)), value.Int64(int64(increment)), nil
}
