package expr

import (
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // the machine may have no time zones

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

const (
	zoneNoString mongoerr.Code = 40517
	zoneUnknown  mongoerr.Code = 40485
)

// zoneArgument is a "timezone" argument; fixed is set where it is a constant.
type zoneArgument struct {
	of    node
	fixed *time.Location
}

// zone takes the parsed argument, nil for UTC.
func zone(of node) (zoneArgument, error) {
	if of == nil {
		return zoneArgument{fixed: time.UTC}, nil
	}
	v, ok := constantOf(of)
	if !ok || nullish(v) {
		return zoneArgument{of: of}, nil
	}
	fixed, err := zoneOf(v)
	return zoneArgument{of, fixed}, err
}

// location gives nil where the argument is null.
func (z zoneArgument) location(s *scope) (*time.Location, error) {
	if z.fixed != nil {
		return z.fixed, nil
	}
	v, err := z.of.eval(s)
	if err != nil || nullish(v) {
		return nil, err
	}
	return zoneOf(v)
}

func zoneOf(v bson.RawValue) (*time.Location, error) {
	if !isString(v) {
		return nil, zoneNoString.Errorf("timezone must evaluate to a string, found %s", typeName(v))
	}
	name := textOf(v)
	if location, ok := offsetZone(name); ok {
		return location, nil
	}
	if location, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return location, nil
	}
	return nil, zoneUnknown.Errorf("unrecognized time zone identifier: \"%s\"", name)
}

var offsetPattern = regexp.MustCompile(`^([+-])(\d\d)(?::?(\d\d))?$`)

// offsetZone reads ±hh, ±hhmm and ±hh:mm.
func offsetZone(name string) (*time.Location, bool) {
	found := offsetPattern.FindStringSubmatch(name)
	if found == nil {
		return nil, false
	}
	hours, _ := strconv.Atoi(found[2])
	minutes, _ := strconv.Atoi("0" + found[3])
	seconds := hours*3600 + minutes*60
	if found[1] == "-" {
		seconds = -seconds
	}
	return time.FixedZone(name, seconds), true
}
