package rpc

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// ParamUnmarshaler is a parameter with a grammar of its own. The value is nil,
// a bool, string, json.Number, []any or map[string]any. The text of the error
// stands in "Invalid params: <text>.".
type ParamUnmarshaler interface {
	UnmarshalParam(value any) error
}

// decodeValue stores a JSON value in a Go variable, with serde's text for what
// does not fit. The errors are for invalidParams.
func decodeValue(v any, into reflect.Value) error {
	if own, ok := into.Addr().Interface().(ParamUnmarshaler); ok {
		return own.UnmarshalParam(v)
	}
	switch into.Kind() {
	case reflect.Pointer:
		return decodeOption(v, into)
	case reflect.String, reflect.Bool:
		return decodeScalar(v, into)
	case reflect.Uint64:
		return decodeUint(v, into)
	case reflect.Struct:
		return decodeStruct(v, into)
	default:
		panic("rpc: no parameter can be a " + into.Type().String())
	}
}

func decodeOption(v any, into reflect.Value) error {
	if v == nil {
		into.SetZero()
		return nil
	}
	into.Set(reflect.New(into.Type().Elem()))
	return decodeValue(v, into.Elem())
}

func decodeScalar(v any, into reflect.Value) error {
	want := "a string"
	if into.Kind() == reflect.Bool {
		want = "a boolean"
	}
	got := reflect.ValueOf(v)
	if _, number := v.(json.Number); number || !got.IsValid() || got.Kind() != into.Kind() {
		return invalidType(v, want)
	}
	into.Set(got.Convert(into.Type()))
	return nil
}

func decodeUint(v any, into reflect.Value) error {
	number, ok := v.(json.Number)
	if !ok || !isInteger(number) {
		return invalidType(v, "u64")
	}
	n, err := strconv.ParseUint(number.String(), 10, 64)
	if err != nil {
		return fmt.Errorf("invalid value: %s, expected u64", unexpected(v))
	}
	into.SetUint(n)
	return nil
}

func decodeStruct(v any, into reflect.Value) error {
	object, ok := v.(map[string]any)
	if !ok {
		return invalidType(v, "struct "+serdeName(into.Type()))
	}
	for i := range into.NumField() {
		field := into.Type().Field(i)
		if err := decodeField(object, field, into.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeField(object map[string]any, field reflect.StructField, into reflect.Value) error {
	name := field.Tag.Get("param")
	if name == "" {
		return nil
	}
	v, present := object[name]
	switch {
	case present:
		return decodeValue(v, into)
	case field.Type.Kind() == reflect.Pointer:
		return nil
	default:
		return fmt.Errorf("missing field `%s`", name)
	}
}

// serdeName is the name of the Rust struct that a Go struct stands for.
func serdeName(t reflect.Type) string {
	blank, _ := t.FieldByName("_")
	return blank.Tag.Get("serde")
}

// invalidType is serde's error for a value of the wrong JSON type.
func invalidType(v any, want string) error {
	return fmt.Errorf("invalid type: %s, expected %s", unexpected(v), want)
}

// unexpected describes a value as serde_json's JsonUnexpected does.
func unexpected(v any) string {
	switch v := v.(type) {
	case bool:
		return fmt.Sprintf("boolean `%t`", v)
	case json.Number:
		if isInteger(v) {
			return "integer `" + v.String() + "`"
		}
		return "floating point `" + rustNumber(v) + "`"
	case string:
		return "string " + rustString(v)
	case []any:
		return "sequence"
	case map[string]any:
		return "map"
	default:
		return "null"
	}
}

// isInteger reports whether serde_json holds the number as an u64 or i64. The
// rest are f64, -0 and what is beyond 64 bits among them.
func isInteger(n json.Number) bool {
	text := n.String()
	if strings.HasPrefix(text, "-") {
		i, err := strconv.ParseInt(text, 10, 64)
		return err == nil && i != 0
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// rustNumber prints a number as serde_json's Number does.
func rustNumber(n json.Number) string {
	if isInteger(n) {
		return n.String()
	}
	f, err := n.Float64()
	if err != nil || math.IsInf(f, 0) {
		return n.String()
	}
	return rustFloat(f)
}
