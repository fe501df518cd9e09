package expr

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $dateFromParts.
const (
	fromPartsNoObject     mongoerr.Code = 40519
	fromPartsUnknown      mongoerr.Code = 40518
	fromPartsNoYear       mongoerr.Code = 40516
	fromPartsMixed        mongoerr.Code = 40489
	fromPartsMixedIso     mongoerr.Code = 40525
	fromPartsNoInteger    mongoerr.Code = 40515
	fromPartsRange        mongoerr.Code = 31034
	fromPartsYearRange    mongoerr.Code = 40523
	fromPartsIsoYearRange mongoerr.Code = 31095
)

// clock is a time of day; its parts may lie outside of their ranges and carry.
type clock struct{ hour, minute, second, millisecond int64 }

func dateAt(year, month, day int, c clock, location *time.Location) time.Time {
	// The seconds go in apart: they may be more than time.Duration holds.
	t := time.Date(year, time.Month(month), day, int(c.hour), int(c.minute), 0, 0, location)
	return time.UnixMilli(t.UnixMilli() + c.second*1000 + c.millisecond).In(location)
}

// isoDate counts from the Monday of the week that has January 4th.
func isoDate(year, week, day int, c clock, location *time.Location) time.Time {
	fourth := newMoment(time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC).UnixMilli(), time.UTC)
	return dateAt(year, 1, 4-(fourth.isoDayOfWeek()-1)+(week-1)*7+day-1, c, location)
}

// dateFromParts is $dateFromParts; parts that are not given are nil.
type dateFromParts struct {
	parts map[string]node
	zone  zoneArgument
}

func parseDateFromParts(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, fromPartsNoObject.Errorf("%s only supports an object as its argument", name)
	}
	unknown := func(arg string) error { return fromPartsUnknown.Errorf("Unrecognized argument to %s: %s", name, arg) }
	args, err := p.named(v, unknown, "year", "month", "day", "hour", "minute", "second", "millisecond",
		"isoWeekYear", "isoWeek", "isoDayOfWeek", "timezone")
	if err != nil {
		return nil, err
	}
	given := func(name string) bool { return args[name] != nil }
	switch {
	case !given("year") && !given("isoWeekYear"):
		return nil, fromPartsNoYear.Errorf("$dateFromParts requires either 'year' or 'isoWeekYear' to be present")
	case given("year") && (given("isoWeekYear") || given("isoWeek") || given("isoDayOfWeek")):
		return nil, fromPartsMixed.Errorf("$dateFromParts does not allow mixing natural dates with ISO dates")
	case given("isoWeekYear") && (given("month") || given("day")):
		return nil, fromPartsMixedIso.Errorf("$dateFromParts does not allow mixing ISO dates with natural dates")
	}
	z, err := zone(args["timezone"])
	return &dateFromParts{args, z}, err
}

func (d *dateFromParts) eval(s *scope) (bson.RawValue, error) {
	year, month, day, yearRange := "year", "month", "day", fromPartsYearRange
	if d.parts["isoWeekYear"] != nil {
		year, month, day, yearRange = "isoWeekYear", "isoWeek", "isoDayOfWeek", fromPartsIsoYearRange
	}
	var n [7]int64
	for i, name := range []string{"hour", "minute", "second", "millisecond", year, month, day} {
		var ok bool
		var err error
		if n[i], ok, err = d.number(s, name, int64(btoi(i > 3))); !ok || err != nil {
			return value.Null, err
		}
	}
	location, err := d.zone.location(s)
	if err != nil || location == nil {
		return value.Null, err
	}
	if n[4] < 1 || n[4] > 9999 {
		return bson.RawValue{}, yearRange.Errorf("'%s' must evaluate to an integer in the range 1 to 9999, found %d", year, n[4])
	}
	build := dateAt
	if year == "isoWeekYear" {
		build = isoDate
	}
	t := build(int(n[4]), int(n[5]), int(n[6]), clock{n[0], n[1], n[2], n[3]}, location)
	return dateValue(t.UnixMilli()), nil
}

// number evaluates a part; ok is false where it is null.
func (d *dateFromParts) number(s *scope, name string, otherwise int64) (n int64, ok bool, err error) {
	part := d.parts[name]
	if part == nil {
		return otherwise, true, nil
	}
	v, err := part.eval(s)
	if err != nil || nullish(v) {
		return 0, false, err
	}
	n, ok = value.ExactInt64(v)
	if !ok {
		return 0, false, fromPartsNoInteger.Errorf("'%s' must evaluate to an integer, found %s with value %s", name, typeName(v), showValue(v))
	}
	switch name {
	case "year", "isoWeekYear", "second", "millisecond":
		return n, true, nil
	}
	if n < -32768 || n > 32767 {
		return 0, false, fromPartsRange.Errorf("'%s' must evaluate to a value in the range [-32768, 32767]; value %d is not in range", name, n)
	}
	return n, true, nil
}
