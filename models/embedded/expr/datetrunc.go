package expr

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// truncate gives the start of the bin of so many units that holds date. Bins
// are counted from the start of 2000 in the time zone; those of weeks from the
// first day in 2000 on which a week starts.
func (p *period) truncate(date, size bson.RawValue) (bson.RawValue, error) {
	millis, ok := millisOf(date)
	if !ok {
		return bson.RawValue{}, truncNoDate.Errorf("$dateTrunc requires 'date' to be a date, but got %s", typeName(date))
	}
	bin, ok := value.ExactInt64(size)
	if !ok {
		return bson.RawValue{}, binSizeNoInteger.Errorf("$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '%s' of type %s", showValue(size), typeName(size))
	}
	if bin <= 0 {
		return bson.RawValue{}, binSizeNoPositive.Errorf("$dateTrunc requires 'binSize' to be greater than 0, but got value %d", bin)
	}
	bin = min(bin, maxUnits)
	reference := time.Date(2000, time.January, 1, 0, 0, 0, 0, p.location)
	t := time.UnixMilli(millis).In(p.location)
	switch p.unit {
	case "millisecond", "second", "minute", "hour":
		each := unitMillis[p.unit]
		if bin > maxUnits/each {
			bin = maxUnits * 1024 / each
		}
		width := each * bin
		return dateValue(reference.UnixMilli() + floorDiv(millis-reference.UnixMilli(), width)*width), nil
	case "day", "week":
		return dateValue(p.truncateDays(t, bin).UnixMilli()), nil
	}
	width := unitMonths[p.unit] * bin
	months := int64(t.Year()-2000)*12 + int64(t.Month()) - 1
	start := floorDiv(months, width) * width
	return dateValue(time.Date(2000, 1+time.Month(start), 1, 0, 0, 0, 0, p.location).UnixMilli()), nil
}

func (p *period) truncateDays(t time.Time, bin int64) time.Time {
	first := int64(1) // the day of January 2000 that bins count from
	if p.unit == "week" {
		first += int64(p.weekday-time.Saturday+7) % 7
		bin = min(bin*7, maxUnits)
	}
	days := p.dayNumber(t) - (first - 1)
	start := floorDiv(days, bin) * bin
	return time.Date(2000, time.January, int(first+start), 0, 0, 0, 0, p.location)
}

// dayNumber counts the days since the start of 2000 on the local calendar.
func (p *period) dayNumber(t time.Time) int64 {
	year, month, day := t.Date()
	const secondsTo2000 = 946_684_800
	return floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()-secondsTo2000, 86400)
}
