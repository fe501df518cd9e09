package expr

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $dateDiff and $dateTrunc.
const (
	diffNoObject      mongoerr.Code = 5166301
	diffUnknown       mongoerr.Code = 5166302
	diffNoStart       mongoerr.Code = 5166303
	diffNoEnd         mongoerr.Code = 5166304
	diffNoUnit        mongoerr.Code = 5166305
	diffNoDate        mongoerr.Code = 5166307
	diffOverflow      mongoerr.Code = 5166308
	truncNoObject     mongoerr.Code = 5439007
	truncUnknown      mongoerr.Code = 5439008
	truncMissingDate  mongoerr.Code = 5439009
	truncMissingUnit  mongoerr.Code = 5439010
	truncNoDate       mongoerr.Code = 5439012
	unitNoString      mongoerr.Code = 5439013
	unitUnknown       mongoerr.Code = 5439014
	weekdayNoString   mongoerr.Code = 5439015
	weekdayUnknown    mongoerr.Code = 5439016
	binSizeNoInteger  mongoerr.Code = 5439017
	binSizeNoPositive mongoerr.Code = 5439018
)

func unitOf(name string, v bson.RawValue) (string, error) {
	if !isString(v) {
		return "", unitNoString.Errorf("%s requires 'unit' to be a string, but got %s", name, typeName(v))
	}
	if !isUnit(textOf(v)) {
		return "", unitUnknown.Errorf("%s parameter 'unit' value cannot be recognized as a time unit: %s", name, textOf(v))
	}
	return textOf(v), nil
}

func weekdayOf(name string, v bson.RawValue) (time.Weekday, error) {
	if !isString(v) {
		return 0, weekdayNoString.Errorf("%s requires 'startOfWeek' to be a string, but got %s", name, typeName(v))
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if full := day.String(); strings.EqualFold(textOf(v), full) || strings.EqualFold(textOf(v), full[:3]) {
			return day, nil
		}
	}
	return 0, weekdayUnknown.Errorf("%s parameter 'startOfWeek' value cannot be recognized as a day of a week: %s", name, textOf(v))
}

// calendar are the arguments that $dateDiff and $dateTrunc share.
type calendar struct {
	name        string
	unit        node
	startOfWeek node // may be nil
	zone        zoneArgument
}

// period is what they evaluate to.
type period struct {
	unit     string
	weekday  time.Weekday
	location *time.Location
}

// eval gives nil where an argument is null.
func (c *calendar) eval(s *scope) (*period, error) {
	v, err := c.unit.eval(s)
	if err != nil || nullish(v) {
		return nil, err
	}
	p := &period{weekday: time.Sunday}
	var day bson.RawValue
	week := c.startOfWeek != nil && isString(v) && textOf(v) == "week"
	if week {
		if day, err = c.startOfWeek.eval(s); err != nil || nullish(day) {
			return nil, err
		}
	}
	if p.location, err = c.zone.location(s); err != nil || p.location == nil {
		return nil, err
	}
	if p.unit, err = unitOf(c.name, v); err != nil {
		return nil, err
	}
	if week {
		p.weekday, err = weekdayOf(c.name, day)
	}
	return p, err
}

func parseDateDiff(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, diffNoObject.Errorf("$dateDiff only supports an object as its argument")
	}
	unknown := func(arg string) error { return diffUnknown.Errorf("Unrecognized argument to $dateDiff: %s", arg) }
	args, err := p.named(v, unknown, "startDate", "endDate", "unit", "timezone", "startOfWeek")
	switch {
	case err != nil:
		return nil, err
	case args["startDate"] == nil:
		return nil, diffNoStart.Errorf("Missing 'startDate' parameter to $dateDiff")
	case args["endDate"] == nil:
		return nil, diffNoEnd.Errorf("Missing 'endDate' parameter to $dateDiff")
	case args["unit"] == nil:
		return nil, diffNoUnit.Errorf("Missing 'unit' parameter to $dateDiff")
	}
	z, err := zone(args["timezone"])
	c := calendar{name, args["unit"], args["startOfWeek"], z}
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		start, err := args["startDate"].eval(s)
		if err != nil || nullish(start) {
			return value.Null, err
		}
		end, err := args["endDate"].eval(s)
		if err != nil || nullish(end) {
			return value.Null, err
		}
		p, err := c.eval(s)
		if err != nil || p == nil {
			return value.Null, err
		}
		return p.between(start, end)
	}), err
}

// between counts the boundaries of the unit that lie between two dates.
func (p *period) between(start, end bson.RawValue) (bson.RawValue, error) {
	from, ok := millisOf(start)
	if !ok {
		return bson.RawValue{}, diffNoDate.Errorf("$dateDiff requires 'startDate' to be a date, but got %s", typeName(start))
	}
	to, ok := millisOf(end)
	if !ok {
		return bson.RawValue{}, diffNoDate.Errorf("$dateDiff requires 'endDate' to be a date, but got %s", typeName(end))
	}
	count, overflow := value.Subtract(value.Int64(p.ordinal(to)), value.Int64(p.ordinal(from)))
	if overflow {
		return bson.RawValue{}, diffOverflow.Errorf("dateDiff overflowed")
	}
	return count, nil
}

// ordinal numbers the unit that holds a moment.
func (p *period) ordinal(millis int64) int64 {
	if each := unitMillis[p.unit]; each == 1 {
		return millis
	}
	t := time.UnixMilli(millis).In(p.location)
	if months := unitMonths[p.unit]; months > 0 {
		return floorDiv(int64(t.Year())*12+int64(t.Month())-1, months)
	}
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	if p.unit == "week" { // 1970 began on a Thursday
		seconds += int64(time.Thursday-p.weekday) * 86400
	}
	return floorDiv(seconds, unitMillis[p.unit]/1000)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func parseDateTrunc(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, truncNoObject.Errorf("$dateTrunc only supports an object as its argument")
	}
	unknown := func(arg string) error {
		return truncUnknown.Errorf("Unrecognized argument to $dateTrunc: %s. Expected arguments are date, unit, and optionally, binSize, timezone, startOfWeek", arg)
	}
	args, err := p.named(v, unknown, "date", "unit", "binSize", "timezone", "startOfWeek")
	switch {
	case err != nil:
		return nil, err
	case args["date"] == nil:
		return nil, truncMissingDate.Errorf("Missing 'date' parameter to $dateTrunc")
	case args["unit"] == nil:
		return nil, truncMissingUnit.Errorf("Missing 'unit' parameter to $dateTrunc")
	case args["binSize"] == nil:
		args["binSize"] = &constant{value.Int64(1)}
	}
	z, err := zone(args["timezone"])
	c := calendar{name, args["unit"], args["startOfWeek"], z}
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		date, err := args["date"].eval(s)
		if err != nil || nullish(date) {
			return value.Null, err
		}
		size, err := args["binSize"].eval(s)
		if err != nil || nullish(size) {
			return value.Null, err
		}
		p, err := c.eval(s)
		if err != nil || p == nil {
			return value.Null, err
		}
		return p.truncate(date, size)
	}), err
}
