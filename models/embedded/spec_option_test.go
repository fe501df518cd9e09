package embedded

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/xoptions"
)

// specReadPreference is how the format writes a read preference.
type specReadPreference struct {
	Mode         string `bson:"mode"`
	MaxStaleness int    `bson:"maxStalenessSeconds"`
}

func (p *specReadPreference) value() *readpref.ReadPref {
	if p == nil {
		return nil
	}
	mode, err := readpref.ModeFromString(p.Mode)
	if err != nil {
		return nil
	}
	var opts []readpref.Option
	if p.MaxStaleness > 0 {
		opts = append(opts, readpref.WithMaxStaleness(time.Duration(p.MaxStaleness)*time.Second))
	}
	rp, err := readpref.New(mode, opts...)
	if err != nil {
		return nil
	}
	return rp
}

// withArguments calls the driver's Set method for every argument that was not taken
// yet. An argument without one is an error of the call.
func withArguments[B any](c *specCall, builder B) B {
	for _, e := range c.rest() {
		if err := setOption(builder, e.Key(), e.Value()); err != nil && c.err == nil {
			c.err = err
		}
	}
	return builder
}

func setOption(builder any, name string, v bson.RawValue) error {
	if name == "rawData" {
		return setRawData(builder, v.Boolean())
	}
	method := reflect.ValueOf(builder).MethodByName("Set" + strings.ToUpper(name[:1]) + name[1:])
	if !method.IsValid() {
		return fmt.Errorf("%T has no option %s", builder, name)
	}
	arg, err := optionValue(method.Type().In(0), v)
	if err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	method.Call([]reflect.Value{arg})
	return nil
}

// optionValue turns an argument into what a Set method takes.
func optionValue(want reflect.Type, v bson.RawValue) (reflect.Value, error) {
	to := reflect.New(want)
	switch p := to.Interface().(type) {
	case *any:
		*p = plain(v)
	case *[]any:
		values, err := v.Array().Values()
		if err != nil {
			return to, err
		}
		for _, item := range values {
			*p = append(*p, plain(item))
		}
	case *options.ReturnDocument:
		if v.StringValue() == "After" {
			*p = options.After
		}
	case **readpref.ReadPref:
		var rp specReadPreference
		if err := v.Unmarshal(&rp); err != nil {
			return to, err
		}
		*p = rp.value()
	default:
		if err := v.Unmarshal(p); err != nil {
			return to, err
		}
	}
	return to.Elem(), nil
}

// plain gives a value in the type that the driver looks for: it tells documents,
// pipelines and names of indexes apart by their Go types.
func plain(v bson.RawValue) any {
	if doc, ok := v.DocumentOK(); ok {
		return doc
	}
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	if array, ok := v.ArrayOK(); ok {
		values, err := array.Values()
		docs := make([]bson.Raw, len(values))
		for i := range values {
			if docs[i], ok = values[i].DocumentOK(); !ok || err != nil {
				return v
			}
		}
		return docs
	}
	return v
}

// setRawData sets the option that the driver keeps out of its public builders.
func setRawData(builder any, v bool) error {
	const name = "rawData"
	switch b := builder.(type) {
	case *options.AggregateOptionsBuilder:
		return xoptions.SetInternalAggregateOptions(b, name, v)
	case *options.BulkWriteOptionsBuilder:
		return xoptions.SetInternalBulkWriteOptions(b, name, v)
	case *options.CountOptionsBuilder:
		return xoptions.SetInternalCountOptions(b, name, v)
	case *options.DeleteOneOptionsBuilder:
		return xoptions.SetInternalDeleteOneOptions(b, name, v)
	case *options.DeleteManyOptionsBuilder:
		return xoptions.SetInternalDeleteManyOptions(b, name, v)
	case *options.DistinctOptionsBuilder:
		return xoptions.SetInternalDistinctOptions(b, name, v)
	case *options.EstimatedDocumentCountOptionsBuilder:
		return xoptions.SetInternalEstimatedDocumentCountOptions(b, name, v)
	case *options.FindOptionsBuilder:
		return xoptions.SetInternalFindOptions(b, name, v)
	case *options.FindOneAndDeleteOptionsBuilder:
		return xoptions.SetInternalFindOneAndDeleteOptions(b, name, v)
	case *options.FindOneAndReplaceOptionsBuilder:
		return xoptions.SetInternalFindOneAndReplaceOptions(b, name, v)
	case *options.FindOneAndUpdateOptionsBuilder:
		return xoptions.SetInternalFindOneAndUpdateOptions(b, name, v)
	case *options.InsertManyOptionsBuilder:
		return xoptions.SetInternalInsertManyOptions(b, name, v)
	case *options.InsertOneOptionsBuilder:
		return xoptions.SetInternalInsertOneOptions(b, name, v)
	case *options.ReplaceOptionsBuilder:
		return xoptions.SetInternalReplaceOptions(b, name, v)
	case *options.UpdateManyOptionsBuilder:
		return xoptions.SetInternalUpdateManyOptions(b, name, v)
	case *options.UpdateOneOptionsBuilder:
		return xoptions.SetInternalUpdateOneOptions(b, name, v)
	}
	return fmt.Errorf("%T has no option %s", builder, name)
}
