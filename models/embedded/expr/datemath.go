package expr

import (
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $dateAdd and $dateSubtract.
const (
	addNoObject       mongoerr.Code = 5166400
	addUnknown        mongoerr.Code = 5166401
	addIncomplete     mongoerr.Code = 5166402
	addNoDate         mongoerr.Code = 5166403
	addUnitType       mongoerr.Code = 5166404
	addNoInteger      mongoerr.Code = 5166405
	addOverflow       mongoerr.Code = 5166406
	subtractMinAmount mongoerr.Code = 6045000
)

// unitMillis are the units of a fixed length, in milliseconds. A day is one
// only where no time zone matters.
var unitMillis = map[string]int64{
	"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000,
}

// unitMonths are the units that are a number of months.
var unitMonths = map[string]int64{"month": 1, "quarter": 3, "year": 12}

func isUnit(name string) bool { return unitMillis[name] > 0 || unitMonths[name] > 0 }

// parseDateAdd parses $dateAdd and $dateSubtract.
func parseDateAdd(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, addNoObject.Errorf("%s expects an object as its argument", name)
	}
	unknown := func(arg string) error {
		return addUnknown.Errorf("Unrecognized argument to %s: %s. Expected arguments are startDate, unit, amount, and optionally timezone.", name, arg)
	}
	args, err := p.named(v, unknown, "startDate", "unit", "amount", "timezone")
	if err != nil {
		return nil, err
	}
	if args["startDate"] == nil || args["unit"] == nil || args["amount"] == nil {
		return nil, addIncomplete.Errorf("%s requires startDate, unit, and amount to be present", name)
	}
	z, err := zone(args["timezone"])
	given := []node{args["startDate"], args["unit"], args["amount"]}
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		var got [3]bson.RawValue
		for i, n := range given {
			v, err := n.eval(s)
			if err != nil || nullish(v) {
				return value.Null, err
			}
			got[i] = v
		}
		location, err := z.location(s)
		if err != nil || location == nil {
			return value.Null, err
		}
		return dateAdd(name, got[0], got[1], got[2], location)
	}), err
}

func dateAdd(name string, start, unit, amount bson.RawValue, location *time.Location) (bson.RawValue, error) {
	millis, ok := millisOf(start)
	if !ok {
		return bson.RawValue{}, addNoDate.Errorf("%s requires startDate to be convertible to a date", name)
	}
	if !isString(unit) {
		return bson.RawValue{}, addUnitType.Errorf("%s expects string defining the time unit", name)
	}
	if !isUnit(textOf(unit)) {
		return bson.RawValue{}, mongoerr.FailedToParse.Errorf("unknown time unit value: %s", textOf(unit))
	}
	n, ok := value.ExactInt64(amount)
	if !ok {
		return bson.RawValue{}, addNoInteger.Errorf("%s expects integer amount of time units", name)
	}
	if name == "$dateSubtract" {
		if n == math.MinInt64 {
			return bson.RawValue{}, subtractMinAmount.Errorf("invalid $dateSubtract 'amount' parameter value: %d", n)
		}
		n = -n
	}
	sum, ok := addUnits(millis, textOf(unit), n, location)
	if !ok {
		return bson.RawValue{}, addOverflow.Errorf("%s overflowed", name)
	}
	return dateValue(sum), nil
}

// maxUnits bounds an amount of days or months: what the range of dates holds.
const maxUnits = 1 << 37

// addUnits adds in the time zone; ok is false if the result is no date.
func addUnits(millis int64, unit string, n int64, location *time.Location) (sum int64, ok bool) {
	months, each := unitMonths[unit]*n, unitMillis[unit]
	switch {
	case months == 0 && (each < unitMillis["day"] || location == time.UTC):
		product, overflow := value.Multiply(value.Int64(n), value.Int64(each))
		if overflow {
			return 0, false
		}
		total, overflow := value.Add(product, value.Int64(millis))
		return total.AsInt64(), !overflow
	case n > maxUnits || n < -maxUnits:
		return 0, false
	}
	t := time.UnixMilli(millis).In(location)
	year, month, day := t.Date()
	if months == 0 {
		t = sameClock(t, year, month, day+int(n*each/unitMillis["day"]))
	} else {
		last := time.Date(year, month+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
		t = sameClock(t, last.Year(), last.Month(), min(day, last.Day()))
	}
	const maxSeconds = math.MaxInt64 / 1000
	return t.UnixMilli(), t.Unix() < maxSeconds && t.Unix() > -maxSeconds
}

func sameClock(t time.Time, year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}
